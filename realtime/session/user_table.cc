#include "realtime/session/user_table.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"

namespace ringroom::realtime {

UserTable::~UserTable() {
  for (User* user : buckets_)
    while (user != nullptr) heap_.release(std::exchange(user, user->next_));
}

User::User(User* next, std::uint32_t hash, ScopedName name)
    : hash_(hash),
      next_(next),
      workspace_bytes_(static_cast<std::uint8_t>(
          name.workspace().is_default() ? 0 : name.workspace().id().size())),
      id_bytes_(static_cast<std::uint8_t>(name.shown().size())) {
  RR_CHECK(name.text().size() == shown_at() + id_bytes_);  // neither was too long for its byte
}

User* UserTable::find(ScopedName name, std::uint64_t hash) const {
  const auto low = static_cast<std::uint32_t>(hash);
  User* user = buckets_[low & (buckets_.size() - 1)];
  while (user != nullptr && (user->hash_ != low || !(user->name() == name))) user = user->next_;
  return user;
}

User& UserTable::add(ScopedName name, std::uint64_t hash) {
  if (count_ == users_per_bucket * buckets_.size()) grow();
  const auto low = static_cast<std::uint32_t>(hash);
  User*& bucket = bucket_of(low);
  const std::string_view text = name.text();
  auto* memory = static_cast<char*>(
      heap_.allocate(std::max(sizeof(User), User::bytes_before_name + text.size())));
  User* user = new (memory) User(bucket, low, name);
  std::memcpy(memory + User::bytes_before_name, text.data(), text.size());
  bucket = user;
  ++count_;
  return *user;
}

void UserTable::remove(User& user) {
  RR_CHECK(user.first_session == User::no_session);
  User** link = &bucket_of(user.hash_);
  while (*link != &user) {
    RR_CHECK(*link != nullptr);
    link = &(*link)->next_;
  }
  *link = user.next_;
  heap_.release(&user);
  --count_;
}

void UserTable::grow() {
  std::vector<User*> before(2 * buckets_.size());
  before.swap(buckets_);
  for (User* user : before) {
    while (user != nullptr) {
      User* const moved = std::exchange(user, user->next_);
      moved->next_ = std::exchange(bucket_of(moved->hash_), moved);
    }
  }
}

}  // namespace ringroom::realtime
