#pragma once

#include <cstdint>

#include "base/id.h"
#include "realtime/connection_id.h"

namespace ringroom::realtime {

// Counts something over all cores (connections of a user, of an address, a user's rooms) on the
// key's home core.
struct AcquireQuota {
  std::uint64_t key;
  ConnectionId to;
  std::uint32_t limit;
  RoomId room{0};  // of a place for a room: which, and by which join; ticket 0: of a connection
  std::uint32_t ticket = 0;
  void each_text(auto&&) {}
};
struct QuotaAnswer {
  ConnectionId to;
  std::uint64_t key;
  RoomId room;
  std::uint32_t ticket;
  bool granted;
  void each_text(auto&&) {}
};
struct ReleaseQuota {
  std::uint64_t key;
  void each_text(auto&&) {}
};

// A user who may be connected only once has one place, kept by the user's home core. Only one who
// has to go is told.
struct TakeSeat {
  std::uint64_t key;
  ConnectionId to;
  void each_text(auto&&) {}
};
struct LeaveSeat {
  std::uint64_t key;
  ConnectionId from;
  void each_text(auto&&) {}
};
struct SeatLost {
  ConnectionId to;
  bool was_refused;  // it was the newcomer; else it was replaced
  void each_text(auto&&) {}
};

}  // namespace ringroom::realtime
