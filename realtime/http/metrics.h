#pragma once

#include <string>

namespace ringroom::realtime {

struct Node;

// Everything that is counted, as Prometheus text (version 0.0.4): the rows of each layer's
// counters.h, summed over the cores. Reads counters that other cores write: each value was true a
// moment ago.
std::string metrics_text(const Node& node);

}  // namespace ringroom::realtime
