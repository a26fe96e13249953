#include "tools/load/scenario.h"

#include <gtest/gtest.h>

#include <string>

namespace ringroom::load {
namespace {

std::string error_of(const std::string& text) {
  Scenario scenario;
  const auto outcome = read_scenario(scenario, "x.conf", text);
  return outcome ? "" : outcome.error().sentence;
}

TEST(ScenarioFile, IsKeysAndValuesWithComments) {
  Scenario scenario;
  const auto outcome = read_scenario(scenario, "x.conf",
                                     "# One busy room\n\n"
                                     "work   fanout   # hears everyone\n"
                                     "\tprotocol json\r\n"
                                     "members 10\n"
                                     "must lost = 0, p99-ms < 5  # as promised\n"
                                     "must corrupt = 0");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(scenario.work, Work::fanout);
  EXPECT_EQ(scenario.protocol, Protocol::json);
  EXPECT_EQ(scenario.members, 10u);
  EXPECT_EQ(scenario.claims.size(), 3u);
}

TEST(ScenarioFile, SaysFileLineAndColumnOfAMistake) {
  EXPECT_EQ(error_of("work echo\n  colour red\n"), "x.conf:2:3: unknown key \"colour\"");
  EXPECT_EQ(error_of("work  ehco"), "x.conf:1:7: work: expected one of echo, fanout, storm, idle");
  EXPECT_EQ(error_of("depth 0"), "x.conf:1:7: depth: expected a number from 1 to 65536");
  EXPECT_EQ(error_of("depth 65537"), "x.conf:1:7: depth: expected a number from 1 to 65536");
  EXPECT_EQ(error_of("depth 5 6"), "x.conf:1:7: depth: expected a number from 1 to 65536");
  EXPECT_EQ(error_of("depth"), "x.conf:1:6: depth: expected a number from 1 to 65536");
  EXPECT_EQ(error_of("depth 1\ndepth 2"), "x.conf:2:1: \"depth\" stands here twice");
  EXPECT_EQ(error_of("must lost = 0, p98 < 1"), "x.conf:1:16: must: no measure is called \"p98\"");
}

TEST(ScenarioFile, LeavesVariantsToTheRunner) {
  EXPECT_EQ(error_of("variant off --history 0\nvariant on -- --deflate on"), "");
  EXPECT_EQ(error_of("variant --history 0"), "x.conf:1:9: variant: expected a name");
  EXPECT_EQ(error_of("variant"), "x.conf:1:8: variant: expected a name");
}

TEST(ScenarioFile, SwitchesWithOnAndOff) {
  Scenario scenario;
  ASSERT_TRUE(read_scenario(scenario, "x.conf", "deflate on"));
  EXPECT_TRUE(scenario.deflate);
  ASSERT_TRUE(set_flag(scenario, "deflate", "off"));
  EXPECT_FALSE(scenario.deflate);
  EXPECT_EQ(error_of("deflate 1"), "x.conf:1:9: deflate: expected one of off, on");
}

TEST(Seating, SpreadsItsSlowListenersOverAllRooms) {
  const Seating seating{.rooms = 20, .members = 10, .slow_percent = 5};
  std::uint32_t slow = 0;
  for (std::uint32_t room = 0; room < seating.rooms; ++room) slow += seating.slow_listeners(room);
  EXPECT_EQ(slow, 10u);
  EXPECT_EQ((Seating{.rooms = 1, .subscribers = 1000, .slow_percent = 5}).slow_listeners(0), 50u);
  // Somebody must be there that the next message waits for.
  EXPECT_EQ((Seating{.rooms = 9, .members = 1, .slow_percent = 50}).slow_listeners(1), 0u);
}

TEST(ScenarioFile, TakesBothEndsOfARange) {
  EXPECT_EQ(error_of("depth 1"), "");
  EXPECT_EQ(error_of("depth 65536"), "");
  EXPECT_EQ(error_of("pin -1"), "");
  EXPECT_NE(error_of("pin -2"), "");
}

TEST(ScenarioFlag, OverridesTheFile) {
  Scenario scenario;
  ASSERT_TRUE(read_scenario(scenario, "x.conf", "duration-s 30\nmust lost = 0\nmust corrupt = 0"));
  ASSERT_TRUE(set_flag(scenario, "duration-s", "2"));
  ASSERT_TRUE(set_flag(scenario, "must", "p50-ms < 1"));
  EXPECT_EQ(scenario.duration_s, 2u);
  ASSERT_EQ(scenario.claims.size(), 1u);
  EXPECT_EQ(scenario.claims[0].measure, "p50-ms");
  EXPECT_EQ(set_flag(scenario, "colour", "red").error().sentence, "--colour: unknown option");
}

TEST(Scenario, MustFitTogether) {
  struct Row {
    std::string text;
    bool fits;
  };
  const Row rows[] = {
      {"work echo", false},
      {"work echo\nconnections 1", true},
      {"work echo\nconnections 1\nmembers 1", false},
      {"work echo\nconnections 2\nthreads 2", true},
      {"work echo\nconnections 2\nthreads 3", false},
      {"work echo\nconnections 1\ndepth 2\nburst 2", false},
      {"work echo\nconnections 1\nrate 1\ndepth 2", false},
      {"work echo\nconnections 1\nprotocol json\npayload-bytes 46", false},
      {"work echo\nconnections 1\nprotocol json\npayload-bytes 47", true},
      {"work fanout\nsubscribers 1", false},
      {"work fanout\npublishers 1", false},
      {"work fanout\npublishers 1\nsubscribers 1", true},
      {"work fanout\nmembers 1", true},
      {"work fanout\nmembers 2\nprotocol tcp", true},
      {"work fanout\npublishers 1\nsubscribers 1\nprotocol json", false},
      {"work fanout\nmembers 1\nsubscribers 1\nprotocol json", true},
      {"work fanout\nmembers 2\nslow-percent 5", true},
      {"work fanout\nmembers 2\nslow-percent 5\nslow-pause-ms 9999\ndrain-s 10", true},
      {"work fanout\nmembers 2\nslow-percent 5\nslow-pause-ms 10000\ndrain-s 10", false},
      {"work fanout\nmembers 2\nslow-percent 5\nprotocol tcp", false},
      {"work echo\nconnections 9\nslow-percent 5", false},
      {"work echo\nconnections 9\ndeflate on", true},
      {"work echo\nconnections 9\ndeflate on\nprotocol tcp", false},
      {"work echo\nconnections 9\npayload-pattern json", true},
      {"work echo\nconnections 9\npayload-pattern json\nprotocol json", false},
      {"work fanout\nmembers 2\nrooms 0", false},
      {"work idle\nconnections 9\nrooms 0\nprotocol json", true},
      {"work idle\nconnections 9\nrooms 0", false},
      {"work fanout\nmembers 2\nconnections 2", false},
      {"work fanout\nrooms 1000001\nmembers 1", false},
      {"work fanout\nmembers 8193", false},
      {"work idle\nconnections 10\nrooms 5", true},
      {"work idle\nconnections 10\nrooms 3", false},
      {"work fanout\nmembers 2\ncanary-connections 1\ncanary-rate 1", true},
      {"work fanout\nmembers 2\ncanary-connections 1", false},
      {"work fanout\nmembers 2\ncanary-rate 1", false},
      {"work echo\nconnections 1\ncanary-connections 1\ncanary-rate 1", false},
      {"work fanout\npublishers 1\nsubscribers 1\nprotocol tcp\ncanary-connections 1\ncanary-rate "
       "1",
       false},
      {"work storm", true},
      {"work storm\nconnections 5", false},
  };
  for (const Row& row : rows) {
    Scenario scenario;
    const auto read = read_scenario(scenario, "x.conf", row.text);
    const bool fits = read && check_together(scenario);
    EXPECT_EQ(fits, row.fits) << row.text;
  }
}

TEST(ScenarioManual, NamesEveryKey) {
  const std::string manual = scenario_manual();
  for (const char* key : {"--work ", "--rate ", "--must ", "--server-pid "}) {
    EXPECT_NE(manual.find(key), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace ringroom::load
