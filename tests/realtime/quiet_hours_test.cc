#include "realtime/quiet_hours.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "realtime/config.h"
#include "realtime/config_file.h"

namespace ringroom::realtime {
namespace {

constexpr std::uint64_t noon_ms = 1'767'614'400'000;  // 2026-01-05T12:00:00Z, a Monday
constexpr std::uint64_t hour_ms = 3'600'000;

std::string complaint_about(std::string_view text) {
  std::vector<QuietHours> chosen;
  if (const auto done = choose(chosen, text); !done) return done.error().sentence;
  const auto policy = compile(chosen.at(0));
  return policy ? "accepted" : policy.error().sentence;
}

TEST(QuietHours, AreReadFromTextAndPrintedAsItsSame) {
  std::vector<QuietHours> chosen;
  ASSERT_TRUE(choose(chosen, "office:zone=Europe/Berlin,days=mon-fri,from=09:00,to=17:30"));
  ASSERT_TRUE(choose(chosen, "office:held-count=5"));
  ASSERT_TRUE(choose(chosen, "night"));
  ASSERT_EQ(chosen.size(), 2u);
  EXPECT_EQ(print(chosen[0]),
            "office:zone=Europe/Berlin,days=mon-fri,from=09:00,to=17:30,held-count=5");
  EXPECT_EQ(print(chosen[1]), "night");
}

TEST(QuietHours, AreOfTheRecipientWhereTheySaySo) {
  std::vector<QuietHours> chosen;
  ASSERT_TRUE(choose(chosen, "office:zone=user,fallback-zone=Asia/Tokyo,from=13:00,to=17:00"));
  const auto policy = compile(chosen[0]);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->next_ms(TimeZone::find("UTC"), noon_ms), noon_ms + hour_ms);
  EXPECT_EQ(policy->next_ms(TimeZone::find("Europe/Berlin"), noon_ms), noon_ms);
  EXPECT_EQ(policy->next_ms(std::nullopt, noon_ms), noon_ms + 16 * hour_ms);  // 21:00 there
}

TEST(QuietHours, AreByOneZoneForEverybodyOtherwise) {
  std::vector<QuietHours> chosen;
  ASSERT_TRUE(choose(chosen, "office:zone=UTC,from=13:00,to=17:00"));
  EXPECT_EQ(compile(chosen[0])->next_ms(TimeZone::find("Asia/Tokyo"), noon_ms), noon_ms + hour_ms);
}

TEST(QuietHours, SayWhatIsWrong) {
  EXPECT_EQ(complaint_about("office:zone=Europe/Berlin,from=09:00"), "accepted");
  EXPECT_EQ(complaint_about("office:zones=UTC"),
            "quiet-hours office has no option `zones`; did you mean `zone`?");
  EXPECT_EQ(complaint_about("office:days=workdays"),
            "quiet-hours office: days must be days such as `mon-fri` or `mon wed sat-sun`, not "
            "\"workdays\"");
  EXPECT_EQ(complaint_about("office:from=9:00"),
            "quiet-hours office: from must be a time, 00:00 to 23:59:59, not \"9:00\"");
  EXPECT_EQ(complaint_about("office:from=24:00"),
            "quiet-hours office: from must be a time, 00:00 to 23:59:59, not \"24:00\"");
  EXPECT_EQ(complaint_about("office:to=25:00"),
            "quiet-hours office: to must be a time, 00:00 to 24:00, not \"25:00\"");
  EXPECT_NE(complaint_about("office:zone=Mars/Base").find("zone must be the name of a time zone"),
            std::string::npos);
  EXPECT_NE(complaint_about("office:zone=user,fallback-zone=user").find("fallback-zone must be"),
            std::string::npos);
  EXPECT_EQ(complaint_about("office:from"), "quiet-hours office: `from` is no OPTION=VALUE");
  EXPECT_NE(complaint_about("a b").find("is no name of quiet hours"), std::string::npos);
}

TEST(QuietHours, AreTablesOfTheFile) {
  Config config;
  ASSERT_TRUE(read_file_text(config,
                             "[quiet-hours.office]\nzone = \"Europe/Berlin\"\nfrom = \"09:00\"\n"
                             "held-count = 7\n[quiet-hours.night]\n",
                             "r.toml"));
  ASSERT_TRUE(settle(config));
  ASSERT_EQ(config.quiet_hours.size(), 2u);
  const auto office = std::ranges::find(config.quiet_hours, "office", &QuietHours::name);
  ASSERT_NE(office, config.quiet_hours.end());
  EXPECT_EQ(office->held_count, 7u);
  const auto done = read_file_text(config, "[quiet-hours.office]\nfrom = 9\n", "r.toml");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().sentence,
            "r.toml:2:8: quiet-hours office: from must be text, not an integer");
  config.quiet_hours[0].days = "never";
  EXPECT_FALSE(settle(config));
}

}  // namespace
}  // namespace ringroom::realtime
