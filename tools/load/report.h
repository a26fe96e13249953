#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/load/coordinator.h"
#include "tools/load/scenario.h"

namespace ringroom::load {

struct Measure {
  std::string_view name;  // one of measure_names()
  double value;
};

struct Verdict {
  Claim claim;
  std::optional<double> value;  // empty: was not measured
  bool holds;
};

// A run put into words: numbers by name, claims judged, as text for people and as JSON for tools.
struct Report {
  std::vector<Measure> measures;  // those that this run could measure
  std::vector<Verdict> verdicts;
  std::string bottleneck;

  bool all_hold() const;
};

// `holds, 4 of 4`, `FAILS, 1 of 4`, `interrupted, ...`.
std::string verdict_of(const Report& report, const Run& run);

std::optional<double> value_of(const Report& report, std::string_view measure);

Report make_report(const Scenario& scenario, const Run& run);

std::string to_text(const Scenario& scenario, const Run& run, const Report& report);

// With machine, kernel, commit, command line and percentiles.
std::string to_json(const Scenario& scenario, const Run& run, const Report& report,
                    std::string_view command);

}  // namespace ringroom::load
