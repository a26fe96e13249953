#include "realtime/open_hours.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <string>

namespace ringroom::realtime {
namespace {

// "2026-03-29T01:30:00Z"
std::uint64_t instant_ms(const std::string& text) {
  std::tm time{};
  EXPECT_EQ(std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%dZ", &time.tm_year, &time.tm_mon,
                        &time.tm_mday, &time.tm_hour, &time.tm_min, &time.tm_sec),
            6)
      << text;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  return static_cast<std::uint64_t>(timegm(&time)) * 1000;
}

std::string text_of(std::uint64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm time{};
  gmtime_r(&seconds, &time);
  char text[64];
  std::strftime(text, sizeof text, "%FT%TZ", &time);
  return text;
}

constexpr std::string_view open_now = "open";

struct Case {
  std::string_view zone, days, from, to;
  const char* now;
  std::string_view opens;
};

// Berlin: clocks go from 02:00 to 03:00 at 2026-03-29T01:00Z, from 03:00 back to 02:00 at
// 2026-10-25T01:00Z. New York: 2026-03-08T07:00Z and 2026-11-01T06:00Z. The 5th of January 2026 is
// a Monday.
constexpr Case cases[] = {
    // Within a day.
    {"UTC", "mon-fri", "09:00", "17:00", "2026-01-05T08:59:59Z", "2026-01-05T09:00:00Z"},
    {"UTC", "mon-fri", "09:00", "17:00", "2026-01-05T09:00:00Z", open_now},
    {"UTC", "mon-fri", "09:00", "17:00", "2026-01-05T16:59:59Z", open_now},
    {"UTC", "mon-fri", "09:00", "17:00", "2026-01-05T17:00:00Z", "2026-01-06T09:00:00Z"},
    {"UTC", "mon-fri", "09:00", "17:00", "2026-01-09T17:00:00Z", "2026-01-12T09:00:00Z"},
    {"UTC", "mon-fri", "09:00", "17:00", "2026-01-10T12:00:00Z", "2026-01-12T09:00:00Z"},
    {"UTC", "mon", "09:00", "17:00", "2026-01-05T17:00:00Z", "2026-01-12T09:00:00Z"},
    {"UTC", "mon", "09:00:30", "09:00:31", "2026-01-05T09:00:29Z", "2026-01-05T09:00:30Z"},
    {"UTC", "mon", "09:00:30", "09:00:31", "2026-01-05T09:00:30Z", open_now},
    {"UTC", "mon", "09:00:30", "09:00:31", "2026-01-05T09:00:31Z", "2026-01-12T09:00:30Z"},
    {"UTC", "tue thu-fri", "10:00", "11:00", "2026-01-06T11:00:00Z", "2026-01-08T10:00:00Z"},
    {"UTC", "sat-mon", "10:00", "11:00", "2026-01-06T00:00:00Z", "2026-01-10T10:00:00Z"},
    {"UTC", "sat-mon", "10:00", "11:00", "2026-01-11T11:00:00Z", "2026-01-12T10:00:00Z"},
    // All day, and up to midnight.
    {"UTC", "mon-sun", "00:00", "24:00", "2026-01-05T23:59:59Z", open_now},
    {"UTC", "mon", "00:00", "24:00", "2026-01-06T00:00:00Z", "2026-01-12T00:00:00Z"},
    {"UTC", "mon", "00:00", "00:00", "2026-01-05T23:59:59Z", open_now},
    {"UTC", "mon", "12:00", "12:00", "2026-01-06T11:59:59Z", open_now},
    {"UTC", "mon", "12:00", "12:00", "2026-01-06T12:00:00Z", "2026-01-12T12:00:00Z"},
    {"UTC", "sun", "18:00", "24:00", "2026-01-05T00:00:00Z", "2026-01-11T18:00:00Z"},
    // Over midnight: the window belongs to the day on which it begins.
    {"UTC", "fri", "22:00", "02:00", "2026-01-09T21:59:59Z", "2026-01-09T22:00:00Z"},
    {"UTC", "fri", "22:00", "02:00", "2026-01-10T01:59:59Z", open_now},
    {"UTC", "fri", "22:00", "02:00", "2026-01-10T02:00:00Z", "2026-01-16T22:00:00Z"},
    {"UTC", "fri", "22:00", "02:00", "2026-01-09T01:00:00Z", "2026-01-09T22:00:00Z"},
    {"UTC", "sun", "22:00", "02:00", "2026-01-05T00:30:00Z", open_now},
    // By the clocks of other places.
    {"Europe/Berlin", "mon-fri", "09:00", "17:00", "2026-01-05T07:59:59Z", "2026-01-05T08:00:00Z"},
    {"Europe/Berlin", "mon-fri", "09:00", "17:00", "2026-07-06T06:59:59Z", "2026-07-06T07:00:00Z"},
    {"America/New_York", "mon-fri", "09:00", "17:00", "2026-01-06T21:59:59Z", open_now},
    {"America/New_York", "mon-fri", "09:00", "17:00", "2026-01-06T22:00:00Z",
     "2026-01-07T14:00:00Z"},
    {"Asia/Tokyo", "mon", "00:00", "01:00", "2026-01-04T14:59:59Z", "2026-01-04T15:00:00Z"},
    {"Asia/Kolkata", "mon-fri", "09:00", "17:00", "2026-01-05T00:00:00Z", "2026-01-05T03:30:00Z"},
    {"Asia/Kathmandu", "mon-fri", "09:00", "17:00", "2026-01-05T00:00:00Z", "2026-01-05T03:15:00Z"},
    {"Pacific/Kiritimati", "mon", "09:00", "17:00", "2026-01-04T00:00:00Z", "2026-01-04T19:00:00Z"},
    // Before a day on which clocks change, and behind it.
    {"Europe/Berlin", "sat-sun", "09:00", "17:00", "2026-03-28T16:00:00Z", "2026-03-29T07:00:00Z"},
    {"Europe/Berlin", "sat-sun", "09:00", "17:00", "2026-10-24T15:00:00Z", "2026-10-25T08:00:00Z"},
    // Clocks are put forward: what begins or ends in the hour that is skipped does so at its end.
    {"Europe/Berlin", "sun", "02:30", "05:00", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"},
    {"Europe/Berlin", "sun", "02:30", "05:00", "2026-03-29T01:00:00Z", open_now},
    {"Europe/Berlin", "sun", "01:00", "02:30", "2026-03-29T00:59:59Z", open_now},
    {"Europe/Berlin", "sun", "01:00", "02:30", "2026-03-29T01:00:00Z", "2026-04-04T23:00:00Z"},
    {"America/New_York", "sun", "02:00", "03:00", "2026-03-08T06:00:00Z", "2026-03-15T06:00:00Z"},
    {"Europe/Berlin", "sun", "02:10", "02:50", "2026-03-28T12:00:00Z", "2026-04-05T00:10:00Z"},
    {"Europe/Berlin", "sat", "22:00", "06:00", "2026-03-29T03:59:59Z", open_now},
    {"Europe/Berlin", "sat", "22:00", "06:00", "2026-03-29T04:00:00Z", "2026-04-04T20:00:00Z"},
    // Clocks are put back: from when they first show the one until they last show the other.
    {"Europe/Berlin", "sun", "02:30", "05:00", "2026-10-25T00:29:59Z", "2026-10-25T00:30:00Z"},
    {"Europe/Berlin", "sun", "02:30", "05:00", "2026-10-25T01:15:00Z", open_now},
    {"Europe/Berlin", "sun", "01:00", "02:30", "2026-10-25T01:29:59Z", open_now},
    {"Europe/Berlin", "sun", "01:00", "02:30", "2026-10-25T01:30:00Z", "2026-11-01T00:00:00Z"},
    {"Europe/Berlin", "sat", "22:00", "06:00", "2026-10-25T04:59:59Z", open_now},
    {"Europe/Berlin", "sat", "22:00", "06:00", "2026-10-25T05:00:00Z", "2026-10-31T21:00:00Z"},
    {"America/New_York", "sun", "01:00", "02:00", "2026-11-01T05:00:00Z", open_now},
    {"America/New_York", "sun", "01:00", "02:00", "2026-11-01T06:59:59Z", open_now},
    {"America/New_York", "sun", "01:00", "02:00", "2026-11-01T07:00:00Z", "2026-11-08T06:00:00Z"},
    // Half an hour of difference, a day that was skipped, and a country without it.
    {"Australia/Lord_Howe", "sun", "02:15", "04:00", "2026-10-03T15:00:00Z",
     "2026-10-03T15:30:00Z"},
    {"Pacific/Apia", "fri", "09:00", "17:00", "2011-12-30T00:00:00Z", "2012-01-05T19:00:00Z"},
    {"America/Phoenix", "sun", "02:30", "03:00", "2026-03-08T09:00:00Z", "2026-03-08T09:30:00Z"},
};

TEST(OpenHours, BeginWhenTheClocksOfTheZoneSaySo) {
  for (const Case& each : cases) {
    const auto zone = TimeZone::find(each.zone);
    ASSERT_TRUE(zone) << each.zone;
    const auto hours = OpenHours::parse({.days = each.days, .from = each.from, .to = each.to});
    ASSERT_TRUE(hours) << each.days << each.from << each.to;
    const std::string expected(each.opens == open_now ? each.now : each.opens);
    EXPECT_EQ(text_of(hours->next_ms(*zone, instant_ms(each.now))), expected)
        << each.zone << " " << each.days << " " << each.from << "-" << each.to << " at "
        << each.now;
  }
}

TEST(OpenHours, KeepTheMillisecondOfAnInstantInThem) {
  const auto hours = OpenHours::parse({.days = "mon", .from = "09:00", .to = "17:00"});
  const TimeZone utc = *TimeZone::find("UTC");
  const std::uint64_t end_ms = instant_ms("2026-01-05T17:00:00Z");
  EXPECT_EQ(hours->next_ms(utc, end_ms - 1), end_ms - 1);
  EXPECT_EQ(hours->next_ms(utc, instant_ms("2026-01-05T09:00:00Z") - 1),
            instant_ms("2026-01-05T09:00:00Z"));
}

// What next_ms() answers lies in a window, and nothing between does: over a year of every zone's
// half hours that is the same as asking again.
TEST(OpenHours, AreOpenAtTheInstantThatIsTheirNext) {
  const auto hours = OpenHours::parse({.days = "mon-sat", .from = "01:30", .to = "02:30"});
  for (const char* name : {"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                           "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca"}) {
    const TimeZone zone = *TimeZone::find(name);
    const std::uint64_t end_ms = instant_ms("2027-01-01T00:00:00Z");
    std::uint64_t before_ms = 0;
    for (std::uint64_t ms = instant_ms("2026-01-01T00:00:00Z"); ms < end_ms; ms += 30 * 60'000) {
      const std::uint64_t next_ms = hours->next_ms(zone, ms);
      EXPECT_GE(next_ms, ms) << name << " " << text_of(ms);
      EXPECT_GE(next_ms, before_ms) << name << " " << text_of(ms);
      EXPECT_EQ(hours->next_ms(zone, next_ms), next_ms) << name << " " << text_of(ms);
      before_ms = next_ms;
    }
  }
}

TEST(OpenHours, AreReadFromTextOrNotAtAll) {
  EXPECT_EQ(OpenHours::parse_days("mon"), 1);
  EXPECT_EQ(OpenHours::parse_days("mon-sun"), 0x7f);
  EXPECT_EQ(OpenHours::parse_days("sun-mon wed"), 0x45);
  EXPECT_EQ(OpenHours::parse_days(" tue  thu "), 0x0a);
  for (const std::string_view bad :
       {"", " ", "Mon", "monday", "mon-", "-mon", "mon,tue", "mon-tue-wed"})
    EXPECT_EQ(OpenHours::parse_days(bad), std::nullopt) << bad;
  EXPECT_EQ(OpenHours::parse_time("00:00"), 0u);
  EXPECT_EQ(OpenHours::parse_time("09:05:07"), 9u * 3600 + 5 * 60 + 7);
  EXPECT_EQ(OpenHours::parse_time("24:00"), 86'400u);
  for (const std::string_view bad : {"", "9:00", "09", "09:", "09:60", "09:00:", "09:00:60",
                                     "24:00:01", "25:00", "09:00 ", "0900", "-1:00", "09:00:00:00"})
    EXPECT_EQ(OpenHours::parse_time(bad), std::nullopt) << bad;
  EXPECT_FALSE(OpenHours::parse({.days = "mon", .from = "24:00", .to = "24:00"}));
}

TEST(TimeZone, IsFoundByItsNameOnly) {
  EXPECT_EQ(TimeZone::find("Europe/Berlin")->name(), "Europe/Berlin");
  for (const std::string_view bad :
       {"", "Europe", "europe/berlin", "../../etc/passwd", "Mars/Base"})
    EXPECT_FALSE(TimeZone::find(bad)) << bad;
}

}  // namespace
}  // namespace ringroom::realtime
