#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time_zone.h"
#include "realtime/open_hours.h"
#include "realtime/option.h"

namespace ringroom::realtime {

// A policy that a publication may name (R14): it waits until these hours begin. [quiet-hours.NAME]
// in the file.
//
// Every option has a row in quiet_hours.cc.
struct QuietHours {
  std::string name;
  std::string zone = "UTC";           // IANA name, or `user`: the one of the recipient's token
  std::string fallback_zone = "UTC";  // of a recipient whose zone is not known
  std::string days = "mon-sun";       // on which it is delivered
  std::string from = "00:00";
  std::string to = "24:00";
  std::uint64_t held_count = 10'000;  // that wait at a time, in the whole process
  std::uint64_t held_bytes = 16 * 1024 * 1024;
};

using QuietHoursOption = OptionRow<QuietHours>;
extern const std::span<const QuietHoursOption> quiet_hours_options;

// As for namespaces: `office`, or `office:days=mon-fri,from=09:00,to=17:00`.
Outcome<Complaint> choose(std::vector<QuietHours>& chosen, std::string_view text);
Outcome<Complaint> choose(std::vector<QuietHours>& chosen, std::string_view name,
                          std::string_view option, std::string_view value);
// Without an option: it is only made.
Outcome<Complaint> choose_quiet_hours(std::vector<QuietHours>& chosen, std::string_view name);
std::string print(const QuietHours& hours);

// What the texts mean; constant after start.
struct QuietPolicy {
  OpenHours hours;
  std::optional<TimeZone> zone;  // nullopt: the recipient's
  TimeZone fallback;
  std::uint64_t held_count, held_bytes;

  // The first instant from `now_ms` on at which a message may go; the zone is the recipient's, if
  // it is known.
  std::uint64_t next_ms(const std::optional<TimeZone>& recipient, std::uint64_t now_ms) const {
    return hours.next_ms(zone ? *zone : recipient.value_or(fallback), now_ms);
  }
};
// Errors: which policy, which option and what it must be.
Result<QuietPolicy, Complaint> compile(const QuietHours& hours);

}  // namespace ringroom::realtime
