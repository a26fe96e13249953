#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "alloc/slab.h"
#include "engine/handler.h"

namespace ringroom::engine {

// Timers of one core in a hierarchy of wheels: arming and cancelling touch one list each, whatever
// the number of timers.
//
//   level 0  64 slots of 1 ms     |.|.|x|.|...   a timer sits on the lowest level on which its
//   level 1  64 slots of 64 ms    |.|x|.|.|...   deadline and now fall into different slots, and
//   ...                                          moves down when the wheel reaches its slot
//   level 5  64 slots of 12 days
//
// One bit per slot and level tells which are in use, so the next deadline is a few bit scans.
//
// Owner:  one core. Time is an argument: the clock of the turn.
// Errors: none; a deadline beyond the last level waits in its last slot and moves on from there.
class TimerWheel {
 public:
  explicit TimerWheel(std::uint64_t now_ms) : now_ms_(now_ms) {}

  // Fires at the first advance() to `deadline_ms` or later.
  TimerId arm(std::uint64_t deadline_ms, std::uint64_t cookie);
  bool cancel(TimerId timer);  // false: it has fired or was cancelled

  // Moves to `now_ms` and appends what is due, by deadline; equal deadlines in order of arming
  // unless they came down from different levels.
  void advance(std::uint64_t now_ms, std::vector<Fired>& fired);

  // No timer fires before this. It may be early (when a slot of a higher level opens), never late.
  std::optional<std::uint64_t> next_ms() const;

  std::size_t size() const { return timers_.size(); }

 private:
  static constexpr unsigned slot_bits = 6;
  static constexpr std::uint32_t slots = 1u << slot_bits;
  static constexpr std::uint32_t levels = 6;
  // One slot less than the last level spans, so that no timer lands in the slot of now.
  static constexpr std::uint64_t reach_ms = std::uint64_t{slots - 1} << (slot_bits * (levels - 1));
  static constexpr std::uint32_t none = 0xffff'ffff;

  struct Timer {
    std::uint64_t deadline_ms;
    std::uint64_t cookie;
    std::uint32_t next = none;
    std::uint32_t previous = none;
    std::uint8_t level = 0;
    std::uint8_t slot = 0;
  };
  struct List {
    std::uint32_t first = none;
    std::uint32_t last = none;
  };
  struct Level {
    std::uint64_t used = 0;  // one bit per slot
    std::array<List, slots> lists;
  };
  struct Place {
    std::uint32_t level;
    std::uint32_t slot;
    std::uint64_t start_ms;  // when the wheel reaches the slot
  };

  std::optional<Place> next_place() const;
  void link(std::uint32_t index);
  void unlink(std::uint32_t index);
  void open_slot(const Place& place, std::vector<Fired>& fired);

  std::uint64_t now_ms_;
  std::array<Level, levels> levels_;
  alloc::Slab<Timer> timers_;
};

}  // namespace ringroom::engine
