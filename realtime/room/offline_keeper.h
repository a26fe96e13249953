#pragma once

#include <cstdint>
#include <vector>

#include "alloc/block.h"
#include "realtime/letters/membership.h"
#include "realtime/room/fanout.h"
#include "realtime/room/room.h"

namespace ringroom::realtime {

class Shard;

// Brings what waits for users (R13) and takes their acknowledgements.
//
//   JoinRoom{greets} --> greet(): all behind the acknowledged position, as the frames of Joined; a
//                        position that the client says it is at is acknowledged with it
//   Acknowledge      --> receive(): the queue is cut there, `ack` | Refused
//
// A user may have several connections: each gets what waits when it comes and hears the rest like
// any listener, and an acknowledgement of one counts for all.
//
// Owner: one core, for the rooms at home on it.
class OfflineKeeper {
 public:
  OfflineKeeper(Shard& shard, Fanout& fanout);

  // Nothing of the room may be unsent.
  void greet(const JoinRoom& join, Room& room);
  // nullptr: there is no such room now.
  void receive(const Acknowledge& acknowledge, Room* room);
  // Counts what was dropped since the last look.
  void look(Room& room);
  // Whether the user has yet to be told that something was dropped. After another offline-age-ms it
  // is not: then the room begins anew, which shows in its epoch.
  bool has_untold(const Room& room) const;

 private:
  // Each puts the messages into messages_ and returns the position that they go on from. In a room
  // that keeps no queue it is what was missed, if all of it is there.
  std::uint64_t bring(const JoinRoom& join, Room& room);
  std::uint64_t recover(const JoinRoom& join, Room& room);
  void tell_dropped(std::uint64_t dropped);

  Shard& shard_;
  Fanout& fanout_;
  alloc::BlockBuilder frames_;  // scratch
  std::vector<std::string_view> messages_;
};

}  // namespace ringroom::realtime
