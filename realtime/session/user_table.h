#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "alloc/core_heap.h"

namespace ringroom::realtime {

// A person on this core: everybody who is connected under one id. One piece of memory, with the id
// behind it. Its connections are chained through their sessions (Session::next_of_user).
class User {
 public:
  static constexpr std::uint32_t no_session = 0xffff'ffff;

  std::string_view id() const {
    return {reinterpret_cast<const char*>(this) + bytes_before_id, id_bytes_};
  }

  std::uint32_t first_session = no_session;  // the slot of its socket

 private:
  friend class UserTable;
  static constexpr std::size_t bytes_before_id = 18;
  User(User* next, std::uint32_t hash, std::uint16_t id_bytes)
      : hash_(hash), next_(next), id_bytes_(id_bytes) {}

  std::uint32_t hash_;
  User* next_;              // in the same bucket
  std::uint16_t id_bytes_;  // the last member: the id begins in the padding
};
static_assert(sizeof(User) == 24, "18 and the id: docs/memory.md says it too");

// The users of one core, by id.
//
// Owner: one core. `hash` comes from the caller: with a secret seed, because users choose their
//        ids. Lifetime: of a user from add() to remove().
class UserTable {
 public:
  explicit UserTable(alloc::CoreHeap& heap) : heap_(heap), buckets_(buckets_min) {}
  ~UserTable();
  UserTable(const UserTable&) = delete;
  UserTable& operator=(const UserTable&) = delete;

  User* find(std::string_view id, std::uint64_t hash) const;
  User& add(std::string_view id, std::uint64_t hash);  // not there yet
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
