#include "realtime/totals.h"

#include <span>

#include "base/check.h"
#include "engine/engine.h"
#include "realtime/node.h"

namespace ringroom::realtime {

namespace {

template <class Counters>
void add_rows(Counters& to, std::span<const CounterRow<Counters>> rows, const Counters& from) {
  // A counter may stand in two rows: it is set, not added to, so its sum is made once.
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto field = rows[i].field;
    bool is_repeated = false;
    for (std::size_t j = 0; j < i && !is_repeated; ++j) is_repeated = rows[j].field == field;
    if (!is_repeated) (to.*field).add((from.*field).read());
  }
}

}  // namespace

void Totals::add(const Node& node, CoreId core, std::uint64_t wall_s) {
  ShardCounters& counters = *node.counters[core.value];
  add_rows<ShardCounters>(shard, shard_counters, counters);
  for (const auto& family : shard_counter_families) {
    Counter* const to = family.first(shard);
    const Counter* const from = family.first(counters);
    for (std::size_t i = 0; i < family.count; ++i) to[i].add(from[i].read());
  }
  for (std::size_t i = 0; i < std::size(shard_histograms); ++i)
    histograms[i].add(counters.*shard_histograms[i].field);
  add_rows<alloc::Footprint>(memory, alloc::footprint_rows, *node.footprints[core.value]);
  users.add(*node.active_users[core.value], wall_s);
  if (const engine::Engine* running = node.engine.load(std::memory_order_acquire))
    add_rows<engine::EngineCounters>(engine, engine::engine_counter_rows, running->counters(core));
}

const HistogramSum& Totals::of(Histogram ShardCounters::*field) const {
  for (std::size_t i = 0; i < std::size(shard_histograms); ++i)
    if (shard_histograms[i].field == field) return histograms[i];
  RR_CHECK(false);
  return histograms[0];
}

}  // namespace ringroom::realtime
