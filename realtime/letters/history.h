#pragma once

#include <cstdint>
#include <string_view>

#include "base/id.h"
#include "realtime/connection_id.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// What a room remembers: read, and forgotten.

// Answered with HistoryRead, a `history` frame, of a request with Answered, or with Refused.
struct ReadHistory {
  RoomId room = {};
  ScopedName room_name = {};
  Asker asker = {};
  std::string_view correlation_id = {};
  std::uint32_t limit;
  bool reverse;
  // Messages after this position (reversed: before it); an empty epoch: from the end that is read
  // from.
  std::uint64_t since_sequence;
  std::string_view since_epoch;
  std::string_view permissions;  // PermissionView::bytes of who asks
  std::uint32_t edition;         // of his rights

  void each_text(auto&& f) {
    room_name.each_text(f), f(correlation_id), f(since_epoch), f(permissions);
  }
};

struct HistoryRead {
  ConnectionId to;
  std::uint32_t edition;  // of the rights it was read by
  std::string_view correlation_id;
  std::string_view room_name;
  std::string_view frame;

  void each_text(auto&& f) { f(correlation_id), f(room_name), f(frame); }
};

// What the room remembers is forgotten; its numbering goes on.
struct ClearHistory {
  RoomId room = {};
  Asker asker = {};
  ScopedName room_name = {};
  std::string_view correlation_id = {};
  void each_text(auto&& f) { room_name.each_text(f), f(correlation_id); }
};

}  // namespace ringroom::realtime
