#include "tools/load/histogram.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>

namespace ringroom::load {
namespace {

TEST(Histogram, SaysZeroWhenNothingWasRecorded) {
  const auto histogram = std::make_unique<Histogram>();
  EXPECT_EQ(histogram->count(), 0u);
  EXPECT_EQ(histogram->at(0.5), 0u);
  EXPECT_EQ(histogram->max(), 0u);
}

TEST(Histogram, IsExactBelow256) {
  const auto histogram = std::make_unique<Histogram>();
  for (std::uint64_t value = 0; value < 256; ++value) histogram->record(value);
  for (std::uint64_t rank = 1; rank <= 256; ++rank) {
    EXPECT_EQ(histogram->at(static_cast<double>(rank) / 256), rank - 1);
  }
}

TEST(Histogram, NeverReadsBetterThanTheTruthNorMoreThanOneIn128Worse) {
  for (unsigned bits = 1; bits < 40; ++bits) {
    for (const std::uint64_t nearby : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3}}) {
      const std::uint64_t value = (std::uint64_t{1} << bits) - 1 + nearby;
      const auto histogram = std::make_unique<Histogram>();
      histogram->record(value);
      histogram->record(std::uint64_t{1} << 40);  // so that max() does not correct the reading
      const std::uint64_t read = histogram->at(0.5);
      EXPECT_GE(read, value);
      EXPECT_LE(read, value + value / 128);
    }
  }
}

TEST(Histogram, KeepsTheMaximumExactEvenBeyondItsLastBucket) {
  const auto histogram = std::make_unique<Histogram>();
  histogram->record(std::uint64_t{1} << 50);
  EXPECT_EQ(histogram->max(), std::uint64_t{1} << 50);
  EXPECT_EQ(histogram->at(1), std::uint64_t{1} << 50);
}

TEST(Histogram, TakesTheRankThatCoversTheQuantile) {
  const auto histogram = std::make_unique<Histogram>();
  for (std::uint64_t value = 1; value <= 100; ++value) histogram->record(value);
  EXPECT_EQ(histogram->at(0), 1u);
  EXPECT_EQ(histogram->at(0.5), 50u);
  EXPECT_EQ(histogram->at(0.99), 99u);
  EXPECT_EQ(histogram->at(0.999), 100u);
  EXPECT_EQ(histogram->at(1), 100u);
}

TEST(Histogram, MergesToWhatOneWouldHaveRecorded) {
  const auto one = std::make_unique<Histogram>();
  const auto left = std::make_unique<Histogram>();
  const auto right = std::make_unique<Histogram>();
  for (std::uint64_t value = 1; value < 100'000; value += 37) {
    one->record(value);
    (value % 2 == 0 ? left : right)->record(value);
  }
  left->merge(*right);
  EXPECT_EQ(left->count(), one->count());
  EXPECT_EQ(left->max(), one->max());
  EXPECT_DOUBLE_EQ(left->mean(), one->mean());
  for (const double quantile : {0.1, 0.5, 0.9, 0.99}) {
    EXPECT_EQ(left->at(quantile), one->at(quantile));
  }
}

TEST(Histogram, ShowsWhatHasComeSinceAnEarlierLook) {
  const auto live = std::make_unique<Histogram>();
  for (int i = 0; i < 50; ++i) live->record(5'000'000);
  const auto earlier = std::make_unique<Histogram>();
  earlier->merge_live(*live);
  for (std::uint64_t value = 1; value <= 100; ++value) live->record(value);
  const auto later = std::make_unique<Histogram>();
  later->merge_live(*live);
  EXPECT_EQ(later->count(), 150u);
  later->subtract(*earlier);
  EXPECT_EQ(later->count(), 100u);
  EXPECT_EQ(later->at(0.5), 50u);
  EXPECT_EQ(later->at(0.99), 99u);
  EXPECT_EQ(later->max(), 100u);
  EXPECT_DOUBLE_EQ(later->mean(), 50.5);
}

TEST(Histogram, IsReadWhileItIsWritten) {
  const auto live = std::make_unique<Histogram>();
  constexpr std::uint64_t records = 200'000;
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < records; ++i) live->record(i % 1000);
  });
  std::uint64_t seen = 0;
  while (seen < records) {
    const auto look = std::make_unique<Histogram>();
    look->merge_live(*live);
    ASSERT_GE(look->count(), seen);
    ASSERT_LE(look->count(), records);
    seen = look->count();
  }
  writer.join();
}

}  // namespace
}  // namespace ringroom::load
