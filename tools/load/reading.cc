#include "tools/load/reading.h"

namespace ringroom::load {

double Interval::per_s(std::uint64_t count) const {
  return long_s > 0 ? static_cast<double>(count) / long_s : 0;
}

void Interval::join(const Interval& next) {
  long_s += next.long_s;
  messages += next.messages;
  deliveries += next.deliveries;
  handshakes += next.handshakes;
  closed += next.closed;
  load_cpu_ns += next.load_cpu_ns;
  const auto add = [](std::optional<std::uint64_t>& to, const std::optional<std::uint64_t>& more) {
    to = to && more ? std::optional(*to + *more) : std::nullopt;
  };
  add(server_cpu_ns, next.server_cpu_ns);
  add(server_waited_ns, next.server_waited_ns);
  latency.merge(next.latency);
}

Interval between(const Reading& from, const Reading& until) {
  Interval interval;
  interval.long_s = static_cast<double>(until.at_ns - from.at_ns) / 1e9;
  interval.messages = until.messages - from.messages;
  interval.deliveries = until.deliveries - from.deliveries;
  interval.handshakes = until.handshakes - from.handshakes;
  interval.closed = until.closed - from.closed;
  interval.load_cpu_ns = until.load_cpu_ns - from.load_cpu_ns;
  // A server thread that ended meanwhile took its time out of /proc.
  if (from.server && until.server && until.server->run_ns >= from.server->run_ns &&
      until.server->waited_ns >= from.server->waited_ns) {
    interval.server_cpu_ns = until.server->run_ns - from.server->run_ns;
    interval.server_waited_ns = until.server->waited_ns - from.server->waited_ns;
  }
  interval.latency = until.latency;
  interval.latency.subtract(from.latency);
  return interval;
}

std::string_view unit_of(const Scenario& scenario) {
  if (scenario.work == Work::storm) return "handshake";
  return scenario.work == Work::echo ? "message" : "delivery";
}

std::uint64_t units_of(const Scenario& scenario, const Interval& interval) {
  return scenario.work == Work::storm ? interval.handshakes : interval.deliveries;
}

std::optional<double> server_cpu_us(const Scenario& scenario, const Interval& interval) {
  const std::uint64_t units = units_of(scenario, interval);
  if (!interval.server_cpu_ns || units == 0) return std::nullopt;
  return static_cast<double>(*interval.server_cpu_ns) / 1e3 / static_cast<double>(units);
}

}  // namespace ringroom::load
