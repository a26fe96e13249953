#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "alloc/footprint.h"
#include "base/histogram.h"
#include "base/id.h"
#include "engine/counters.h"
#include "realtime/counters.h"
#include "realtime/session/active_users.h"

namespace ringroom::realtime {

struct Node;

// What all cores have counted, added up. A core's counts are some 15 KiB that it goes on writing,
// so adding one takes tens of microseconds: whoever must not hold up its own core adds a few per
// turn.
struct Totals {
  void add(const Node& node, CoreId core, std::uint64_t wall_s);

  const HistogramSum& of(Histogram ShardCounters::*field) const;

  ShardCounters shard;  // its histograms are in `histograms`
  alloc::Footprint memory;
  engine::EngineCounters engine;
  std::array<HistogramSum, std::size(shard_histograms)> histograms;
  ActiveUsers::Sum users;
};

}  // namespace ringroom::realtime
