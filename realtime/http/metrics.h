#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "alloc/block.h"
#include "engine/handler.h"
#include "proto/http.h"
#include "realtime/session/session.h"
#include "realtime/totals.h"

namespace ringroom::realtime {

class Shard;

// Text is Prometheus' format, version 0.0.4.
enum class MetricsForm : std::uint8_t { text, openmetrics, json };
// Which of the two texts the request's Accept likes better.
MetricsForm metrics_form_of(const proto::Request& request);

// Everything that is counted, in one of the two texts: the rows of each layer's counters.h, summed
// over the cores. Each value was true a moment ago.
// Changes nothing.
std::string metrics_text(const Node& node, Totals& totals, MetricsForm form);
// The same as JSON, for people and programs of one's own: metrics_json.cc. A name with labels has
// them behind it, as in the text; a family is an object by its member; of a histogram there are its
// count, sum and quantiles, in its unit.
void append_metrics_json(alloc::BlockBuilder& out, Totals& totals);

// Scrapes under way. Its cost depends on the number of cores and of rows, on nothing that clients
// can make more of; and it is spread over turns, so that a scrape of many cores holds up nobody.
//
//   begin() --> walk(): a few cores per turn --> the text to all who asked before it began
//
// Owner: one core.
class Scrapes {
 public:
  explicit Scrapes(Shard& shard) : shard_(shard) {}

  // Answers the request, in this turn or in one of the next.
  void begin(Session& session, MetricsForm form);
  // Once per turn.
  void walk();
  bool has_more() const { return !asking_.empty(); }  // the next turn must not wait

 private:
  struct Asking {
    engine::SocketId socket;
    std::uint32_t exchange;
    MetricsForm form;
  };
  void answer();
  std::string json();

  Shard& shard_;
  std::vector<Asking> asking_;
  std::size_t answered_ = 0;  // of them, when what is being added up is complete
  std::unique_ptr<Totals> totals_;
  std::uint16_t next_core_ = 0;
};

}  // namespace ringroom::realtime
