#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/counter.h"
#include "base/id.h"
#include "realtime/beat.h"

namespace ringroom::realtime {

struct Node;

// What the watchdog has seen, for who asks. Written by its thread, but for what is said otherwise.
struct WatchdogReport {
  std::atomic<std::uint64_t> beat_ms{0};  // its last look, monotonic; 0: it does not run
  Counter stalls_total, cores_stalled, late_looks_total;
  // Of the process, looked at once a second; 0: unknown, or no limit.
  Counter resident_bytes, memory_limit_bytes, descriptors, descriptors_max;
  // By the cores: times it stood still, and whether it does.
  std::atomic<std::uint64_t> silences_total{0};
  std::atomic<bool> is_silent{false};
};

// "command join_room", "request GET /metrics", "letter Publish", "timers", ...
std::string words_for(const Beat::Seen& seen);

// Judges one core by what is seen of it now and then. No clock: time is an argument.
class StallFinder {
 public:
  struct Verdict {
    enum class Kind : std::uint8_t { fine, stalled, recovered };
    Kind kind = Kind::fine;
    std::uint64_t for_ms = 0;  // since it was last seen to do something
  };
  // A turn may last for `turn_ms_max`, the time between two that much longer than the core may
  // sleep. Says `stalled` once, and then, once, `recovered`.
  explicit StallFinder(std::uint64_t turn_ms_max) : turn_ms_max_(turn_ms_max) {}

  Verdict look(const Beat::Seen& seen, std::uint64_t now_ms);
  // Nobody has been looking: what was not seen to happen may have.
  void forgive(std::uint64_t now_ms) { since_ms_ = now_ms; }
  bool is_stalled() const { return is_stalled_; }
  std::uint64_t since_ms() const { return since_ms_; }

 private:
  std::uint64_t turn_ms_max_;
  std::optional<Beat::Seen> last_;
  std::uint64_t since_ms_ = 0;
  bool is_stalled_ = false;
};

// A thread that does nothing but look whether the cores go on, and says which one does not and what
// it is at. It needs nothing from them: no lock, no letter, no memory that they own.
//
//   core: Beat --------------> watchdog: StallFinder --> log, metrics, /ready, /api/system-health
//   core: notice_silence() <-- watchdog: beat_ms         whoever watches is watched
//
// Owner:  main; starts when the engine runs, and is gone before it is.
// Limits: a core that waits in the kernel although somebody has work for it is seen by its sweep
//         timer, which makes a turn ten times a second. Where the whole machine stood still nobody
//         is blamed: a look that comes late is counted, and forgives.
class Watchdog {
 public:
  Watchdog(Node& node, std::uint64_t turn_ms_max);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // By the cores, now and then: says once, whichever core it is, that the watchdog stands still,
  // and once that it goes on.
  static void notice_silence(WatchdogReport& report, std::uint64_t now_ms);

 private:
  void run();
  void look(std::uint64_t now_ms);
  void look_at(CoreId core, std::uint64_t now_ms);
  void look_at_process();

  Node& node_;
  const std::uint64_t turn_ms_max_;
  const std::uint64_t interval_ms_;
  std::vector<StallFinder> cores_;
  std::vector<std::uint64_t> processor_us_;  // when each core last went on
  std::uint64_t looked_ms_ = 0, process_ms_ = 0;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace ringroom::realtime
