#include "tools/load/watch.h"

#include <algorithm>

#include "base/clock.h"

namespace ringroom::load {
namespace {

constexpr std::uint64_t s_ns = 1'000'000'000;
constexpr std::uint64_t drawing_ns = s_ns / 10;
constexpr std::size_t rates_max = 128;  // more than the widest block shows

std::optional<double> quantile_ms(const Histogram& latency, double quantile) {
  if (latency.count() == 0) return std::nullopt;
  return static_cast<double>(latency.at(quantile)) / 1e6;
}

}  // namespace

Watch::Watch(const Scenario& scenario, const Crew& crew)
    : scenario_(scenario), crew_(crew), display_(scenario.progress) {
  standing_.title = scenario.name + ": " + std::string(to_text(scenario.work)) + " over " +
                    std::string(to_text(scenario.protocol)) + " to " + scenario.server;
  standing_.unit = unit_of(scenario);
  standing_.handshakes = scenario.work == Work::storm;
  standing_.messages_planned = scenario.messages;
  standing_.connections = scenario.seating().connections();
  if (standing_.handshakes) standing_.connections = scenario.in_flight;
}

void Watch::enter(Phase phase, double planned_s) {
  entered_ns_ = monotonic_ns();
  next_second_ns_ = entered_ns_ + s_ns;
  next_drawing_ns_ = entered_ns_ + drawing_ns;
  standing_.phase = phase;
  standing_.planned_s = planned_s;
  refresh(entered_ns_);
  if (display_.as() == ProgressAs::bar) display_.draw(standing_);
  if (display_.as() == ProgressAs::lines) {
    Standing begun = standing_;
    begun.second.reset();
    display_.tell(begun);
  }
}

void Watch::look() {
  const std::uint64_t now_ns = monotonic_ns();
  if (now_ns >= next_second_ns_) {
    // One that is late does not make the next ones late.
    next_second_ns_ += (now_ns - next_second_ns_) / s_ns * s_ns + s_ns;
    const bool opening = standing_.phase < Phase::warm_up;
    const bool wanted = standing_.phase == Phase::measuring || display_.as() != ProgressAs::none;
    if (!opening && wanted) take(crew_.read(scenario_.server_pid));
    refresh(now_ns);
    tell();
  }
  if (display_.as() == ProgressAs::bar && now_ns >= next_drawing_ns_) {
    next_drawing_ns_ = now_ns + drawing_ns;
    refresh(now_ns);
    display_.draw(standing_);
  }
}

void Watch::start_from(const Reading& now) { last_ = now; }

void Watch::end_window(const Reading& now) {
  const bool whole = now.at_ns - last_.at_ns >= s_ns / 2;
  take(now);
  refresh(now.at_ns);
  if (whole) tell();
}

void Watch::tell() {
  if (display_.as() == ProgressAs::lines) display_.tell(standing_);
}

void Watch::take(const Reading& now) {
  const Interval interval = between(last_, now);
  last_ = now;
  if (standing_.phase == Phase::measuring) series_.add(interval);
  const double units_per_s = interval.per_s(units_of(scenario_, interval));
  standing_.second = Second{.messages_per_s = interval.per_s(interval.messages),
                            .units_per_s = units_per_s,
                            .p50_ms = quantile_ms(interval.latency, 0.5),
                            .p99_ms = quantile_ms(interval.latency, 0.99),
                            .server_cpu_us = server_cpu_us(scenario_, interval),
                            .load_cpu_percent = interval.per_s(interval.load_cpu_ns) / 1e7};
  std::vector<double>& rates = standing_.rates;
  if (rates.size() == rates_max) rates.erase(rates.begin());
  rates.push_back(units_per_s);
}

void Watch::refresh(std::uint64_t now_ns) {
  standing_.passed_s = static_cast<double>(now_ns - entered_ns_) / 1e9;
  standing_.ready = crew_.sum(&Progress::ready);
  standing_.messages = crew_.sum(&Progress::sent);
  standing_.outstanding = crew_.sum(&Progress::outstanding);
  standing_.lost = crew_.sum(&Progress::overtaken);
  standing_.duplicated = crew_.sum(&Progress::duplicated);
  standing_.misordered = crew_.sum(&Progress::misordered);
  standing_.corrupt = crew_.sum(&Progress::corrupt);
  standing_.refused = crew_.sum(&Progress::refused);
  standing_.closed = crew_.sum(&Progress::closed);
}

}  // namespace ringroom::load
