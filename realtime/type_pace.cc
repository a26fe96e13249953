#include "realtime/type_pace.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace ringroom::realtime {

namespace {

constexpr std::size_t types_max = 64;
constexpr std::size_t type_bytes_max = 64;
constexpr std::uint64_t time_ms_max = 60'000;
constexpr std::string_view ephemeral_types[] = {"typing_indicator", "cursor_position"};

bool is_type(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= type_bytes_max && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';
         });
}

std::optional<std::uint64_t> time_in(std::string_view text) {
  const auto time = parse_quantity(text, Unit::milliseconds);
  return time && *time >= 1 && *time <= time_ms_max ? time : std::nullopt;
}

// A type may have colons of its own.
std::pair<std::string_view, std::string_view> split(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

Failure<Complaint> complain(std::string_view text, std::string_view problem) {
  return fail(Complaint{"`" + std::string(text) + "` " + std::string(problem)});
}

}  // namespace

Result<TypePace*, Complaint> TypePaces::named(std::string_view type) {
  if (!is_type(type)) return complain(type, "is no type of a message: [a-z][a-z0-9_.:]{0,63}");
  if (std::ranges::find(ephemeral_types, type) != std::end(ephemeral_types))
    return complain(type, "is ephemeral: ephemeral-interval-ms says how often its newest goes");
  const auto known = std::ranges::find(paces_, type, &TypePace::type);
  if (known != paces_.end()) return &*known;
  if (paces_.size() == types_max)
    return complain(type, "is one type too many: 64 of a namespace may have times of their own");
  paces_.push_back({.type = std::string(type)});
  return &paces_.back();
}

Outcome<Complaint> TypePaces::add_interval(std::string_view text) {
  const auto [type, time] = split(text);
  const auto interval_ms = time_in(time);
  if (!interval_ms)
    return complain(text, "must be a type and a time from 1ms to 1min, such as quote_update:100ms");
  const auto pace = named(type);
  if (!pace) return fail(pace.error());
  (*pace)->interval_ms = *interval_ms;
  return Done{};
}

Outcome<Complaint> TypePaces::add_debounce(std::string_view text) {
  const auto [type, times] = split(text);
  const std::size_t slash = times.find('/');
  const auto quiet_ms = time_in(times.substr(0, slash));
  const auto waiting_ms_max =
      slash == std::string_view::npos ? std::nullopt : time_in(times.substr(slash + 1));
  if (!quiet_ms || !waiting_ms_max || *waiting_ms_max < *quiet_ms)
    return complain(text,
                    "must be a type and two times from 1ms to 1min, how long it is quiet and, not "
                    "less, how long a message waits at most: search_text:300ms/2s");
  const auto pace = named(type);
  if (!pace) return fail(pace.error());
  (*pace)->quiet_ms = *quiet_ms;
  (*pace)->waiting_ms_max = *waiting_ms_max;
  return Done{};
}

std::string TypePaces::print_intervals() const {
  std::string out;
  for (const TypePace& pace : paces_) {
    if (pace.interval_ms == 0) continue;
    out += (out.empty() ? "" : " ") + pace.type + ":" +
           print_quantity(pace.interval_ms, Unit::milliseconds);
  }
  return out;
}

std::string TypePaces::print_debounces() const {
  std::string out;
  for (const TypePace& pace : paces_) {
    if (pace.quiet_ms == 0) continue;
    out += (out.empty() ? "" : " ") + pace.type + ":" +
           print_quantity(pace.quiet_ms, Unit::milliseconds) + "/" +
           print_quantity(pace.waiting_ms_max, Unit::milliseconds);
  }
  return out;
}

}  // namespace ringroom::realtime
