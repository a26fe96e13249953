#include <iterator>
#include <span>
#include <string>

#include "proto/json_object.h"
#include "realtime/http/metrics.h"

namespace ringroom::realtime {

namespace {

void begin_row(proto::JsonObject& out, std::string_view name, std::string_view label) {
  std::string key(name);
  if (!label.empty()) key.append("{").append(label).append("}");
  out.foreign_key(key);
}

template <class Counters>
void append_rows(proto::JsonObject& out, alloc::BlockBuilder& text,
                 std::span<const CounterRow<Counters>> rows, const Counters& counters) {
  for (const CounterRow<Counters>& row : rows) {
    begin_row(out, row.name, row.label);
    proto::append_number(text, (counters.*row.field).read());
  }
}

}  // namespace

void append_metrics_json(alloc::BlockBuilder& text, Totals& totals) {
  proto::JsonObject out(text);
  append_rows<ShardCounters>(out, text, shard_counters, totals.shard);
  for (const auto& family : shard_counter_families) {
    out.foreign_key(family.name);
    proto::JsonObject members(text);
    const Counter* const counts = family.first(totals.shard);
    for (std::size_t i = 0; i < family.count; ++i) {
      members.foreign_key(family.name_of(i));
      proto::append_number(text, counts[i].read());
    }
    members.end();
  }
  for (std::size_t i = 0; i < std::size(shard_histograms); ++i) {
    const auto& row = shard_histograms[i];
    const HistogramSum& values = totals.histograms[i];
    begin_row(out, row.name, row.label);
    proto::JsonObject shown(text);
    shown.text("unit", row.is_time ? "us" : "1");
    shown.number("count", values.count());
    shown.number("sum", values.sum);
    shown.number("p50", values.quantile(0.5));
    shown.number("p99", values.quantile(0.99));
    shown.number("p999", values.quantile(0.999));
    shown.end();
  }
  append_rows<alloc::Footprint>(out, text, alloc::footprint_rows, totals.memory);
  append_rows<engine::EngineCounters>(out, text, engine::engine_counter_rows, totals.engine);
  out.end();
}

}  // namespace ringroom::realtime
