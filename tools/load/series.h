#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tools/load/bounds.h"
#include "tools/load/reading.h"

namespace ringroom::load {

// The measured window second by second. When there would be more than `points_max` pieces,
// neighbours are joined, exactly: their latencies are kept as histograms, not as percentiles. From
// then on a piece is 2 s long, then 4 s ...
//
//   1 1 1 1 1 1   + 1   ->   2 2 2 1   + 1   ->   2 2 2 2
//
// Owner: the coordinator, about 35 KB for each point.
class Series {
 public:
  explicit Series(std::size_t points_max = series_points_max);

  // In order, a second each but the last, which joins the one before it when it is shorter than
  // half a second: its rates would be noise.
  void add(Interval second);

  std::span<const Interval> points() const { return points_; }

 private:
  void halve();

  std::size_t points_max_;
  std::size_t seconds_each_ = 1;     // of a full point
  std::size_t seconds_in_last_ = 0;  // of the last point
  double end_s_ = 0;
  std::vector<Interval> points_;
};

}  // namespace ringroom::load
