#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ringroom::load {

// What must hold after a run: `p99-ms < 5`. Read from the `must` lines of a scenario, checked
// against the measures of the report. Pure values.

enum class Relation : unsigned char { less, at_most, equal, at_least, more };

struct Claim {
  std::string measure;
  Relation relation;
  double bound;
};

// A wrong claim is the operator's error: where in the text, and one sentence about it.
struct ClaimError {
  std::size_t offset;
  std::string sentence;
};

// `p99-ms < 5, lost = 0`; the names must be those of measure_names().
Result<std::vector<Claim>, ClaimError> read_claims(std::string_view text);

std::string to_text(const Claim& claim);

bool holds(const Claim& claim, double value);

// Every measure that a report can contain, in the order it is printed.
std::span<const std::string_view> measure_names();

}  // namespace ringroom::load
