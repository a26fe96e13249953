#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/id.h"
#include "engine/handler.h"
#include "engine/timer_wheel.h"

namespace ringroom::realtime {

class Shard;

// When there is something to do about each room of this core, for one purpose: at most one timer a
// room, in a wheel of their own. The core has one timer, for the earliest.
//
// Owner: one core; whoever knows what is to be done.
class RoomTimers {
 public:
  // Kept with the room, and gone with it only after cancel().
  struct Timer {
    std::uint64_t due_ms = 0;  // 0: nothing to do
    engine::TimerId id = engine::no_timer;
  };

  // `cookie` is that of the core's timer.
  RoomTimers(Shard& shard, std::uint64_t cookie);

  void set(Timer& timer, RoomId room, std::uint64_t due_ms);
  void cancel(Timer& timer);
  // The core's timer has fired. The rooms whose time has come, or soon will; valid until the next
  // call. Their timers are to be set anew, to a later time.
  std::span<const RoomId> fired();

 private:
  void arm();

  Shard& shard_;
  const std::uint64_t cookie_;
  engine::TimerWheel wheel_;
  engine::TimerId timer_ = engine::no_timer;  // the core's
  std::optional<std::uint64_t> armed_ms_;     // what it is armed for
  std::vector<engine::Fired> fired_;
  std::vector<RoomId> due_;
};

}  // namespace ringroom::realtime
