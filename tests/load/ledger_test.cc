#include "tools/load/ledger.h"

#include <gtest/gtest.h>

namespace ringroom::load {
namespace {

std::uint64_t overtaken = 0;
Delivery take(Trail& trail, std::uint32_t sequence) { return trail.take(sequence, overtaken); }

TEST(Trail, CountsMessagesInOrder) {
  Trail trail;
  for (std::uint32_t sequence = 0; sequence < 200; ++sequence) {
    EXPECT_EQ(take(trail, sequence), Delivery::in_order);
  }
  EXPECT_EQ(trail.unique(), 200u);
}

TEST(Trail, NoticesARepetitionAtAnyDistance) {
  Trail trail;
  for (std::uint32_t sequence = 0; sequence < 200; ++sequence) take(trail, sequence);
  for (std::uint32_t sequence = 0; sequence < 200; ++sequence) {
    EXPECT_EQ(take(trail, sequence), Delivery::repeated);
  }
  EXPECT_EQ(trail.unique(), 200u);
}

TEST(Trail, CountsWhatFillsAGapOnceAndAsLate) {
  for (std::uint32_t gap = 1; gap < 64; ++gap) {
    Trail trail;
    take(trail, 0);
    EXPECT_EQ(take(trail, gap + 1), Delivery::in_order);
    EXPECT_EQ(trail.unique(), 2u);
    for (std::uint32_t sequence = 1; sequence <= gap; ++sequence) {
      EXPECT_EQ(take(trail, sequence), Delivery::late) << gap << " " << sequence;
      EXPECT_EQ(take(trail, sequence), Delivery::repeated);
    }
    EXPECT_EQ(take(trail, 0), Delivery::repeated);
    EXPECT_EQ(trail.unique(), gap + 2u);
  }
}

TEST(Trail, StaysRightAcrossAGapOfItsWholeMemory) {
  for (const std::uint32_t gap : {62u, 63u, 64u, 65u, 1000u}) {
    Trail trail;
    take(trail, 0);
    take(trail, gap + 1);
    EXPECT_EQ(trail.unique(), 2u);
    EXPECT_EQ(take(trail, 0), Delivery::repeated);
    EXPECT_EQ(take(trail, gap + 1), Delivery::repeated);
    EXPECT_EQ(trail.unique(), 2u);
  }
}

TEST(Trail, AddsWhatItMissesToASum) {
  std::uint64_t sum = 10;
  Trail trail;
  trail.take(0, sum);
  trail.take(5, sum);
  EXPECT_EQ(sum, 14u);
  trail.take(3, sum);
  trail.take(3, sum);
  EXPECT_EQ(sum, 13u);
  EXPECT_EQ(trail.missing(), 3u);
}

TEST(RoomOrder, WantsTheSameMessageUnderTheSameNumberForEveryone) {
  RoomOrder order(4);
  using Verdict = RoomOrder::Verdict;
  EXPECT_EQ(order.compare({.sequence = 1, .publisher = 5, .number = 0}), Verdict::same);
  EXPECT_EQ(order.compare({.sequence = 2, .publisher = 6, .number = 0}), Verdict::same);
  EXPECT_EQ(order.compare({.sequence = 1, .publisher = 5, .number = 0}), Verdict::same);
  EXPECT_EQ(order.compare({.sequence = 2, .publisher = 5, .number = 1}), Verdict::different);
}

TEST(RoomOrder, DoesNotJudgeWhatItHasForgotten) {
  RoomOrder order(4);
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
    order.compare({.sequence = sequence, .publisher = 0, .number = 0});
  }
  EXPECT_EQ(order.compare({.sequence = 1, .publisher = 9, .number = 9}),
            RoomOrder::Verdict::unknown);
  EXPECT_EQ(order.compare({.sequence = 2, .publisher = 9, .number = 9}),
            RoomOrder::Verdict::different);
}

}  // namespace
}  // namespace ringroom::load
