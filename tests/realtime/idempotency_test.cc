#include "realtime/room/idempotency.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <unordered_map>

namespace ringroom::realtime {
namespace {

Idempotency::Known known(std::uint64_t key, std::uint64_t sequence, std::uint64_t at_ms) {
  return {.key = key, .sequence = sequence, .at_ms = at_ms, .id = {.high = key, .low = sequence}};
}

TEST(Idempotency, AnswersAsItDidBefore) {
  Idempotency window(10, 100);
  EXPECT_EQ(window.find(7, 0), nullptr);
  window.add(known(7, 41, 0));
  ASSERT_NE(window.find(7, 99), nullptr);
  EXPECT_EQ(window.find(7, 99)->sequence, 41u);
  EXPECT_EQ(window.find(7, 99)->id.low, 41u);
  EXPECT_EQ(window.find(8, 99), nullptr);
}

TEST(Idempotency, ForgetsByAgeToTheMillisecond) {
  Idempotency window(10, 100);
  window.add(known(7, 1, 1000));
  EXPECT_NE(window.find(7, 1099), nullptr);
  EXPECT_EQ(window.find(7, 1100), nullptr);
  EXPECT_EQ(window.size(), 0u);
}

TEST(Idempotency, ForgetsTheOldestWhenItIsFull) {
  Idempotency window(3, 1000);
  for (std::uint64_t key = 1; key <= 4; ++key) window.add(known(key, key, 0));
  EXPECT_EQ(window.find(1, 0), nullptr);
  for (std::uint64_t key = 2; key <= 4; ++key) EXPECT_NE(window.find(key, 0), nullptr) << key;
  EXPECT_EQ(window.size(), 3u);
}

TEST(Idempotency, KnowsNothingWhenItIsOff) {
  Idempotency window(0, 1000);
  window.add(known(1, 1, 0));
  EXPECT_EQ(window.find(1, 0), nullptr);
}

TEST(Idempotency, TakesNoMemoryOnceItIsFull) {
  Idempotency window(100, 1'000'000);
  for (std::uint64_t key = 1; key <= 200; ++key) window.add(known(key * 977, key, 0));
  const std::size_t bytes = window.memory_bytes();
  EXPECT_LE(bytes, 128 * sizeof(Idempotency::Known) + 256 * sizeof(std::uint32_t));
  for (std::uint64_t key = 201; key <= 5000; ++key) window.add(known(key * 977, key, 0));
  EXPECT_EQ(window.memory_bytes(), bytes);
}

// Keys that collide in the index on purpose: what is pushed on by others must stay findable.
TEST(Idempotency, AgreesWithANaiveWindowOverRandomKeys) {
  std::mt19937_64 random(42);
  constexpr std::uint64_t count_max = 37, age_ms = 50;
  Idempotency window(count_max, age_ms);
  std::deque<Idempotency::Known> naive;
  std::uint64_t now_ms = 0;
  for (std::uint64_t step = 1; step <= 200'000; ++step) {
    if (random() % 8 == 0) now_ms += random() % 5;
    while (!naive.empty() && naive.front().at_ms + age_ms <= now_ms) naive.pop_front();
    const std::uint64_t key = (random() % 16) << (random() % 2 == 0 ? 0 : 6) | random() % 128;
    const auto expected = std::find_if(naive.begin(), naive.end(),
                                       [key](const auto& entry) { return entry.key == key; });
    const Idempotency::Known* found = window.find(key, now_ms);
    ASSERT_EQ(found != nullptr, expected != naive.end()) << "step " << step;
    if (found != nullptr) {
      ASSERT_EQ(found->sequence, expected->sequence) << "step " << step;
      continue;
    }
    if (naive.size() == count_max) naive.pop_front();
    naive.push_back(known(key, step, now_ms));
    window.add(naive.back());
  }
}

}  // namespace
}  // namespace ringroom::realtime
