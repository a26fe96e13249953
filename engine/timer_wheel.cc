#include "engine/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace ringroom::engine {

TimerId TimerWheel::arm(std::uint64_t deadline_ms, std::uint64_t cookie) {
  const std::uint32_t index = take_free();
  Timer& timer = at(index);
  timer.cookie = cookie;
  timer.deadline_ms = std::min(deadline_ms, last_ms) & last_ms;
  link(index);
  ++size_;
  return {index, static_cast<std::uint32_t>(timer.generation)};
}

bool TimerWheel::cancel(TimerId timer) {
  if (find(timer) == nullptr) return false;
  unlink(timer.slot);
  free(timer.slot);
  return true;
}

TimerWheel::Timer* TimerWheel::find(TimerId timer) {
  if (timer.slot >= chunks_.size() * chunk_timers) return nullptr;
  Timer& found = at(timer.slot);
  return found.previous != is_free && found.generation == timer.generation ? &found : nullptr;
}

std::uint32_t TimerWheel::take_free() {
  if (first_free_ == none) {
    const auto end = static_cast<std::uint32_t>((chunks_.size() + 1) * chunk_timers);
    RR_CHECK(end <= is_list);
    chunks_.push_back(std::make_unique<Timer[]>(chunk_timers));
    // Chained so that low ones are used first: what is alive stays together.
    for (std::uint32_t index = end; index-- > end - chunk_timers;)
      at(index).next = std::exchange(first_free_, index);
  }
  return std::exchange(first_free_, at(first_free_).next);
}

void TimerWheel::free(std::uint32_t index) {
  Timer& timer = at(index);
  ++timer.generation;
  timer.previous = is_free;
  timer.next = std::exchange(first_free_, index);
  --size_;
}

TimerWheel::List& TimerWheel::list(std::uint32_t name) {
  const std::uint32_t place = name & ~is_list;
  return levels_[place >> slot_bits].lists[place & (slots - 1)];
}

void TimerWheel::link(std::uint32_t index) {
  Timer& timer = at(index);
  // What is already due, and what is beyond the last level, still needs a slot ahead of now.
  const std::uint64_t when =
      std::clamp<std::uint64_t>(timer.deadline_ms, now_ms_, now_ms_ + reach_ms);
  // The highest bit in which `when` differs from now decides the level; the wheel can only wrap on
  // the last one, where a slot behind now belongs to the next round.
  const std::uint64_t differing = (when ^ now_ms_) | (slots - 1);
  const auto highest_bit = static_cast<unsigned>(std::bit_width(differing) - 1);
  const std::uint32_t level = std::min(highest_bit / slot_bits, levels - 1);
  const auto slot = static_cast<std::uint32_t>(when >> (level * slot_bits)) & (slots - 1);

  const std::uint32_t name = is_list | level << slot_bits | slot;
  List& into = list(name);
  timer.next = name;
  timer.previous = into.last == none ? name : into.last;
  (into.last == none ? into.first : at(into.last).next) = index;
  into.last = index;
  levels_[level].used |= std::uint64_t{1} << slot;
}

void TimerWheel::unlink(std::uint32_t index) {
  const auto [next, previous] = std::pair(at(index).next, at(index).previous);
  const bool is_first = (previous & is_list) != 0, is_last = (next & is_list) != 0;
  if (is_first && is_last) {
    list(next) = {};
    levels_[(next & ~is_list) >> slot_bits].used &= ~(std::uint64_t{1} << (next & (slots - 1)));
    return;
  }
  (is_first ? list(previous).first : at(previous).next) = next;
  (is_last ? list(next).last : at(next).previous) = previous;
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
  for (std::uint32_t index = list.first; (index & is_list) == 0;) {
    const Timer& timer = at(index);
    const std::uint32_t next = timer.next;
    if (timer.deadline_ms <= now_ms_) {
      fired.push_back(
          {.timer = {index, static_cast<std::uint32_t>(timer.generation)}, .cookie = timer.cookie});
      free(index);
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
