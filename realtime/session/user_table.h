#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "alloc/core_heap.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// A person on this core: everybody who is connected under one id in one workspace. One piece of
// memory, with the name behind it. Its connections are chained through their sessions
// (Session::next_of_user).
class User {
 public:
  static constexpr std::uint32_t no_session = 0xffff'ffff;

  // As it is shown.
  std::string_view id() const { return name().text().substr(shown_at()); }
  ScopedName name() const {
    return ScopedName::kept({reinterpret_cast<const char*>(this) + bytes_before_name,
                             shown_at() + std::size_t(id_bytes_)});
  }
  Workspace workspace() const { return workspace_bytes_ == 0 ? Workspace() : name().workspace(); }

  // Low half of the hash of its id.
  std::uint32_t hash() const { return hash_; }

  std::uint32_t first_session = no_session;  // the slot of its socket

 private:
  friend class UserTable;
  static constexpr std::size_t bytes_before_name = 18;
  User(User* next, std::uint32_t hash, ScopedName name);
  // A workspace stands before the id, and a separator.
  std::size_t shown_at() const { return workspace_bytes_ == 0 ? 0 : workspace_bytes_ + 1u; }

  std::uint32_t hash_;
  User* next_;  // in the same bucket
  std::uint8_t workspace_bytes_;
  std::uint8_t id_bytes_;  // the last member: the name begins in the padding
};
static_assert(sizeof(User) == 24, "18 and the name: docs/memory.md says it too");

// The users of one core, by name.
//
// Owner: one core. `hash` comes from the caller: with a secret seed, because users choose their
//        ids. Lifetime: of a user from add() to remove().
class UserTable {
 public:
  explicit UserTable(alloc::CoreHeap& heap) : heap_(heap), buckets_(buckets_min) {}
  ~UserTable();
  UserTable(const UserTable&) = delete;
  UserTable& operator=(const UserTable&) = delete;

  User* find(ScopedName name, std::uint64_t hash) const;
  User& add(ScopedName name, std::uint64_t hash);  // not there yet
  void remove(User& user);
  std::size_t size() const { return count_; }

 private:
  static constexpr std::size_t buckets_min = 16;
  static constexpr std::size_t users_per_bucket = 4;  // 2 to 4 bytes of table for each

  User*& bucket_of(std::uint32_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }
  void grow();

  alloc::CoreHeap& heap_;
  std::vector<User*> buckets_;
  std::size_t count_ = 0;
};

}  // namespace ringroom::realtime
