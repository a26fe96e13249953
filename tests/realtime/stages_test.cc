#include "realtime/stages.h"

#include <gtest/gtest.h>

#include <memory>

namespace ringroom::realtime {
namespace {

class StagesTest : public testing::Test {
 protected:
  HistogramSum sum(Histogram ShardCounters::*field) const {
    HistogramSum out;
    out.add(*counters_.*field);
    return out;
  }

  const std::unique_ptr<ShardCounters> counters_ = std::make_unique<ShardCounters>();
  Stages stages_{*counters_};
};

TEST_F(StagesTest, MeasureFromTheTurnThatReceivedToTheEndOfTheOneThatActed) {
  stages_.begin_turn(1'000);
  const std::uint32_t since = stages_.stamp();
  stages_.begin_turn(5'000);
  stages_.reached_room(since);
  stages_.end_turn(5'100);
  const HistogramSum took = sum(&ShardCounters::receive_to_room_us);
  EXPECT_EQ(took.count(), 1u);
  EXPECT_NEAR(static_cast<double>(took.sum), 4'100, 1);
  EXPECT_EQ(sum(&ShardCounters::turn_duration_us).sum, 100u);
}

TEST_F(StagesTest, CountEveryMessageOfARun) {
  stages_.begin_turn(1'000);
  for (int i = 0; i < 10; ++i) stages_.sent(stages_.stamp(), 100);
  stages_.end_turn(1'020);
  EXPECT_EQ(sum(&ShardCounters::room_to_send_us).count(), 1'000u);
}

TEST_F(StagesTest, CountAllHoweverManyTurnsTheyCameFrom) {
  for (std::uint32_t turn = 0; turn < 200; ++turn) {
    stages_.begin_turn(1'000'000);
    for (std::uint32_t other = 1; other <= turn; ++other) stages_.answered(2 * other + 1);
    stages_.end_turn(1'000'010);
  }
  EXPECT_EQ(sum(&ShardCounters::publish_to_ack_us).count(), 199u * 200 / 2);
}

TEST_F(StagesTest, SayNothingOfWhatWasNotMeasured) {
  stages_.begin_turn(1'000);
  stages_.reached_room(0);
  stages_.sent(stages_.stamp(), 0);
  EXPECT_TRUE(stages_.is_empty());
}

TEST_F(StagesTest, AStampIsNeverTheOneForNothingAndOutlivesTheWrap) {
  stages_.begin_turn(0x1'0000'0000);
  EXPECT_NE(stages_.stamp(), 0u);
  stages_.begin_turn(0xffff'ff00);
  const std::uint32_t since = stages_.stamp();
  stages_.begin_turn(0x1'0000'0100);
  stages_.reached_room(since);
  stages_.end_turn(0x1'0000'0100);
  EXPECT_NEAR(static_cast<double>(sum(&ShardCounters::receive_to_room_us).sum), 0x200, 1);
}

TEST_F(StagesTest, AClockThatIsAMomentBehindTakesNoTime) {
  stages_.begin_turn(1'000);
  stages_.reached_room(1'011);
  stages_.end_turn(1'001);
  EXPECT_EQ(sum(&ShardCounters::receive_to_room_us).sum, 0u);
}

}  // namespace
}  // namespace ringroom::realtime
