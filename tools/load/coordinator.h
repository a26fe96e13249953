#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "tools/load/findings.h"
#include "tools/load/scenario.h"

namespace ringroom::load {

// What a run has measured. The window is the measured part: after the warm-up, before the drain.
struct Run {
  Findings findings;               // of the whole run
  std::optional<Findings> canary;  // of the second group, if the scenario has one
  double window_s = 0;
  std::uint64_t window_messages = 0;
  std::uint64_t window_deliveries = 0;
  std::uint64_t window_handshakes = 0;
  double open_s = 0;              // until every connection was ready
  std::uint64_t load_cpu_ns = 0;  // within the window
  std::optional<std::uint64_t> server_cpu_ns;
  std::optional<std::uint64_t> server_waited_ns;  // ready to run, other work on its core
  std::optional<double> memory_bytes_per_connection;
};

struct RunError {
  std::string sentence;
};

// Starts the client threads, brings all connections up, measures, waits for what is outstanding.
// Blocks until the last thread has ended, whatever happens; about as long as the scenario says.
Result<Run, RunError> run_scenario(const Scenario& scenario, const sockaddr_in& server);

}  // namespace ringroom::load
