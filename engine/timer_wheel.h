#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

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

  std::size_t size() const { return size_; }

 private:
  static constexpr unsigned slot_bits = 6;
  static constexpr std::uint32_t slots = 1u << slot_bits;
  static constexpr std::uint32_t levels = 6;
  // One slot less than the last level spans, so that no timer lands in the slot of now.
  static constexpr std::uint64_t reach_ms = std::uint64_t{slots - 1} << (slot_bits * (levels - 1));
  static constexpr std::uint32_t none = 0xffff'ffff;
  static constexpr std::uint64_t last_ms = (std::uint64_t{1} << 40) - 1;

  // A timer's neighbours in its list. At either end stands the list itself, so that a timer need
  // not know where it is.
  struct List {
    std::uint32_t first = none;
    std::uint32_t last = none;
  };
  static constexpr std::uint32_t is_list = 0x8000'0000;  // | level << slot_bits | slot

  struct Timer {
    std::uint64_t cookie;
    std::uint64_t deadline_ms : 40;  // 34 years
    std::uint64_t generation : 24;
    std::uint32_t next;  // while it is free: the next free one
    std::uint32_t previous = is_free;
  };
  static_assert(sizeof(Timer) == 24, "every connection has one: docs/memory.md says it too");
  static constexpr std::uint32_t is_free = none;
  static constexpr std::uint32_t chunk_timers = 256;

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
  Timer& at(std::uint32_t index) { return chunks_[index / chunk_timers][index % chunk_timers]; }
  Timer* find(TimerId timer);
  std::uint32_t take_free();
  void free(std::uint32_t index);
  void link(std::uint32_t index);
  void unlink(std::uint32_t index);
  List& list(std::uint32_t name);
  void open_slot(const Place& place, std::vector<Fired>& fired);

  std::uint64_t now_ms_;
  std::array<Level, levels> levels_;
  // Timers stay where they are; memory grows by chunks, without a copy.
  std::vector<std::unique_ptr<Timer[]>> chunks_;
  std::uint32_t first_free_ = none;
  std::size_t size_ = 0;
};

}  // namespace ringroom::engine
