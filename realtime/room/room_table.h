#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "realtime/letters.h"
#include "realtime/room/fanout.h"
#include "realtime/room/room.h"

namespace ringroom::realtime {

class Shard;

// The rooms at home on this core, and what is asked of them.
//
// Owner:  one core.
// Errors: a refusal goes back to the asker as `Refused`; nothing here closes a connection.
class RoomTable {
 public:
  explicit RoomTable(Shard& shard);

  void receive(const JoinRoom& join);
  void receive(const LeaveRoom& leave);
  void receive(const Publish& publish);
  void receive(const RoomBusy& busy);

  // The end of the turn: all batches go out.
  void flush() { fanout_.flush(); }
  // Forgets rooms that have been empty for a while.
  void sweep();

  std::size_t size() const { return rooms_.size(); }

 private:
  // Or why there is none and none can be made.
  Result<Room*, RefusedBecause> find_or_make(RoomId id, std::string_view name);
  // user_joined and user_left, to everybody but the one it is about.
  void announce(Room& room, std::string_view type, std::string_view user_id,
                const ConnectionId& about);
  void answer(const JoinRoom& join, const Room& room);
  void refuse(const JoinRoom& join, RefusedBecause reason);
  void refuse(const Publish& publish, RefusedBecause reason, std::uint64_t version = 0);
  // True, and told: another version is there than the publisher expects, or no room for its value.
  bool objects(const Publish& publish, const Room& room);
  void note_if_empty(Room& room);

  Shard& shard_;
  Fanout fanout_;
  StateKeeper state_keeper_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Room>> rooms_;
  struct Emptied {
    RoomId room;
    std::uint64_t since_ms;
  };
  std::deque<Emptied> emptied_;          // oldest first, each room at most once
  alloc::BlockBuilder frame_, payload_;  // scratch
  std::vector<std::string_view> listed_;
};

}  // namespace ringroom::realtime
