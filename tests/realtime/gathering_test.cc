#include "realtime/room/gathering.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

constexpr std::uint32_t listeners = 100;
constexpr std::uint64_t service_us = listeners * Gathering::send_us;

ConnectionId speaker(std::uint32_t slot) { return {.core = 0, .slot = slot, .generation = 1}; }

void hear(Gathering& gathering, std::uint32_t begin, std::uint32_t end) {
  for (std::uint32_t slot = begin; slot < end; ++slot) gathering.heard(speaker(slot));
}

// Two halves of twenty speakers that take turns, each answering the batch it heard.
Gathering in_two_halves(std::uint64_t now_us) {
  Gathering gathering;
  hear(gathering, 0, 10);
  gathering.sent(now_us - service_us);
  hear(gathering, 10, 20);
  gathering.sent(now_us);
  return gathering;
}

TEST(Gathering, BringsTwoHalvesTogether) {
  Gathering gathering = in_two_halves(10'000);
  hear(gathering, 0, 10);
  EXPECT_TRUE(gathering.waits(10'000 + service_us, listeners));
  EXPECT_EQ(gathering.missing(), 10u);
  hear(gathering, 10, 18);  // the last of many may have nothing to say
  EXPECT_FALSE(gathering.waits(10'000 + service_us + 50, listeners));
}

TEST(Gathering, WaitsNoLongerThanTwiceWhatHandingOutTook) {
  Gathering gathering = in_two_halves(10'000);
  hear(gathering, 0, 10);
  EXPECT_TRUE(gathering.waits(10'000 + service_us, listeners));
  EXPECT_TRUE(gathering.waits(10'000 + 3 * service_us - 1, listeners));
  EXPECT_EQ(gathering.until_us(), 10'000 + 3 * service_us);
  EXPECT_FALSE(gathering.waits(10'000 + 3 * service_us, listeners));
}

TEST(Gathering, WaitsABoundedTimeInAHugeRoom) {
  Gathering gathering = in_two_halves(10'000'000);
  hear(gathering, 0, 10);
  const std::uint64_t out_us = 10'000'000 + 100'000 * Gathering::send_us;
  EXPECT_TRUE(gathering.waits(out_us + Gathering::wait_max_us - 1, 100'000));
  EXPECT_FALSE(gathering.waits(out_us + Gathering::wait_max_us, 100'000));
}

TEST(Gathering, NeverMakesOnePublisherWait) {
  Gathering gathering;
  std::uint64_t now_us = 10'000;
  for (int batch = 0; batch < 10; ++batch, now_us += service_us) {
    gathering.heard(speaker(7));
    EXPECT_FALSE(gathering.waits(now_us, listeners));
    gathering.sent(now_us);
  }
}

TEST(Gathering, NeverMakesABatchWaitThatComesByItself) {
  Gathering gathering = in_two_halves(10'000);
  gathering.heard(speaker(3));
  EXPECT_FALSE(gathering.waits(10'000 + 3 * service_us, listeners));
}

TEST(Gathering, GivesUpWhereNothingComesOfIt) {
  Gathering gathering = in_two_halves(10'000);
  std::uint64_t now_us = 10'000;
  int waits = 0;
  for (std::uint32_t batch = 0; batch < 1'000; ++batch) {
    now_us += service_us;
    // Another ten each time, who speak when they like.
    hear(gathering, 10 * (batch % 6), 10 * (batch % 6) + 10);
    if (gathering.waits(now_us, listeners)) {
      ++waits;
      now_us += 2 * service_us;
      EXPECT_FALSE(gathering.waits(now_us, listeners));
    }
    gathering.sent(now_us);
  }
  EXPECT_LT(waits, 12);
  EXPECT_GT(waits, 5) << "it tries again now and then";
}

}  // namespace
}  // namespace ringroom::realtime
