#include "tools/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ringroom::load {

std::size_t Histogram::bucket_of(std::uint64_t value) {
  const std::uint64_t held = std::min(value, (std::uint64_t{1} << value_bits_max) - 1);
  const unsigned bits = static_cast<unsigned>(std::bit_width(held));
  const unsigned shift = bits > exact_bits ? bits - exact_bits : 0;
  return shift * half + static_cast<std::size_t>(held >> shift);
}

std::uint64_t Histogram::upper_edge(std::size_t bucket) {
  if (bucket < 2 * half) return bucket;
  const std::size_t shift = bucket / half - 1;
  const std::uint64_t top = bucket % half + half;
  return ((top + 1) << shift) - 1;
}

void Histogram::record(std::uint64_t value) {
  counts_[bucket_of(value)].add();
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < buckets; ++i) counts_[i].add(other.counts_[i].read());
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

Histogram& Histogram::operator=(const Histogram& other) {
  if (this == &other) return *this;
  for (std::size_t i = 0; i < buckets; ++i) counts_[i].set(other.counts_[i].read());
  max_ = other.max_;
  sum_ = other.sum_;
  return *this;
}

void Histogram::merge_live(const Histogram& other) {
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::uint64_t count = other.counts_[i].read();
    if (count == 0) continue;
    counts_[i].add(count);
    max_ = std::max(max_, upper_edge(i));
    sum_ += static_cast<double>(count) * static_cast<double>(upper_edge(i));
  }
}

void Histogram::subtract(const Histogram& earlier) {
  max_ = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::uint64_t count = earlier.counts_[i].read();
    counts_[i].subtract(count);
    sum_ -= static_cast<double>(count) * static_cast<double>(upper_edge(i));
    if (counts_[i].read() > 0) max_ = upper_edge(i);
  }
}

std::uint64_t Histogram::count() const {
  std::uint64_t total = 0;
  for (const Counter& bucket : counts_) total += bucket.read();
  return total;
}

double Histogram::mean() const {
  const std::uint64_t total = count();
  return total == 0 ? 0 : sum_ / static_cast<double>(total);
}

std::uint64_t Histogram::at(double quantile) const {
  const std::uint64_t total = count();
  if (total == 0) return 0;
  const double wanted = std::ceil(quantile * static_cast<double>(total));
  const std::uint64_t rank =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, total);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    seen += counts_[i].read();
    if (seen >= rank) return i + 1 == buckets ? max_ : std::min(upper_edge(i), max_);
  }
  return max_;
}

}  // namespace ringroom::load
