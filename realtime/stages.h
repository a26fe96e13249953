#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/histogram.h"
#include "realtime/counters.h"

namespace ringroom::realtime {

// How long messages take from one stage to the next, by the clocks of turns.
//
//   received ----------------> numbered by its room ---------> handed to the kernel, per listener
//      |      receive_to_room            |      room_to_send
//      +---------------------- publish_to_ack ----> its answer is handed to the kernel
//
// A stage begins with the clock of the turn that received it, which travels with the message as a
// stamp, and ends with the turn that did the next step: so it is never shorter than shown, and at
// most a turn longer. That takes one reading of the clock per turn with messages in it, whatever
// their number: what happens in a turn is gathered as runs of equal stamps until it ends.
//
// Owner: one core.
class Stages {
 public:
  explicit Stages(ShardCounters& counters)
      : turn_duration_(counters.turn_duration_us),
        to_room_(counters.receive_to_room_us),
        to_send_(counters.room_to_send_us),
        to_ack_(counters.publish_to_ack_us),
        broadcast_(counters.broadcast_us) {}

  void begin_turn(std::uint64_t now_us) {
    begun_us_ = now_us;
    stamp_ = static_cast<std::uint32_t>(now_us) | 1;
  }
  // Of this turn: the low bits of the clock, and never 0.
  std::uint32_t stamp() const { return stamp_; }

  // What began with that stamp; 0: it was not measured.
  void reached_room(std::uint32_t since) { to_room_.add(since, 1, stamp_); }
  void sent(std::uint32_t since, std::uint64_t messages) { to_send_.add(since, messages, stamp_); }
  void answered(std::uint32_t since) { to_ack_.add(since, 1, stamp_); }
  void sent_to_all(std::uint32_t since) { broadcast_.add(since, 1, stamp_); }

  // Nothing to measure: the clock need not be read.
  bool is_empty() const {
    return to_room_.count + to_send_.count + to_ack_.count + broadcast_.count == 0;
  }
  void end_turn(std::uint64_t now_us) {
    turn_duration_.add(now_us - begun_us_);
    const auto now = static_cast<std::uint32_t>(now_us);
    for (Runs* runs : {&to_room_, &to_send_, &to_ack_, &broadcast_}) runs->end(now);
  }

 private:
  // Messages of one turn here that came from few turns elsewhere.
  struct Runs {
    struct Run {
      std::uint32_t since;
      std::uint64_t times;
    };
    explicit Runs(Histogram& into_) : into(into_) {}

    void add(std::uint32_t since, std::uint64_t times, std::uint32_t now) {
      if (since == 0 || times == 0) return;
      if (count > 0 && runs[count - 1].since == since) {
        runs[count - 1].times += times;
      } else if (count < runs.size()) {
        runs[count++] = {since, times};
      } else {
        into.add(between(since, now), times);  // by the turn's beginning then
      }
    }
    void end(std::uint32_t now) {
      for (std::size_t i = 0; i < count; ++i) into.add(between(runs[i].since, now), runs[i].times);
      count = 0;
    }
    // Clocks of two cores may differ by less than they tick, and the low bit is not the clock's.
    static std::uint32_t between(std::uint32_t since, std::uint32_t now) {
      const auto passed = static_cast<std::int32_t>(now - since);
      return passed < 0 ? 0 : static_cast<std::uint32_t>(passed);
    }

    Histogram& into;
    std::size_t count = 0;
    std::array<Run, 32> runs;
  };

  std::uint64_t begun_us_ = 0;
  std::uint32_t stamp_ = 1;
  Histogram& turn_duration_;
  Runs to_room_, to_send_, to_ack_, broadcast_;
};

}  // namespace ringroom::realtime
