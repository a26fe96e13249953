#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/load/findings.h"
#include "tools/load/reading.h"
#include "tools/load/scenario.h"

namespace ringroom::load {

// What a run has measured. The window is the measured part: after the warm-up, before the drain.
struct Run {
  Findings findings;               // of the whole run
  std::optional<Findings> canary;  // of the second group, if the scenario has one
  Interval window;                 // its latencies are the findings' that arrived within it
  std::vector<Interval> series;    // the same, second by second: see series.h
  double open_s = 0;               // until every connection was ready
  int interrupted_by = 0;          // the signal that ended the window early
  std::optional<double> memory_bytes_per_connection;
};

struct RunError {
  std::string sentence;
  int interrupted_by = 0;  // the signal
};

// Starts the client threads, brings all connections up, measures, waits for what is outstanding.
// Blocks until the last thread has ended, whatever happens; about as long as the scenario says.
// SIGINT or SIGTERM ends the window early; what is outstanding is still waited for. The second one
// ends that too, without a result.
Result<Run, RunError> run_scenario(const Scenario& scenario, const sockaddr_in& server);

}  // namespace ringroom::load
