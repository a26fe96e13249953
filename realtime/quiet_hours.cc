#include "realtime/quiet_hours.h"

#include "realtime/option_table.h"

namespace ringroom::realtime {

namespace {

using Number = QuietHoursOption::Number;
using Text = QuietHoursOption::Text;

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t gib = 1024 * 1024 * kib;

constexpr std::string_view kind = "quiet-hours";
constexpr std::string_view user_zone = "user";
constexpr std::size_t policies_max = 255;  // a publication names one by a byte

constexpr QuietHoursOption rows[] = {
    {"zone", Text{&QuietHours::zone},
     "IANA time zone whose clocks count, such as Europe/Berlin; `user` is the zone that the "
     "recipient's token names, for what is published to `user:<id>`."},
    {"fallback-zone", Text{&QuietHours::fallback_zone},
     "With `zone = \"user\"`: the zone of a recipient whose own is not known."},
    {"days", Text{&QuietHours::days},
     "Days on which messages go, such as `mon-fri` or `mon wed sat-sun`."},
    {"from", Text{&QuietHours::from}, "Time of the day from which they go, HH:MM or HH:MM:SS."},
    {"to", Text{&QuietHours::to},
     "Time until which they go, up to 24:00; one that is not behind `from` is of the next day."},
    {"held-count", Number{&QuietHours::held_count, 1, 10'000'000, Unit::count},
     "Messages that wait for these hours at a time, in the whole process; more are refused."},
    {"held-bytes", Number{&QuietHours::held_bytes, kib, 1024 * gib, Unit::bytes}, "Bytes of them."},
};
static_assert(well_named(rows));

Result<QuietHours*, Complaint> named(std::vector<QuietHours>& chosen, std::string_view name) {
  return table_named(chosen, name, {"quiet hours", "quiet hours"}, policies_max);
}

}  // namespace

const std::span<const QuietHoursOption> quiet_hours_options = rows;

Outcome<Complaint> choose_quiet_hours(std::vector<QuietHours>& chosen, std::string_view name) {
  const auto each = named(chosen, name);
  if (!each) return fail(each.error());
  return Done{};
}

Outcome<Complaint> choose(std::vector<QuietHours>& chosen, std::string_view name,
                          std::string_view option, std::string_view value) {
  const auto each = named(chosen, name);
  if (!each) return fail(each.error());
  return assign_in_table(kind, name, **each, quiet_hours_options, option, value);
}

Outcome<Complaint> choose(std::vector<QuietHours>& chosen, std::string_view text) {
  return choose_table(kind, text, chosen, choose_quiet_hours);
}

std::string print(const QuietHours& hours) { return print_table<QuietHours>(hours, rows); }

Result<QuietPolicy, Complaint> compile(const QuietHours& hours) {
  const auto wrong = [&hours](std::string_view option, std::string_view must,
                              std::string_view value) {
    return complain(std::string(kind) + " " + hours.name + ": " + std::string(option) +
                    " must be " + std::string(must) + ", not \"" + std::string(value) + "\"");
  };
  constexpr std::string_view a_zone =
      "the name of a time zone of this machine's database (package tzdata), such as Europe/Berlin";
  const auto fallback = TimeZone::find(hours.fallback_zone);
  if (!fallback) return wrong("fallback-zone", a_zone, hours.fallback_zone);
  const auto zone = hours.zone == user_zone ? std::nullopt : TimeZone::find(hours.zone);
  if (!zone && hours.zone != user_zone)
    return wrong("zone", std::string(a_zone) + ", or `user`", hours.zone);
  if (!OpenHours::parse_days(hours.days))
    return wrong("days", "days such as `mon-fri` or `mon wed sat-sun`", hours.days);
  const auto open = OpenHours::parse({.days = hours.days, .from = hours.from, .to = hours.to});
  if (!open) {
    const bool is_from = OpenHours::parse_time(hours.from).value_or(86'400) == 86'400;
    return wrong(is_from ? "from" : "to",
                 is_from ? "a time, 00:00 to 23:59:59" : "a time, 00:00 to 24:00",
                 is_from ? hours.from : hours.to);
  }
  return QuietPolicy{.hours = *open,
                     .zone = zone,
                     .fallback = *fallback,
                     .held_count = hours.held_count,
                     .held_bytes = hours.held_bytes};
}

}  // namespace ringroom::realtime
