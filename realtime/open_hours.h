#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time_zone.h"

namespace ringroom::realtime {

// Hours of the week, by the clocks of a time zone: "mon-fri, 09:00 to 17:00". Pure: instants in,
// instants out.
//
//          from        to                     from > to: until that time of the next day
//   mon .....|==========|.....
//   tue .....|==========|.....                from = to: all day
//
// A window begins when clocks first show `from` on one of its days and ends when they last show
// `to`. Where they are put forward over one of the two, it is the instant at which they are; where
// they are put back and show a time twice, the hour between belongs to the window.
class OpenHours {
 public:
  struct Text {
    std::string_view days;      // "mon-fri", "mon wed fri-sun"
    std::string_view from, to;  // "09:00" or "09:00:30", up to "24:00"
  };
  // nullopt: which of the texts is none of these is said by what was asked.
  static std::optional<std::uint8_t> parse_days(std::string_view text);   // bit 0: Monday
  static std::optional<std::uint32_t> parse_time(std::string_view text);  // seconds of a day
  static std::optional<OpenHours> parse(const Text& text);

  // The first instant from `now_ms` on that lies in a window: `now_ms` itself, or the beginning of
  // the next one. Milliseconds since 1970.
  std::uint64_t next_ms(const TimeZone& zone, std::uint64_t now_ms) const;

 private:
  OpenHours(std::uint8_t days, std::uint32_t from_s, std::uint32_t to_s)
      : days_(days), from_s_(from_s), to_s_(to_s) {}

  std::uint8_t days_;
  std::uint32_t from_s_, to_s_;
};

}  // namespace ringroom::realtime
