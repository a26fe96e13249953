#include "tools/load/claim.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

namespace ringroom::load {
namespace {

constexpr std::string_view names[] = {
    "connections",
    "messages",
    "deliveries",
    "handshakes",
    "messages-per-s",
    "deliveries-per-s",
    "handshakes-per-s",
    "p50-ms",
    "p90-ms",
    "p99-ms",
    "p99.9-ms",
    "max-ms",
    "mean-ms",
    "late-p99-ms",
    "canary-p50-ms",
    "canary-p99-ms",
    "canary-max-ms",
    "canary-late-p99-ms",
    "canary-lost",
    "lost",
    "duplicated",
    "misordered",
    "corrupt",
    "unacknowledged",
    "refused",
    "disconnected",
    "unfinished",
    "other-messages",
    "order-unchecked",
    "compressed",
    "slow-pauses",
    "slow-closed",
    "server-cpu-us",
    "server-cores",
    "server-waited-percent",
    "load-cores",
    "memory-bytes-per-connection",
};

// Two characters before one: `<=` is not `<` and a stray `=`.
constexpr std::pair<std::string_view, Relation> relations[] = {
    {"<=", Relation::at_most}, {">=", Relation::at_least}, {"<", Relation::less},
    {">", Relation::more},     {"=", Relation::equal},
};

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  return at;
}

std::string quoted(std::string_view word) {
  std::string text = "\"";
  return text.append(word).append("\"");
}

}  // namespace

std::span<const std::string_view> measure_names() { return names; }

Result<std::vector<Claim>, ClaimError> read_claims(std::string_view text) {
  std::vector<Claim> claims;
  std::size_t at = 0;
  do {
    at = skip_space(text, at);
    const std::size_t name_end = std::min(text.find_first_of(" \t<>=,", at), text.size());
    const std::string_view name = text.substr(at, name_end - at);
    if (std::ranges::find(names, name) == std::end(names)) {
      return fail(ClaimError{at, "no measure is called " + quoted(name)});
    }
    at = skip_space(text, name_end);
    const auto relation = std::ranges::find_if(
        relations, [&](const auto& row) { return text.substr(at).starts_with(row.first); });
    if (relation == std::end(relations)) {
      return fail(ClaimError{at, "expected one of < <= = >= > after " + quoted(name)});
    }
    at = skip_space(text, at + relation->first.size());
    double bound = 0;
    const auto [number_end, wrong] =
        std::from_chars(text.data() + at, text.data() + text.size(), bound);
    if (wrong != std::errc{}) return fail(ClaimError{at, "expected a number"});
    claims.push_back({std::string(name), relation->second, bound});
    at = skip_space(text, static_cast<std::size_t>(number_end - text.data()));
    if (at < text.size() && text[at] != ',') {
      return fail(ClaimError{at, "expected a comma or the end of the line"});
    }
  } while (at++ < text.size());
  return claims;
}

std::string to_text(const Claim& claim) {
  const auto row =
      std::ranges::find(relations, claim.relation, &std::pair<std::string_view, Relation>::second);
  char bound[32];
  std::snprintf(bound, sizeof bound, "%g", claim.bound);
  return claim.measure + " " + std::string(row->first) + " " + bound;
}

bool holds(const Claim& claim, double value) {
  switch (claim.relation) {
    case Relation::less:
      return value < claim.bound;
    case Relation::at_most:
      return value <= claim.bound;
    case Relation::equal:
      return value == claim.bound;
    case Relation::at_least:
      return value >= claim.bound;
    case Relation::more:
      return value > claim.bound;
  }
  return false;
}

}  // namespace ringroom::load
