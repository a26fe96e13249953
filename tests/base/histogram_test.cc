#include "base/histogram.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

namespace ringroom {
namespace {

constexpr std::uint64_t last_bound = Histogram::bound_of(Histogram::bucket_count - 2);

TEST(Histogram, PutsEachValueIntoTheFirstBucketWhoseBoundIsNotBelowIt) {
  for (std::size_t bucket = 0; bucket + 1 < Histogram::bucket_count; ++bucket) {
    const std::uint64_t bound = Histogram::bound_of(bucket);
    EXPECT_EQ(Histogram::bucket_of(bound), bucket) << bound;
    EXPECT_EQ(Histogram::bucket_of(bound + 1), bucket + 1) << bound;
  }
  EXPECT_EQ(Histogram::bucket_of(0), 0u);
  EXPECT_EQ(Histogram::bucket_of(~std::uint64_t{0}), Histogram::bucket_count - 1);
}

TEST(Histogram, BoundsGrowByAQuarterAtMost) {
  for (std::size_t bucket = 4; bucket + 1 < Histogram::bucket_count; ++bucket) {
    const auto before = static_cast<double>(Histogram::bound_of(bucket - 1));
    EXPECT_LE(static_cast<double>(Histogram::bound_of(bucket)) / before, 1.25) << bucket;
  }
  EXPECT_EQ(last_bound, std::uint64_t{1} << Histogram::doublings);
}

TEST(Histogram, KnowsPowersOfTwoAsBounds) {
  for (std::size_t power = 0; power <= Histogram::doublings; ++power)
    EXPECT_EQ(Histogram::bound_of(Histogram::bucket_at(power)), std::uint64_t{1} << power);
}

TEST(Histogram, QuantilesAreRightToAQuarter) {
  const auto histogram = std::make_unique<Histogram>();
  for (std::uint64_t value = 1; value <= 10'000; ++value) histogram->add(value);
  HistogramSum sum;
  sum.add(*histogram);
  EXPECT_EQ(sum.count(), 10'000u);
  EXPECT_EQ(sum.sum, 50'005'000u);
  for (const double share : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto shown = static_cast<double>(sum.quantile(share));
    EXPECT_GE(shown, share * 10'000) << share;
    EXPECT_LE(shown, share * 10'000 * 1.25) << share;
  }
}

TEST(Histogram, HasNoQuantilesWhereNothingWasSaid) {
  EXPECT_EQ(HistogramSum().quantile(0.99), 0u);
  EXPECT_EQ(HistogramSum().count(), 0u);
}

TEST(Histogram, SaysWhatHasComeSince) {
  const auto histogram = std::make_unique<Histogram>();
  histogram->add(10, 5);
  HistogramSum before, after;
  before.add(*histogram);
  histogram->add(1'000);
  after.add(*histogram);
  const HistogramSum since = after.since(before);
  EXPECT_EQ(since.count(), 1u);
  EXPECT_EQ(since.sum, 1'000u);
  EXPECT_EQ(since.quantile(0.5), 1'024u);
}

TEST(Histogram, WhatIsBeyondTheLastBoundCounts) {
  const auto histogram = std::make_unique<Histogram>();
  histogram->add(~std::uint64_t{0} / 2);
  HistogramSum sum;
  sum.add(*histogram);
  EXPECT_EQ(sum.count(), 1u);
  EXPECT_EQ(sum.quantile(0.5), last_bound);
}

}  // namespace
}  // namespace ringroom
