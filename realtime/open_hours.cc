#include "realtime/open_hours.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace ringroom::realtime {

namespace {

constexpr std::string_view day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::int64_t day_s = 24 * 3'600;

// Whole weeks are looked through: a window may be empty, because its day, or all of its hours, are
// skipped where clocks are put forward.
constexpr std::int64_t days_looked_at = 1 + 3 * 7;

std::optional<unsigned> day_of(std::string_view name) {
  const auto found = std::ranges::find(day_names, name);
  if (found == std::end(day_names)) return std::nullopt;
  return static_cast<unsigned>(found - std::begin(day_names));
}

// Two digits at the beginning, which are taken off.
std::optional<std::uint32_t> take_two_digits(std::string_view& text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() < 2 || !is_digit(text[0]) || !is_digit(text[1])) return std::nullopt;
  const auto value = static_cast<std::uint32_t>(10 * (text[0] - '0') + (text[1] - '0'));
  text.remove_prefix(2);
  return value;
}

std::int64_t floor_day(std::int64_t local_s) {
  return local_s / day_s - (local_s % day_s < 0 ? 1 : 0);
}

// 1970 began on a Thursday.
unsigned weekday_of(std::int64_t day) { return static_cast<unsigned>(((day + 3) % 7 + 7) % 7); }

}  // namespace

std::optional<std::uint8_t> OpenHours::parse_days(std::string_view text) {
  std::uint8_t days = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) continue;
    const std::size_t dash = word.find('-');
    const auto first = day_of(word.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : day_of(word.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    // fri-mon goes over the end of the week.
    for (unsigned day = *first;; day = (day + 1) % 7) {
      days = static_cast<std::uint8_t>(days | 1u << day);
      if (day == *last) break;
    }
  }
  if (days == 0) return std::nullopt;
  return days;
}

std::optional<std::uint32_t> OpenHours::parse_time(std::string_view text) {
  std::uint32_t time_s = 0;
  for (const std::uint32_t unit_s : {3'600u, 60u, 1u}) {
    if (unit_s == 1 && text.empty()) break;  // seconds may be left out
    if (unit_s != 3'600 && !text.starts_with(':')) return std::nullopt;
    if (unit_s != 3'600) text.remove_prefix(1);
    const auto value = take_two_digits(text);
    if (!value || (unit_s != 3'600 && *value > 59)) return std::nullopt;
    time_s += unit_s * *value;
  }
  if (!text.empty() || time_s > day_s) return std::nullopt;
  return time_s;
}

std::optional<OpenHours> OpenHours::parse(const Text& text) {
  const auto days = parse_days(text.days);
  const auto from = parse_time(text.from), to = parse_time(text.to);
  if (!days || !from || !to || *from == day_s) return std::nullopt;
  return OpenHours(*days, *from, *to);
}

std::uint64_t OpenHours::next_ms(const TimeZone& zone, std::uint64_t now_ms) const {
  const auto now_s = static_cast<std::int64_t>(now_ms / 1'000);
  // Yesterday's window may still be open.
  const std::int64_t first_day = floor_day(zone.local_s(now_s)) - 1;
  for (std::int64_t day = first_day; day < first_day + days_looked_at; ++day) {
    if ((days_ >> weekday_of(day) & 1) == 0) continue;
    const std::int64_t end_day = to_s_ > from_s_ ? day : day + 1;
    const std::int64_t begin_s = zone.instants_of(day * day_s + from_s_).first_s;
    const std::int64_t end_s = zone.instants_of(end_day * day_s + to_s_).last_s;
    if (begin_s == end_s || end_s <= now_s) continue;
    return std::max(now_ms, static_cast<std::uint64_t>(std::max<std::int64_t>(begin_s, 0)) * 1'000);
  }
  RR_CHECK(false);  // no zone skips the same day for three weeks
  return now_ms;
}

}  // namespace ringroom::realtime
