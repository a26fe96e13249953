#include "tools/load/series.h"

#include <utility>

#include "base/check.h"

namespace ringroom::load {

Series::Series(std::size_t points_max) : points_max_(points_max) { RR_CHECK(points_max >= 2); }

void Series::add(Interval second) {
  constexpr double rest_s = 0.5;
  second.begin_s = end_s_;
  end_s_ += second.long_s;
  const bool rest = second.long_s < rest_s && !points_.empty();
  if (rest || (seconds_in_last_ < seconds_each_ && !points_.empty())) {
    points_.back().join(second);
    ++seconds_in_last_;
    return;
  }
  if (points_.size() == points_max_) {
    halve();
    if (seconds_in_last_ < seconds_each_) {
      points_.back().join(second);
      ++seconds_in_last_;
      return;
    }
  }
  points_.push_back(std::move(second));
  seconds_in_last_ = 1;
}

void Series::halve() {
  const std::size_t pairs = points_.size() / 2;
  const bool odd = points_.size() % 2 != 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    points_[2 * i].join(points_[2 * i + 1]);
    if (i > 0) points_[i] = points_[2 * i];
  }
  if (odd) points_[pairs] = points_.back();
  points_.erase(points_.begin() + static_cast<std::ptrdiff_t>(pairs + (odd ? 1 : 0)),
                points_.end());
  seconds_in_last_ = odd ? seconds_each_ : 2 * seconds_each_;
  seconds_each_ *= 2;
}

}  // namespace ringroom::load
