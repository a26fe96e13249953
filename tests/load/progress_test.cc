#include "tools/load/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tools/load/display.h"

namespace ringroom::load {
namespace {

Standing measuring() {
  Standing standing;
  standing.title = "fanout-1000: fanout over raw to 127.0.0.1:8000";
  standing.unit = "delivery";
  standing.phase = Phase::measuring;
  standing.passed_s = 4.02;
  standing.planned_s = 10;
  standing.ready = standing.connections = 1001;
  standing.outstanding = 128;
  standing.lost = 3;
  standing.second = Second{.messages_per_s = 1234,
                           .units_per_s = 1'234'000,
                           .p50_ms = 0.5,
                           .p99_ms = 12.25,
                           .server_cpu_us = 0.8125,
                           .load_cpu_percent = 87};
  standing.rates = {1'000'000, 0, 1'234'000, 617'000};
  return standing;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

TEST(Progress, FitsEveryWidthFromFortyColumns) {
  for (const bool unicode : {false, true}) {
    for (const bool colour : {false, true}) {
      for (std::size_t columns = columns_min; columns <= 200; ++columns) {
        const Look look{.columns = columns, .unicode = unicode, .colour = colour};
        for (const std::string& line : block_of(measuring(), look)) {
          EXPECT_LE(columns_of(line), columns) << line;
        }
      }
    }
  }
}

TEST(Progress, HidesNothingWhereItIsNarrow) {
  for (const std::size_t columns : {std::size_t{1}, std::size_t{40}, std::size_t{300}}) {
    const std::string block = joined(block_of(measuring(), {.columns = columns, .colour = false}));
    for (const char* shown : {"measuring 4 of 10 s", "deliveries/s", "messages/s", "p50 ms",
                              "p99 ms", "12.250", "outstanding", "lost", "duplicated", "misordered",
                              "corrupt", "closed", "us/delivery", "load CPU %", "█"}) {
      EXPECT_NE(block.find(shown), std::string::npos) << shown << "\n" << block;
    }
  }
  EXPECT_NE(joined(block_of(measuring(), {.columns = 40})).find("1.234M"), std::string::npos);
  EXPECT_NE(joined(block_of(measuring(), {.columns = 80})).find("1,234,000"), std::string::npos);
}

TEST(Progress, SaysItInAsciiWithoutColourWhereThatIsAll) {
  Standing standing = measuring();
  standing.title = "na\x1b[31mme\xC3\xB6";
  standing.second.reset();
  for (const char c : joined(block_of(standing, {.unicode = false, .colour = false}))) {
    EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7F)) << static_cast<int>(c);
  }
}

TEST(Progress, NamesEachPhaseAndHowMuchOfItIsOver) {
  Standing standing = measuring();
  const auto head = [&] {
    return block_of(standing, {.columns = 80, .unicode = false, .colour = false})[1];
  };
  EXPECT_EQ(head().substr(0, 21), "measuring 4 of 10 s  ");
  EXPECT_EQ(head().substr(73), "   40 %");
  EXPECT_EQ(std::ranges::count(head(), '#'), 21);
  EXPECT_EQ(std::ranges::count(head(), '.'), 31);
  standing.messages_planned = 4000;
  standing.messages = 1000;
  EXPECT_EQ(head().substr(0, 23), "measuring 1,000/4,000  ");
  standing.phase = Phase::connecting;
  standing.ready = 3200;
  standing.connections = 10'000;
  EXPECT_EQ(head().substr(0, 25), "connecting 3,200/10,000  ");
  EXPECT_EQ(head().substr(head().size() - 5), " 32 %");
  standing.phase = Phase::draining;
  standing.interrupted = true;
  EXPECT_EQ(head(), "interrupted, draining 4 s");
}

TEST(Progress, ShowsWhatIsWrongInRed) {
  const std::string block = joined(block_of(measuring(), {.columns = 80}));
  EXPECT_NE(block.find("\x1b[1;31m3\x1b[0m"), std::string::npos) << block;
}

TEST(Progress, DrawsRatesFromZeroToTheLargestOfThoseShown) {
  const std::vector<double> rates = {900, 0, 50, 100};
  EXPECT_EQ(sparkline(rates, 3, false), "_=#");
  EXPECT_EQ(sparkline(rates, 3, true), "▁▅█");
  EXPECT_EQ(sparkline(std::vector<double>{0, 0}, 8, false), "__");
  EXPECT_EQ(sparkline({}, 8, false), "");
}

TEST(Progress, GroupsNumbersOrShortensThem) {
  EXPECT_EQ(grouped(0, 6), "0");
  EXPECT_EQ(grouped(999, 6), "999");
  EXPECT_EQ(grouped(12'345, 6), "12,345");
  EXPECT_EQ(grouped(123'456, 6), "123.5k");
  EXPECT_EQ(grouped(999'960, 6), "1.000M");
  EXPECT_EQ(grouped(1'234'567, 6), "1.235M");
  EXPECT_EQ(grouped(1'234'567, 9), "1,234,567");
  EXPECT_EQ(grouped(98'765'432'101, 9), "98.77G");
}

TEST(Progress, WritesALineThatLeavesOutWhatIsNotKnown) {
  EXPECT_EQ(line_of(measuring()),
            "phase=measuring at_s=4.0 of_s=10.0 ready=1001 connections=1001 messages_per_s=1234 "
            "deliveries_per_s=1234000 p50_ms=0.500 p99_ms=12.250 server_cpu_us=0.812 "
            "load_cpu_percent=87 outstanding=128 lost=3 duplicated=0 misordered=0 corrupt=0 "
            "refused=0 closed=0");
  Standing standing = measuring();
  standing.phase = Phase::draining;
  standing.planned_s = 0;
  standing.second.reset();
  EXPECT_EQ(line_of(standing),
            "phase=draining at_s=4.0 ready=1001 connections=1001 outstanding=128 lost=3 "
            "duplicated=0 misordered=0 corrupt=0 refused=0 closed=0");
}

TEST(Display, DrawsOnlyWhereSomebodyLooks) {
  const Surroundings pipe{.term = "xterm", .locale = "C.UTF-8"};
  Surroundings terminal = pipe;
  terminal.terminal = true;
  EXPECT_EQ(manner_of(ProgressAs::automatic, pipe).as, ProgressAs::none);
  EXPECT_EQ(manner_of(ProgressAs::lines, pipe).as, ProgressAs::lines);
  EXPECT_EQ(manner_of(ProgressAs::automatic, terminal).as, ProgressAs::bar);
  EXPECT_EQ(manner_of(ProgressAs::none, terminal).as, ProgressAs::none);
  terminal.term = "dumb";
  EXPECT_EQ(manner_of(ProgressAs::automatic, terminal).as, ProgressAs::lines);
  EXPECT_EQ(manner_of(ProgressAs::bar, terminal).as, ProgressAs::lines);
}

TEST(Display, TakesColourAndLettersThatTheTerminalHas) {
  Surroundings terminal{.terminal = true, .term = "xterm", .locale = "de_DE.utf8"};
  EXPECT_TRUE(manner_of(ProgressAs::automatic, terminal).unicode);
  EXPECT_TRUE(manner_of(ProgressAs::automatic, terminal).colour);
  terminal.no_color = "1";
  terminal.locale = "C";
  EXPECT_FALSE(manner_of(ProgressAs::automatic, terminal).unicode);
  EXPECT_FALSE(manner_of(ProgressAs::automatic, terminal).colour);
}

}  // namespace
}  // namespace ringroom::load
