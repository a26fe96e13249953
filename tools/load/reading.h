#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tools/load/histogram.h"
#include "tools/load/process.h"
#include "tools/load/scenario.h"

namespace ringroom::load {

// What the counters of a run say at one moment, since it began. Two of them make a measurement.
struct Reading {
  std::uint64_t at_ns = 0;
  std::uint64_t messages = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t handshakes = 0;
  std::uint64_t closed = 0;  // connections that the server or the network ended
  std::uint64_t load_cpu_ns = 0;
  std::optional<ProcessCpu> server;
  Histogram latency;  // of what was intended within the window
};

// What happened between two readings.
struct Interval {
  double begin_s = 0;  // since the measured window began; before it there is none
  double long_s = 0;
  std::uint64_t messages = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t handshakes = 0;
  std::uint64_t closed = 0;
  std::uint64_t load_cpu_ns = 0;
  std::optional<std::uint64_t> server_cpu_ns;
  std::optional<std::uint64_t> server_waited_ns;
  Histogram latency;

  double end_s() const { return begin_s + long_s; }
  double per_s(std::uint64_t count) const;
  void join(const Interval& next);
};

Interval between(const Reading& from, const Reading& until);

// What the server's CPU time is divided by: an echo's messages, a fan-out's deliveries, a storm's
// handshakes.
std::string_view unit_of(const Scenario& scenario);
std::uint64_t units_of(const Scenario& scenario, const Interval& interval);
std::optional<double> server_cpu_us(const Scenario& scenario,
                                    const Interval& interval);  // of one unit

}  // namespace ringroom::load
