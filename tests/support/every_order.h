#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/check.h"

namespace ringroom::support {

// All orders in which steps can be taken, one run after the other: the run is repeated from its
// beginning with the same choices, and another one at the last place where there was one.
//
//   EveryOrder orders;
//   do {
//     set up;
//     while (const auto step = orders.choose(steps that are possible now)) take *step;
//     if (!orders.is_redundant()) { let it come to rest; judge; }
//   } while (orders.next());
//
// Two steps that touch different places, each possible without the other, come to the same in
// either order; of those orders only the one with the lower place first is run (of two places:
// exactly one of all that come to the same). What is possible must follow from the choices alone.
class EveryOrder {
 public:
  struct Step {
    std::uint32_t id;       // tells it from the others that are possible now, and after one of them
    std::uint32_t touches;  // a bit for each place that it looks at or changes
  };

  // nullopt: no step is left, or any that is left makes this order another one in disguise.
  std::optional<Step> choose(std::span<const Step> possible) {
    fresh_.clear();
    for (const Step& step : possible)
      if (!is_late(step)) fresh_.push_back(step);
    is_redundant_ = fresh_.empty() && !possible.empty();
    if (fresh_.empty()) return std::nullopt;
    if (depth_ == path_.size()) path_.push_back({.chosen = 0, .of = fresh_.size()});
    RR_CHECK(path_[depth_].of == fresh_.size());
    last_ = fresh_[path_[depth_++].chosen];
    before_.assign(possible.begin(), possible.end());
    return last_;
  }
  bool is_redundant() const { return is_redundant_; }

  // False: that was the last order.
  bool next() {
    while (!path_.empty() && path_.back().chosen + 1 == path_.back().of) path_.pop_back();
    depth_ = 0;
    before_.clear();
    if (path_.empty()) return false;
    ++path_.back().chosen;
    return true;
  }

 private:
  struct Choice {
    std::size_t chosen, of;
  };

  // It could have come before the last step, with the same effect, and belongs there.
  bool is_late(const Step& step) const {
    return !before_.empty() && (step.touches & last_.touches) == 0 &&
           step.touches < last_.touches &&
           std::ranges::find(before_, step.id, &Step::id) != before_.end();
  }

  std::vector<Choice> path_;
  std::size_t depth_ = 0;  // of this run
  bool is_redundant_ = false;
  Step last_{};
  std::vector<Step> before_;  // what was possible besides it
  std::vector<Step> fresh_;
};

}  // namespace ringroom::support
