#pragma once

#include <cstdint>
#include <span>

#include "realtime/letters/publication.h"
#include "realtime/room/conflation.h"
#include "realtime/room/room.h"
#include "realtime/room/room_timers.h"

namespace ringroom::realtime {

class Fanout;
class Shard;

// Holds the messages of this core's rooms that may not go as often as they come, and says to the
// publisher of one that was replaced that it never will.
//
//   publish --holds()--> Conflation of the room       no: it goes now
//                             |
//   fired() <-- RoomTimers    +--release()--> published, each as if it came now
//
// Owner: one core.
class PaceKeeper {
 public:
  PaceKeeper(Shard& shard, const Fanout& fanout);

  // True: its publisher is answered, or will be. `message_key` as RoomTable::remember takes it.
  bool holds(const Publish& publish, Room& room, std::uint64_t message_key);
  // Gives `go(publish, message_key)` what is due, or all that waits.
  enum class Which : std::uint8_t { due, all };
  void release(Room& room, Which which, auto&& go) {
    if (!room.conflation) return;
    while (const Conflation::Waiting* waiting = next(room, which)) {
      Publish publish = waiting->publish();
      publish.room = room.id();
      publish.room_name = room.name();
      go(publish, waiting->message_key);
    }
    see_to(room);
  }
  // The rooms where something is due; valid until the next call.
  std::span<const RoomId> fired() { return timers_.fired(); }
  // What the room keeps for this, it keeps no longer than it is of use.
  void visit(Room& room);
  // The room is about to be forgotten.
  void end(Room& room) { timers_.cancel(room.pace_timer); }

 private:
  const Conflation::Waiting* next(Room& room, Which which);
  void tell_displaced(Room& room);
  void see_to(Room& room);

  Shard& shard_;
  const Fanout& fanout_;
  RoomTimers timers_;
};

}  // namespace ringroom::realtime
