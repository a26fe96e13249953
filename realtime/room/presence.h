#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "alloc/chunk_list.h"
#include "alloc/core_heap.h"
#include "realtime/namespace.h"

namespace ringroom::realtime {

// Who is in one room (R4): its users, how many connections each has, what each says of itself, and
// what of all that the room's listeners have not been told.
//
//   enter() --> here --leave(), the last of its connections---------------> gone
//                 ^  \--the same while one that broke may come back--+       ^
//                 |                                                  v       |
//                 +--------------enter()----------------------- in grace ----+ advance()
//
// A user in grace is a member without connections: nobody is told that it went, and if it comes
// back in time nobody is told that it came.
//
// Differences are found by comparing how it is with what was told, so whatever cancels out before
// it is told is never told. In a small room a difference is due at once; in a large one when the
// interval that began with the first of them ends, and then all of them are one batch.
//
// Owner:  the room, on its core. Time is an argument and never goes back; no clock, no socket.
// Size:   32 bytes a user and its texts, 5 to 11 for the index of a room of more than 16
//         (docs/memory.md).
// Errors: none. That only those leave who have entered is the room's promise, and checked.
class Presence {
 public:
  // `seed` keeps others from choosing names that collide. The namespace outlives the room.
  Presence(const Namespace& rules, alloc::CoreHeap& heap, std::uint64_t seed);
  ~Presence();
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  // Others, which outlive it too.
  void adopt(const Namespace& rules) { options_ = &rules; }

  // A connection of the user begins to listen. An empty `info` leaves what a member said as it is.
  void enter(std::string_view user_id, std::string_view info, std::uint64_t now_ms);
  // It ends: the client asked for that, or it broke and may come back.
  enum class Why : std::uint8_t { left, broken };
  void leave(std::string_view user_id, Why why, std::uint64_t now_ms);
  // What the user says of itself, from whichever connection: a JSON object of at most
  // info_bytes_max bytes. False: no such member.
  bool update(std::string_view user_id, std::string_view info, std::uint64_t now_ms);
  static constexpr std::size_t info_bytes_max = 1024;

  // Lets those go whose grace is over.
  void advance(std::uint64_t now_ms);
  // When advance() or a telling is due; nothing: not before something happens.
  std::optional<std::uint64_t> next_ms() const;

  // Differences that listeners have to be told by `now_ms`: each, then told().
  bool is_due(std::uint64_t now_ms) const { return !changed_.empty() && due_ms_ <= now_ms; }
  // They began in a large room: to be told as one batch, whatever the room's size is now.
  bool is_batch() const { return is_batch_; }
  enum class Difference : std::uint8_t { joined, left, updated };
  std::size_t count(Difference kind) const {
    std::size_t out = 0;
    for (const std::uint32_t slot : changed_) out += difference(members_[slot]) == kind ? 1 : 0;
    return out;
  }
  // f(user_id, info), in the order in which they came about. The presence may not change meanwhile.
  void each(Difference kind, auto&& f) const {
    for (const std::uint32_t slot : changed_) {
      const Member& member = members_[slot];
      if (difference(member) == kind) f(member.user_id(), member.info());
    }
  }
  void told();
  // They cannot be told now: all are due when another interval ends.
  void put_off(std::uint64_t now_ms) {
    due_ms_ = now_ms + std::max<std::uint64_t>(options_->presence_interval_ms, 1);
  }

  // Those in grace are users and have no connections.
  std::uint32_t users() const { return users_; }
  std::uint32_t connections() const { return connections_; }
  bool is_large() const { return users_ > options_->presence_large; }
  // 0 connections: in grace; nothing: not here.
  std::optional<std::uint32_t> connections_of(std::string_view user_id) const;

  // f(user_id, connections, info) for at most `count_max` users, in the order of their arrival,
  // except that who comes takes the place of who went before.
  void list(std::size_t count_max, auto&& f) const {
    for (std::size_t slot = 0; slot < members_.size(); ++slot) {
      if (count_max == 0) return;
      const Member& member = members_[slot];
      if (!member.is(here)) continue;
      --count_max;
      f(member.user_id(), member.connections, member.info());
    }
  }

  // Of this object and everything it holds.
  std::size_t bytes() const {
    return sizeof *this + members_.memory_bytes() +
           (index_.capacity() + changed_.capacity()) * sizeof(std::uint32_t) + text_bytes_;
  }

 private:
  static constexpr std::uint32_t none = 0xffff'ffff;

  enum Flag : std::uint8_t {
    used = 1,          // the slot is somebody's
    here = 2,          // counts as a user: has connections or is in grace
    known = 4,         // listeners believe it is here
    info_changed = 8,  // and have heard another info
    changed = 16,      // is in changed_
    awaited = 32       // is in the list of graces: a connection broke and may come back
  };
  struct Member {
    char* text = nullptr;  // user id, then info
    std::uint32_t hash = 0;
    std::uint32_t connections = 0;
    std::uint32_t previous = none;  // in the list of graces
    std::uint32_t next = none;      // in it, or the next free slot
    std::uint32_t until_ms = 0;     // end of the grace, the low half of the clock
    std::uint16_t info_bytes = 0;
    std::uint8_t user_id_bytes = 0;
    std::uint8_t flags = 0;

    bool is(Flag flag) const { return (flags & flag) != 0; }
    void set(Flag flag) { flags = static_cast<std::uint8_t>(flags | flag); }
    void clear(Flag flag) { flags = static_cast<std::uint8_t>(flags & ~flag); }
    std::string_view user_id() const { return {text, user_id_bytes}; }
    std::string_view info() const { return {text + user_id_bytes, info_bytes}; }
  };
  static_assert(sizeof(Member) == 32, "two to a cache line; docs/memory.md says it too");

  // The end of a grace is kept as the low half of the clock: 24 days ahead are told from the past.
  std::uint64_t grace_ms() const {
    return std::min<std::uint64_t>(options_->presence_grace_ms, 0x7fff'ffff);
  }
  static std::optional<Difference> difference(const Member& member);

  std::uint32_t hash_of(std::string_view user_id) const;
  std::uint32_t find(std::string_view user_id, std::uint32_t hash) const;  // a slot, or none
  std::uint32_t add(std::string_view user_id, std::uint32_t hash);
  void remove(std::uint32_t slot);
  void set_info(std::uint32_t slot, std::string_view info, std::uint64_t now_ms);
  void write_texts(Member& member, std::string_view user_id, std::string_view info);
  void note(std::uint32_t slot, std::uint64_t now_ms);
  void go(std::uint32_t slot, std::uint64_t now_ms);
  void await(std::uint32_t slot, std::uint64_t now_ms);
  void stop_awaiting(std::uint32_t slot);
  std::uint64_t whole(std::uint32_t until_ms) const;

  void index_add(std::uint32_t slot);
  void index_remove(std::uint32_t slot);
  void rebuild_index(std::size_t places);
  void compact();

  const Namespace* options_;
  alloc::CoreHeap& heap_;
  const std::uint64_t seed_;
  std::uint64_t now_ms_ = 0;          // the latest that was said
  std::uint64_t due_ms_ = 0;          // of changed_, unless that is empty
  alloc::ChunkList<Member> members_;  // by slot
  // Slots by hash, open addressing, a power of two; empty while a look at every slot is cheaper.
  std::vector<std::uint32_t> index_;
  std::vector<std::uint32_t> changed_;  // slots that may differ from what was told, oldest first
  std::uint32_t first_free_ = none;
  std::uint32_t first_awaited_ = none, last_awaited_ = none;  // by the end of their grace
  std::uint32_t used_count_ = 0;
  std::uint32_t users_ = 0;
  std::uint32_t connections_ = 0;
  std::size_t text_bytes_ = 0;
  bool is_batch_ = false;
};

}  // namespace ringroom::realtime
