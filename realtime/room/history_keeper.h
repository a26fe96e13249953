#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alloc/block.h"
#include "realtime/letters/delivery.h"
#include "realtime/letters/history.h"
#include "realtime/letters/membership.h"
#include "realtime/room/history.h"
#include "realtime/room/room.h"

namespace ringroom::realtime {

class Fanout;
class OfflineKeeper;
class Shard;
class Tenants;

// What the rooms of this core remember, and who is told what of it.
//
//   JoinRoom     --> look_back(): what a newcomer missed, or the newest; shown by Joined
//   ReadHistory  --> HistoryRead | Answered | Refused
//   ClearHistory --> Answered | Refused
//   CatchUp      --> CaughtUp
//
// What is being gathered in a room when it is asked is said already, so it is sent before.
//
// Owner: one core, for the rooms at home on it.
class HistoryKeeper {
 public:
  HistoryKeeper(Shard& shard, Fanout& fanout, OfflineKeeper& offline_keeper, Tenants& tenants);
  void adopt_settings();

  // A room has come into being, or taken other options.
  void begin(Room& room);
  void adopt(Room& room);

  struct Past {
    std::optional<bool> recovered;  // true: all that was missed; nullopt: that was not asked for
    std::span<const std::string_view> messages;  // until the next call
  };
  Past look_back(const JoinRoom& join, Room& room);

  // nullptr: there is no such room now.
  void receive(const ReadHistory& read, Room* room);
  void receive(const ClearHistory& clear, Room* room);
  void receive(const CatchUp& catch_up, Room& room);

 private:
  // Into messages_.
  std::optional<bool> recover(const JoinRoom& join, const Room& room);
  // Of messages in one answer.
  std::size_t look_back_bytes_max() const;

  Shard& shard_;
  Fanout& fanout_;
  OfflineKeeper& offline_keeper_;
  Tenants& tenants_;
  History::Budget history_of_core_;
  alloc::BlockBuilder frame_;  // scratch
  std::vector<std::string_view> messages_;
};

}  // namespace ringroom::realtime
