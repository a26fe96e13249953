#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/counter.h"

namespace ringroom::load {

// Latencies in nanoseconds, counted in buckets whose width grows with the value: exact below 256
// ns, then never wider than 1/128 of the value. Recording is a shift and an increment.
//
//   value   0 .. 255  256 .. 511  512 .. 1023  ...  2^39 .. 2^40 - 1   (18 minutes)
//   width       1         2           4                2^32
//   buckets   256       128         128                128
//
// Owner:  the thread that records; merged by the coordinator after that thread has ended. Meanwhile
//         others may see what it holds with merge_live(): the buckets are counts of one writer.
// Errors: none; values above the last bucket are counted in it, and max() stays exact.
class Histogram {
 public:
  Histogram() = default;
  Histogram(const Histogram& other) { merge(other); }
  Histogram& operator=(const Histogram& other);

  void record(std::uint64_t value);
  void merge(const Histogram& other);

  // The same while the owner of `other` goes on recording; and what has come since an earlier such
  // look at it. Of these max() and mean() are as exact as the buckets.
  void merge_live(const Histogram& other);
  void subtract(const Histogram& earlier);

  std::uint64_t count() const;  // adds up all buckets, so that record() need not
  std::uint64_t max() const { return max_; }
  double mean() const;

  // The value that `quantile` (0..1) of the records do not exceed: the upper edge of its bucket, so
  // that a reading is never better than the truth. 0 when nothing was recorded.
  std::uint64_t at(double quantile) const;

 private:
  static constexpr unsigned exact_bits = 8;
  static constexpr unsigned value_bits_max = 40;
  static constexpr std::size_t half = 1u << (exact_bits - 1);
  static constexpr std::size_t buckets = half * (value_bits_max - exact_bits + 2);

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t upper_edge(std::size_t bucket);

  std::array<Counter, buckets> counts_;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace ringroom::load
