#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ringroom::realtime {

// What a core is at, as far as somebody outside of it can tell.
enum class Doing : std::uint8_t {
  nothing,   // before its first turn, and after its last
  outside,   // between two turns: in the engine, or asleep in the kernel
  accepted,  // the events of a turn, in their order
  received,  //
  command,   // of a client: its CommandKind
  request,   // over HTTP: its route
  letter,    // of another core: its LetterItem
  timers,
  closed,
  backlog,  // what a turn ends with
  reach,
  scrape,
  flush,
};

// Where a core is, for the watchdog: a plain store per event, no clock, no locked instruction.
//
// Owner: one core writes all but the last member; any thread reads.
struct alignas(128) Beat {
  struct Seen {
    std::uint64_t turn;
    Doing doing;
    std::uint8_t detail;
    bool operator==(const Seen&) const = default;
  };

  void begin_turn() { turn_.store(turn_.load(relaxed) + 1, relaxed); }
  void is(Doing doing, std::size_t detail = 0) {
    doing_.store(static_cast<std::uint16_t>(std::size_t(doing) << 8 | detail), relaxed);
  }
  Seen look() const {
    const std::uint16_t doing = doing_.load(relaxed);
    return {turn_.load(relaxed), Doing(doing >> 8), static_cast<std::uint8_t>(doing)};
  }

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  std::atomic<std::uint64_t> turn_{0};
  std::atomic<std::uint16_t> doing_{0};

 public:
  // By the watchdog: since when the core is in one turn for longer than it may be, monotonic; 0: it
  // is not.
  alignas(64) std::atomic<std::uint64_t> stalled_since_ms{0};
};

}  // namespace ringroom::realtime
