#pragma once

#include <cstdint>
#include <optional>

#include "realtime/access/seats.h"
#include "realtime/letters/membership.h"
#include "realtime/room/room.h"

namespace ringroom::realtime {

class Shard;

// The second connection of a user in a room of a namespace with `duplicate-sessions`. Listeners
// without a name (raw ones, those of a pattern) are nobody's second.
//
//   JoinRoom --look()--> refused                                     refuse: the newcomer
//            --take()--> the newcomer is in --Unseat--> the older     replace: its room_left says
//            so
//
// Owner: the home core of the rooms.
class RoomSeats {
 public:
  explicit RoomSeats(Shard& shard) : shard_(shard) {}

  enum class Place : std::uint8_t { free, taken, replaced };
  Place look(const Room& room, const JoinRoom& join) const;
  // The place is the newcomer's; returns whose it was, if that one has to go.
  std::optional<Seats::Holder> take(Room& room, const JoinRoom& join);
  void end(const Room& room, const Seats::Holder& older);
  void leave(Room& room, const LeaveRoom& leave);

 private:
  const Seats::Holder* other_holder(const Room& room, const JoinRoom& join) const;

  Shard& shard_;
};

}  // namespace ringroom::realtime
