#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/counter.h"

namespace ringroom {

// How values are spread, in buckets whose bounds are fixed: four to each doubling, so that a
// quantile is known to a fifth of its value, whatever it is. A bucket holds what is at most its
// bound and more than the one before it.
//
//   bounds   1 2 3 4 | 5 6 7 8 | 10 12 14 16 | 20 24 28 32 | ... | ... 2^40     then: everything
//
// Written by one thread, read by any, as Counter is: a value costs two plain stores, no allocation
// and no locked instruction.
class Histogram {
 public:
  static constexpr std::size_t per_doubling = 4;
  static constexpr std::size_t doublings = 40;
  static constexpr std::size_t bucket_count = per_doubling * (doublings - 1) + 1;

  // The same value `times` times.
  void add(std::uint64_t value, std::uint64_t times = 1) {
    buckets_[bucket_of(value)].add(times);
    sum_.add(value * times);
  }

  std::uint64_t bucket(std::size_t index) const { return buckets_[index].read(); }
  std::uint64_t sum() const { return sum_.read(); }

  static constexpr std::size_t bucket_of(std::uint64_t value) {
    const std::uint64_t below = value == 0 ? 0 : value - 1;
    if (below < per_doubling) return static_cast<std::size_t>(below);
    const auto doubling = static_cast<std::size_t>(std::bit_width(below)) - 1;
    if (doubling >= doublings) return bucket_count - 1;
    return per_doubling * (doubling - 1) + ((below >> (doubling - 2)) & (per_doubling - 1));
  }
  // Of all buckets but the last, which has none.
  static constexpr std::uint64_t bound_of(std::size_t bucket) {
    if (bucket < per_doubling) return bucket + 1;
    const std::size_t doubling = bucket / per_doubling + 1;
    return (per_doubling + bucket % per_doubling + 1) << (doubling - 2);
  }
  // The bucket whose bound is that power of two.
  static constexpr std::size_t bucket_at(std::size_t power_of_two) {
    return bucket_of(std::uint64_t{1} << power_of_two);
  }

 private:
  std::array<Counter, bucket_count> buckets_;
  Counter sum_;
};
static_assert(Histogram::bound_of(Histogram::bucket_at(0)) == 1 &&
              Histogram::bound_of(Histogram::bucket_at(20)) == 1u << 20);

// The sum of the histograms of several threads. A plain value.
struct HistogramSum {
  std::array<std::uint64_t, Histogram::bucket_count> buckets{};
  std::uint64_t sum = 0;

  void add(const Histogram& one) {
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += one.bucket(i);
    sum += one.sum();
  }
  // What has come since an earlier sum of the same.
  HistogramSum since(const HistogramSum& before) const {
    HistogramSum out = *this;
    for (std::size_t i = 0; i < buckets.size(); ++i) out.buckets[i] -= before.buckets[i];
    out.sum -= before.sum;
    return out;
  }
  std::uint64_t count() const {
    std::uint64_t out = 0;
    for (const std::uint64_t bucket : buckets) out += bucket;
    return out;
  }
  // The bound below which that share of the values lies; 0 if there are none. What is beyond the
  // last bound counts as there.
  std::uint64_t quantile(double share) const {
    const std::uint64_t all = count();
    if (all == 0) return 0;
    const double wanted = share * static_cast<double>(all);
    std::uint64_t passed = 0;
    for (std::size_t i = 0; i + 1 < buckets.size(); ++i) {
      passed += buckets[i];
      if (passed > 0 && static_cast<double>(passed) >= wanted) return Histogram::bound_of(i);
    }
    return Histogram::bound_of(Histogram::bucket_count - 2);
  }
};

// One row of a layer's counters.h: enough for metrics to print it. Of the bounds, the powers of two
// from 2^first to 2^last are shown.
template <class Counters>
struct HistogramRow {
  std::string_view name;   // Prometheus name, without the `ringroom_` prefix
  std::string_view label;  // `name="value"`; empty: none
  std::string_view help;
  Histogram Counters::*field;
  bool is_time;  // in microseconds, shown in seconds
  std::uint8_t first, last;
};

}  // namespace ringroom
