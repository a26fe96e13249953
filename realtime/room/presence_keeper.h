#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alloc/block.h"
#include "proto/command.h"
#include "realtime/letters/membership.h"
#include "realtime/room/room.h"
#include "realtime/room/room_timers.h"

namespace ringroom::realtime {

class Fanout;
class Shard;

// Keeps who is in the rooms of this core, and tells their listeners.
//
//   enter(), leave(),      --> Presence of the room --+--> at once: user_joined, user_left,
//   receive(UpdatePresence)             ^             |    user_updated
//   fired() <-- RoomTimers              +-- tell() ---+--> when the interval ends: presence_diff
//
// A room's timer is the end of a grace or of an interval.
//
// Owner: one core.
class PresenceKeeper {
 public:
  PresenceKeeper(Shard& shard, Fanout& fanout);

  // A room has come into being, or is about to be forgotten.
  void begin(Room& room);
  void end(Room& room);

  // Tell what was due before, change the room's presence, and tell nobody yet: whoever comes is
  // answered first. An empty user is a listener that is no member.
  void enter(Room& room, const JoinRoom& join);
  void leave(Room& room, std::string_view user_id, bool is_broken);
  // Tells what is due to everybody but `about`, and sees to what is due later.
  void tell(Room& room, const ConnectionId& about);

  // Answered; nullptr: there is no such room now.
  void receive(const ReadPresence& read, Room* room);
  void receive(const UpdatePresence& said, Room* room);

  // The core's timer has fired. The rooms whose time has come, each to be told; valid until the
  // next call.
  std::span<const RoomId> fired() { return timers_.fired(); }

  // The users in the order of Presence::list, as many as the namespace lets be listed and fit into
  // `bytes_max` of JSON. Views of the presence; valid until it changes or the next call.
  std::span<const proto::PresenceMember> list(const Room& room, std::size_t bytes_max);

 private:
  // False: no such member.
  bool update(Room& room, std::string_view user_id, std::string_view info);
  void tell_each(Room& room, const ConnectionId& about);
  void tell_batch(Room& room);
  void announce(Room& room, std::string_view type, const ConnectionId& about);
  void change(Room& room, auto&& f);
  void see_to(Room& room);

  Shard& shard_;
  Fanout& fanout_;
  RoomTimers timers_;
  alloc::BlockBuilder payload_;  // scratch
  std::vector<proto::PresenceMember> listed_, joined_, updated_;
  std::vector<std::string_view> left_;
};

}  // namespace ringroom::realtime
