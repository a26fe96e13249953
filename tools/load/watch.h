#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "tools/load/crew.h"
#include "tools/load/display.h"
#include "tools/load/progress.h"
#include "tools/load/reading.h"
#include "tools/load/scenario.h"
#include "tools/load/series.h"

namespace ringroom::load {

// Looks at a running crew: reads its numbers once a second, shows how far it is more often.
//
//   enter(phase) .. look() look() .. enter(phase) .. look() ..
//
// Owner: the coordinator, which calls look() whenever it is awake. The crew outlives it.
class Watch {
 public:
  Watch(const Scenario& scenario, const Crew& crew);

  // `planned_s` 0: the phase ends by itself.
  void enter(Phase phase, double planned_s = 0);
  void look();
  void interrupted() { standing_.interrupted = true; }

  // The first second of the warm-up, and of the window, is compared with this reading; the last one
  // of the window ends with the other.
  void start_from(const Reading& now);
  void end_window(const Reading& now);

  // What the seconds of the window were, once it is over.
  std::span<const Interval> series() const { return series_.points(); }

 private:
  void take(const Reading& now);  // another second, or what remains of one
  void tell();
  void refresh(std::uint64_t now_ns);

  const Scenario& scenario_;
  const Crew& crew_;
  Display display_;
  Standing standing_;
  Reading last_;
  Series series_;
  std::uint64_t entered_ns_ = 0;
  std::uint64_t next_second_ns_ = 0;
  std::uint64_t next_drawing_ns_ = 0;
};

}  // namespace ringroom::load
