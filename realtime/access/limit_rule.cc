#include "realtime/access/limit_rule.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "realtime/quantity.h"

namespace ringroom::realtime {

namespace {

using What = LimitRule::What;
using Per = LimitRule::Per;

constexpr std::uint64_t count_max = 1'000'000;
constexpr std::uint64_t window_ms_min = 100, window_ms_max = 24 * 60 * 60 * 1'000;

struct PerRow {
  std::string_view name;
  Per per;
};
constexpr PerRow pers[] = {{"connection", Per::connection},
                           {"user", Per::user},
                           {"address", Per::address},
                           {"workspace", Per::workspace},
                           {"key", Per::key}};

constexpr std::uint8_t bit(Per per) { return static_cast<std::uint8_t>(1u << std::size_t(per)); }
constexpr std::uint8_t clients =
    bit(Per::connection) | bit(Per::user) | bit(Per::address) | bit(Per::workspace);

struct WhatRow {
  std::string_view name;
  What what;
  std::uint8_t pers;
};
constexpr WhatRow whats[] = {
    {"message", What::message, clients},
    {"publish", What::publish, clients},
    {"join", What::join, clients},
    {"connect", What::connect, bit(Per::user) | bit(Per::address) | bit(Per::workspace)},
    {"api", What::api, bit(Per::key)},
};
constexpr std::string_view type_prefix = "type:";

// As the envelope has it: [a-z][a-z0-9_.:]{0,63}.
bool is_type(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= 64 && is_letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';
         });
}

// What stands before `end`, which goes too; nullopt: there is no such end.
std::optional<std::string_view> take_before(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == text.npos) return std::nullopt;
  const std::string_view out = text.substr(0, at);
  text.remove_prefix(at + 1);
  return out;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  const auto count = parse_quantity(text, Unit::count);
  return count && *count >= 1 && *count <= count_max ? count : std::nullopt;
}

Failure<std::string_view> wrong(std::string_view sentence) { return fail(sentence); }

}  // namespace

Result<LimitRule, std::string_view> LimitRule::parse(std::string_view text) {
  LimitRule out{.what = What::type,
                .per = Per::connection,
                .type = {},
                .count = 0,
                .window_ms = 0,
                .burst = 0,
                .is_sliding = false,
                .written = std::string(text)};
  const auto what = take_before(text, '/');
  const auto per = what ? take_before(text, '=') : std::nullopt;
  const auto count = per ? take_before(text, '/') : std::nullopt;
  if (!count) return wrong("is no limit: write WHAT/WHOM=COUNT/TIME, such as publish/user=100/1s");

  std::uint8_t allowed = clients;
  if (what->starts_with(type_prefix)) {
    out.type = what->substr(type_prefix.size());
    if (!is_type(out.type)) return wrong("names no type of messages behind `type:`");
  } else {
    const auto* row = std::ranges::find(whats, *what, &WhatRow::name);
    if (row == std::end(whats))
      return wrong("limits nothing we know: message, publish, join, connect, api or type:NAME");
    out.what = row->what;
    allowed = row->pers;
  }
  const auto* row = std::ranges::find(pers, *per, &PerRow::name);
  if (row == std::end(pers) || (allowed & bit(row->per)) == 0)
    return wrong(
        "is per nobody it could be: connection, user, address or workspace; connect not per "
        "connection, api per key");
  out.per = row->per;

  const std::string_view window = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), window.size() + 1));
  const auto number = parse_count(*count);
  const auto window_ms = parse_quantity(window, Unit::milliseconds);
  if (!number || !window_ms || *window_ms < window_ms_min || *window_ms > window_ms_max)
    return wrong("needs a COUNT of 1 to 1000000 and a TIME of 100ms to 24h");
  out.count = out.burst = *number;
  out.window_ms = *window_ms;

  constexpr std::string_view burst = "burst=";
  if (text == "sliding") {
    out.is_sliding = true;
  } else if (text.starts_with(burst)) {
    const auto at_once = parse_count(text.substr(burst.size()));
    if (!at_once) return wrong("needs a burst of 1 to 1000000");
    out.burst = *at_once;
  } else if (!text.empty()) {
    return wrong("ends in something else than `sliding` or `burst=COUNT`");
  }
  return out;
}

}  // namespace ringroom::realtime
