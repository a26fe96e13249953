#include "base/time_zone.h"

#include <date/tz.h>

#include <chrono>
#include <exception>

namespace ringroom {

namespace {

using std::chrono::seconds;

date::sys_seconds instant(std::int64_t utc_s) { return date::sys_seconds(seconds(utc_s)); }

}  // namespace

std::optional<TimeZone> TimeZone::find(std::string_view name) {
  try {
    const date::time_zone& zone = *date::locate_zone(name);
    zone.get_info(instant(0));  // reads its file; from here on nothing of it can fail
    return TimeZone(zone);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string_view TimeZone::name() const { return zone_->name(); }

std::int64_t TimeZone::local_s(std::int64_t utc_s) const {
  return utc_s + zone_->get_info(instant(utc_s)).offset.count();
}

TimeZone::Instants TimeZone::instants_of(std::int64_t local_s) const {
  const date::local_info info = zone_->get_info(date::local_seconds(seconds(local_s)));
  const std::int64_t first_s = local_s - info.first.offset.count();
  switch (info.result) {
    case date::local_info::ambiguous:
      return {.first_s = first_s, .last_s = local_s - info.second.offset.count()};
    case date::local_info::nonexistent: {
      const std::int64_t change_s = info.first.end.time_since_epoch().count();
      return {.first_s = change_s, .last_s = change_s};
    }
    default:
      return {.first_s = first_s, .last_s = first_s};
  }
}

}  // namespace ringroom
