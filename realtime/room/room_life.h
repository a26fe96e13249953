#pragma once

#include <string_view>

#include "realtime/letters/refused.h"
#include "realtime/letters/room_life.h"
#include "realtime/room/room.h"

namespace ringroom::realtime {

class Shard;

// Rooms as things of their own (R1): made with an owner and a limit, described, listed, deleted.
// A room that somebody merely joined or spoke in is one too, without an owner.
//
//   CreateRoom, DeleteRoom, DescribeRoom --> RoomDescribed | Refused
//   ListRooms (to every core)            --> RoomDescribed ... RoomsListed
//
// Owner: the core that is home to the rooms.
class RoomLife {
 public:
  explicit RoomLife(Shard& shard) : shard_(shard) {}

  void receive(const CreateRoom& create);
  void receive(const DeleteRoom& remove);
  void receive(const DescribeRoom& describe);
  void receive(const ListRooms& list);

 private:
  struct Question {
    Described why;
    Asker asker;
    std::string_view correlation_id = {};
    std::uint32_t listing = 0;
  };
  void describe(const Room& room, const Question& question);
  template <class Request>
  void refuse(const Request& request, RefusedBecause reason);

  Shard& shard_;
};

}  // namespace ringroom::realtime
