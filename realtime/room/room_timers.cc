#include "realtime/room/room_timers.h"

#include <algorithm>
#include <utility>

#include "realtime/shard.h"

namespace ringroom::realtime {

RoomTimers::RoomTimers(Shard& shard, std::uint64_t cookie)
    : shard_(shard), cookie_(cookie), wheel_(shard.now_ms) {}

void RoomTimers::set(Timer& timer, RoomId room, std::uint64_t due_ms) {
  if (due_ms == timer.due_ms) return;
  cancel(timer);
  timer.due_ms = due_ms;
  if (due_ms == 0) return;
  timer.id = wheel_.arm(due_ms, room.value);
  arm();
}

void RoomTimers::cancel(Timer& timer) {
  wheel_.cancel(std::exchange(timer.id, engine::no_timer));
  timer.due_ms = 0;
}

void RoomTimers::arm() {
  const std::optional<std::uint64_t> next_ms = wheel_.next_ms();
  if (!next_ms || (armed_ms_ && *armed_ms_ <= *next_ms)) return;
  shard_.outbox.cancel(timer_);
  timer_ = shard_.outbox.arm(*next_ms - std::min(*next_ms, shard_.now_ms), cookie_);
  armed_ms_ = next_ms;
}

std::span<const RoomId> RoomTimers::fired() {
  armed_ms_.reset();
  fired_.clear();
  due_.clear();
  wheel_.advance(shard_.now_ms, fired_);
  for (const engine::Fired& fired : fired_) due_.push_back(RoomId{fired.cookie});
  arm();
  return due_;
}

}  // namespace ringroom::realtime
