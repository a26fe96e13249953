#include "engine/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace ringroom::engine {

TimerId TimerWheel::arm(std::uint64_t deadline_ms, std::uint64_t cookie) {
  const auto id = timers_.add(deadline_ms, cookie);
  link(id.slot);
  return {id.slot, id.generation};
}

bool TimerWheel::cancel(TimerId timer) {
  const alloc::Slab<Timer>::Id id{timer.slot, timer.generation};
  if (timers_.find(id) == nullptr) return false;
  unlink(id.slot);
  timers_.remove(id);
  return true;
}

void TimerWheel::link(std::uint32_t index) {
  Timer& timer = timers_.at(index);
  // What is already due, and what is beyond the last level, still needs a slot ahead of now.
  const std::uint64_t when = std::clamp(timer.deadline_ms, now_ms_, now_ms_ + reach_ms);
  // The highest bit in which `when` differs from now decides the level; the wheel can only wrap on
  // the last one, where a slot behind now belongs to the next round.
  const std::uint64_t differing = (when ^ now_ms_) | (slots - 1);
  const auto highest_bit = static_cast<unsigned>(std::bit_width(differing) - 1);
  const std::uint32_t level = std::min(highest_bit / slot_bits, levels - 1);
  const auto slot = static_cast<std::uint32_t>(when >> (level * slot_bits)) & (slots - 1);

  timer.level = static_cast<std::uint8_t>(level);
  timer.slot = static_cast<std::uint8_t>(slot);
  List& list = levels_[level].lists[slot];
  timer.next = none;
  timer.previous = list.last;
  if (list.last == none) {
    list.first = index;
  } else {
    timers_.at(list.last).next = index;
  }
  list.last = index;
  levels_[level].used |= std::uint64_t{1} << slot;
}

void TimerWheel::unlink(std::uint32_t index) {
  const Timer& timer = timers_.at(index);
  Level& level = levels_[timer.level];
  List& list = level.lists[timer.slot];
  (timer.previous == none ? list.first : timers_.at(timer.previous).next) = timer.next;
  (timer.next == none ? list.last : timers_.at(timer.next).previous) = timer.previous;
  if (list.first == none) level.used &= ~(std::uint64_t{1} << timer.slot);
}

std::optional<TimerWheel::Place> TimerWheel::next_place() const {
  // A lower level always comes first: everything on it is due before the next slot above opens.
  for (std::uint32_t level = 0; level < levels; ++level) {
    const std::uint64_t used = levels_[level].used;
    if (used == 0) continue;
    const unsigned shift = level * slot_bits;
    const auto here = static_cast<std::uint32_t>(now_ms_ >> shift) & (slots - 1);
    const auto ahead =
        static_cast<std::uint32_t>(std::countr_zero(std::rotr(used, static_cast<int>(here))));
    const std::uint32_t slot = (here + ahead) & (slots - 1);
    const std::uint64_t start_ms = ((now_ms_ >> shift) + ahead) << shift;
    return Place{level, slot, std::max(start_ms, now_ms_)};
  }
  return std::nullopt;
}

std::optional<std::uint64_t> TimerWheel::next_ms() const {
  const std::optional<Place> place = next_place();
  if (!place) return std::nullopt;
  return place->start_ms;
}

void TimerWheel::open_slot(const Place& place, std::vector<Fired>& fired) {
  Level& level = levels_[place.level];
  const List list = std::exchange(level.lists[place.slot], List{});
  level.used &= ~(std::uint64_t{1} << place.slot);
  for (std::uint32_t index = list.first; index != none;) {
    const Timer& timer = timers_.at(index);
    const std::uint32_t next = timer.next;
    if (timer.deadline_ms <= now_ms_) {
      const auto id = timers_.id_of(index);
      fired.push_back({.timer = {id.slot, id.generation}, .cookie = timer.cookie});
      timers_.remove(id);
    } else {
      link(index);
    }
    index = next;
  }
}

void TimerWheel::advance(std::uint64_t now_ms, std::vector<Fired>& fired) {
  RR_CHECK(now_ms >= now_ms_);
  for (;;) {
    const std::optional<Place> place = next_place();
    if (!place || place->start_ms > now_ms) break;
    now_ms_ = place->start_ms;
    open_slot(*place, fired);
  }
  now_ms_ = now_ms;
}

}  // namespace ringroom::engine
