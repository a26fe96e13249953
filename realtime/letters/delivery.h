#pragma once

#include <cstdint>
#include <string_view>

#include "alloc/block.h"
#include "base/id.h"
#include "engine/lane.h"
#include "realtime/connection_id.h"
#include "realtime/wire_form.h"

namespace ringroom::realtime {

// What a room's home sends the cores where somebody listens, and what keeps it whole: positions to
// check by, and what is done when somebody does not keep up.

// A part of a batch that one connection must not get, or none of those who may not see presence,
// or none of those who lack a permission.
struct Exclusion {
  ConnectionId connection;  // or presence_blind, or lacking(permission)
  std::uint32_t begin[wire_forms];
  std::uint32_t end[wire_forms];
};

inline constexpr ConnectionId presence_blind{0xfffe, 0, 0};
inline constexpr std::uint16_t lacking_mark = 0xfffd;
constexpr ConnectionId lacking(std::uint64_t permission) {
  return {lacking_mark, static_cast<std::uint32_t>(permission),
          static_cast<std::uint32_t>(permission >> 32)};
}
constexpr bool is_about_permission(const Exclusion& exclusion) {
  return exclusion.connection.core == lacking_mark;
}
constexpr std::uint64_t permission_of(const Exclusion& exclusion) {
  return std::uint64_t(exclusion.connection.generation) << 32 | exclusion.connection.slot;
}

// Where an event begins in a batch, in the event form and in its compressed one; it ends where the
// next one begins.
struct EventMark {
  std::uint64_t type;  // EventFilters::hash
  std::uint32_t begin[2];
};

// A room's batch in one form. The block comes with one hold, which goes back as BlockReturned.
struct FormBatch {
  alloc::Block* block;
  std::uint32_t ephemeral_begin;  // what is behind this is not for those who do not keep up
  WireForm form;
};

// The batch of a room's turn for the listeners of one core.
struct Deliver {
  RoomId room;
  std::string_view batches;  // bytes of FormBatch[]: the forms that somebody listens in there
  std::uint32_t publications;
  std::uint32_t since;  // Stages: when the room had its first message
  // Of its numbered publications; 0: it has none. A listening core knows by them that nothing is
  // missing between two batches.
  std::uint64_t first_sequence, last_sequence;
  bool starts_anew;   // the numbering did: what was before it says nothing about what follows
  engine::Lane lane;  // the highest of its publications
  std::string_view exclusions;  // bytes of Exclusion[]
  std::string_view events;      // bytes of EventMark[]: all of it, if somebody listens to events

  void each_text(auto&& f) { f(batches), f(exclusions), f(events); }
};

// A publisher whose dialect has no words for "try again": its socket is not read until the room has
// caught up.
struct Throttle {
  ConnectionId to;
  bool pause;
  void each_text(auto&&) {}
};

// A core still hands out earlier batches of the room, or has caught up again.
struct RoomBusy {
  RoomId room;
  bool busy;
  void each_text(auto&&) {}
};

// Where the room stands, now and then: a core whose listeners have not heard so far has lost
// something, and ends them with 4512 rather than stay silent.
struct AuditPosition {
  RoomId room;
  std::uint64_t sequence;
  void each_text(auto&&) {}
};

struct BlockReturned {
  alloc::Block* block;
  void each_text(auto&&) {}
};

// A listener of a namespace with a lossy slow-consumer policy was left out while it did not keep
// up, and has now taken all it was sent: what of the messages after `since` it still gets.
struct CatchUp {
  RoomId room;
  ConnectionId to;
  std::uint32_t ticket;
  std::uint64_t since;
  std::string_view permissions;  // PermissionView::bytes of the listener
  void each_text(auto&& f) { f(permissions); }
};
struct CaughtUp {
  RoomId room;
  ConnectionId to;
  std::uint32_t ticket;
  std::uint64_t sequence;  // live from here on
  std::string_view frames;
  void each_text(auto&& f) { f(frames); }
};

}  // namespace ringroom::realtime
