#include "tools/load/series.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

namespace ringroom::load {
namespace {

// Second k has k + 1 deliveries, one latency of (k + 1) ms, and so on.
Interval second(std::uint64_t k, double long_s = 1) {
  Interval piece;
  piece.long_s = long_s;
  piece.messages = k + 1;
  piece.deliveries = k + 1;
  piece.server_cpu_ns = 10 * (k + 1);
  piece.load_cpu_ns = 20;
  piece.closed = k == 2 ? 1 : 0;
  piece.latency.record((k + 1) * 1'000'000);
  return piece;
}

std::unique_ptr<Series> series_of(std::size_t seconds, std::size_t points_max) {
  auto series = std::make_unique<Series>(points_max);
  for (std::size_t k = 0; k < seconds; ++k) series->add(second(k));
  return series;
}

TEST(Series, KeepsEverySecondOfAShortRun) {
  const auto series = series_of(10, 10);
  ASSERT_EQ(series->points().size(), 10u);
  for (std::uint64_t k = 0; k < 10; ++k) {
    const Interval& point = series->points()[k];
    EXPECT_DOUBLE_EQ(point.begin_s, static_cast<double>(k));
    EXPECT_DOUBLE_EQ(point.end_s(), static_cast<double>(k + 1));
    EXPECT_EQ(point.deliveries, k + 1);
  }
}

TEST(Series, JoinsNeighboursOfALongRunWithoutLosingAnything) {
  for (const std::size_t points_max : {2u, 3u, 5u, 8u}) {
    for (std::size_t seconds = 1; seconds < 100; ++seconds) {
      const auto series = series_of(seconds, points_max);
      const auto points = series->points();
      ASSERT_LE(points.size(), points_max);
      ASSERT_GE(2 * points.size() + 1, seconds < points_max ? seconds : points_max);
      std::uint64_t deliveries = 0;
      double end_s = 0;
      for (const Interval& point : points) {
        ASSERT_DOUBLE_EQ(point.begin_s, end_s);
        end_s = point.end_s();
        deliveries += point.deliveries;
        // All but the last are equally long.
        const bool last = &point == &points.back();
        ASSERT_TRUE(last || point.long_s == points[0].long_s);
        ASSERT_LE(point.long_s, points[0].long_s);
        ASSERT_EQ(point.latency.count(), static_cast<std::uint64_t>(point.long_s));
        ASSERT_EQ(point.latency.max(), static_cast<std::uint64_t>(end_s) * 1'000'000);
        ASSERT_EQ(*point.server_cpu_ns, 10 * point.deliveries);
      }
      ASSERT_DOUBLE_EQ(end_s, static_cast<double>(seconds));
      ASSERT_EQ(deliveries, seconds * (seconds + 1) / 2);
    }
  }
}

TEST(Series, AddsAShortRestToTheSecondBefore) {
  const auto series = series_of(3, 10);
  series->add(second(3, 0.25));
  ASSERT_EQ(series->points().size(), 3u);
  EXPECT_DOUBLE_EQ(series->points()[2].long_s, 1.25);
  EXPECT_EQ(series->points()[2].deliveries, 3u + 4u);
  series->add(second(4, 0.5));
  EXPECT_EQ(series->points().size(), 4u);
  Series brief;
  brief.add(second(0, 0.1));
  EXPECT_EQ(brief.points().size(), 1u);
}

TEST(Series, DoesNotMakeUpWhatWasNotReadEverySecond) {
  Series series(2);
  for (std::uint64_t k = 0; k < 4; ++k) {
    Interval piece = second(k);
    if (k == 1) piece.server_cpu_ns.reset();
    series.add(piece);
  }
  EXPECT_FALSE(series.points()[0].server_cpu_ns.has_value());
  EXPECT_TRUE(series.points()[1].server_cpu_ns.has_value());
}

TEST(Interval, IsTheDifferenceOfTwoReadings) {
  const auto from = std::make_unique<Reading>();
  const auto until = std::make_unique<Reading>();
  const auto live = std::make_unique<Histogram>();
  live->record(100);
  from->at_ns = 1'000'000'000;
  from->deliveries = 50;
  from->server = ProcessCpu{.run_ns = 5, .waited_ns = 1, .threads = 1};
  from->latency.merge_live(*live);
  live->record(200);
  *until = *from;
  until->at_ns = 1'500'000'000;
  until->deliveries = 80;
  until->server = ProcessCpu{.run_ns = 305, .waited_ns = 1, .threads = 1};
  until->latency = Histogram();
  until->latency.merge_live(*live);
  const Interval interval = between(*from, *until);
  EXPECT_DOUBLE_EQ(interval.per_s(interval.deliveries), 60);
  EXPECT_EQ(interval.latency.at(0.5), 200u);
  EXPECT_EQ(interval.latency.count(), 1u);
  Scenario echo;
  EXPECT_DOUBLE_EQ(*server_cpu_us(echo, interval), 0.01);
  until->server->run_ns = 4;  // a thread of the server ended
  EXPECT_FALSE(between(*from, *until).server_cpu_ns.has_value());
}

}  // namespace
}  // namespace ringroom::load
