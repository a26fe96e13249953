#pragma once

#include <cstdint>

#include "realtime/access/seats.h"
#include "realtime/letters/places.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// The second connection of a user (C3, `duplicate-sessions`): a user has one place on this server,
// kept by its home core.
//
//   enter() --TakeSeat--> home of the user: free, or refuse | replace --SeatLost--> the one that
//   goes leave() --LeaveSeat-->
//
// A newcomer serves while its question is on the way (microseconds). Nobody answers one who stays.
// In a room of a namespace the same is decided by the room's home: room/room_seats.h.
class Duplicates {
 public:
  explicit Duplicates(Shard& shard) : shard_(shard) {}

  void enter(const Session& session);
  void leave(const Session& session);  // before its user is taken off it

  void receive(const TakeSeat& asked);
  void receive(const LeaveSeat& left);
  void receive(const SeatLost& lost);

 private:
  bool concerns(const Session& session) const;
  std::uint64_t key_of(const Session& session) const;

  Shard& shard_;
  Seats seats_;  // of users at home here
};

}  // namespace ringroom::realtime
