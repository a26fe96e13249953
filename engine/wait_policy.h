#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/bounds.h"

namespace ringroom::engine {

enum class Waiting : std::uint8_t {
  adaptive,     // whatever is proven to cost the least CPU under the present load
  low_latency,  // never sleeps: a whole processor per core, and the shortest way to every answer
  low_power     // sleeps at once whenever there is nothing to do
};

// How a core that has nothing to do waits for the next thing; in the order of what it has to save.
enum class WaitMode : std::uint8_t {
  sleep,          // at once, until the first completion
  spin,           // looks for a moment before it sleeps: cheaper where something comes at once
  gather,         // sleeps until several completions are there, or a short time has passed
  gather_longer,  // the same, more and longer
  poll            // looks until something is there
};
inline constexpr std::size_t wait_mode_count = 5;

struct WaitPlan {
  std::uint64_t spin_ns;          // looking comes first; 0: not at all
  std::uint32_t completions_min;  // then the sleep ends at the first completion after min_wait_us,
  std::uint32_t min_wait_us;      // or earlier when this many are there
};

// What a thread has had of its processor since it began, and what it has not.
struct ProcessorTime {
  std::uint64_t used_ns;
  std::uint64_t waited_ns;  // ready to run, while other work had the processor
};

// What a core saw since it last looked at its processor time.
struct WaitWindow {
  std::uint64_t wall_ns = 0;
  std::uint64_t cpu_ns = 0;
  std::uint64_t waited_ns = 0;
  std::uint64_t events = 0;  // completions and letters
  std::uint64_t sleeps = 0;
  std::uint64_t spins = 0;
  std::uint64_t spin_hits = 0;
  std::uint64_t active_sockets = 0;  // a bit set by slot modulo 64: few stay few

  void add(const WaitWindow& other);
};

// Chooses the WaitMode of one core, by trial: no rule knows whether a wait helps, because that
// depends on what the other side does with it. A champion is in use; now and then a challenger
// takes turns with it,
//
//   | champion | challenger | champion | challenger | ...   windows of 10 ms
//
// and wins only if its processor time per event is clearly lower while no fewer events come: a peer
// that waits for our answer sends less when we dawdle, so fewer events are a latency that hurts.
// The plainer mode of the two need not win, the other has to. `sleep` is a challenger too, so a
// champion goes on proving itself; and where there is little to do there is no trial, and `sleep`
// it is.
//
// None of that sees what others lose. Where the core has to wait for its own processor, somebody
// else wants it, and a spin would be taken from them: it does not spin there. It does gather, if
// that wins, for what is saved is theirs too.
//
// Pure: observations in, a plan out; time and processor time come from the caller.
//
// Owner:  one core. Once per turn: spun, slept, turned; then edge() when edge_due().
class WaitPolicy {
 public:
  enum class Gathering : std::uint8_t { unsupported, supported };  // by the kernel

  WaitPolicy(Waiting waiting, Gathering gathering);

  WaitMode mode() const { return mode_; }
  WaitPlan plan() const;

  void received(std::uint32_t slot) { window_.active_sockets |= std::uint64_t{1} << (slot & 63u); }
  void spun(bool hit) {
    ++window_.spins;
    window_.spin_hits += hit ? 1u : 0u;
  }
  void slept() { ++window_.sleeps; }
  void turned(std::size_t events) { window_.events += events; }

  bool edge_due(std::uint64_t now_ns) const { return now_ns >= edge_ns_; }
  void edge(std::uint64_t now_ns, const ProcessorTime& processor);
  bool contended() const { return contended_; }

 private:
  enum Side : std::uint8_t { champion = 0, challenger = 1 };

  void watch_contention(const WaitWindow& window);
  bool spins_now() const;
  bool busy(const WaitWindow& window) const;
  bool plausible(WaitMode mode, const WaitWindow& window) const;
  void use(WaitMode mode);
  void consider(const WaitWindow& window);
  void start_trial(WaitMode mode);
  void go_on_with_trial(const WaitWindow& window);
  void end_trial(bool won);

  Waiting waiting_;
  Gathering gathering_;
  WaitMode mode_;      // in use in this window
  WaitMode champion_;  // in use outside trials
  WaitWindow window_;
  std::uint64_t start_ns_ = 0;
  ProcessorTime start_processor_{};
  std::uint64_t edge_ns_ = 0;

  std::array<WaitWindow, 2> sides_;  // of the trial, by Side
  WaitMode challenger_;
  std::uint32_t windows_left_ = 0;  // of this round of the trial; 0: there is none
  std::uint32_t rounds_left_ = 0;   // that an open trial may be prolonged
  std::uint32_t pause_windows_;     // until the next trial, after the next one that is lost
  std::uint32_t pause_left_;

  std::uint32_t waited_permille_ = 0;  // of the time, lately
  bool contended_ = false;
};

}  // namespace ringroom::engine
