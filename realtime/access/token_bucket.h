#pragma once

#include <algorithm>
#include <cstdint>

namespace ringroom::realtime {

// How many may come in per second (C7), on one core: a bucket that fills at the rate of the core's
// share, and of which the last part is kept for those who come back.
//
//   |<------------ burst: 1/8 s of the rate ------------>|
//   |  reserve: returning only  |   anybody              |
//
// As long as some who return want in, the bucket stays at the reserve and strangers wait: resume
// first. Who is refused is promised a place at the rate, one after the other, so that a storm that
// is turned away does not come back as a storm.
//
// Pure: the clock is the caller's.
class TokenBucket {
 public:
  enum class Who : std::uint8_t { stranger, returning };

  // The process' limit, of which each core has its share; 0: no limit.
  TokenBucket(std::uint64_t per_second, std::uint32_t cores)
      : units_per_ms_(per_second == 0 ? 0 : std::max<std::uint64_t>(1, per_second * 1'000 / cores)),
        burst_(std::max(2 * token, 125 * units_per_ms_)),
        reserve_(std::max(token, burst_ / 4)),
        units_(burst_) {}

  // 0: come in. Otherwise the milliseconds after which to ask again.
  std::uint64_t take(std::uint64_t now_ms, Who who) {
    if (units_per_ms_ == 0) return 0;
    fill(now_ms);
    const bool returns = who == Who::returning;
    if (units_ >= token + (returns ? 0 : reserve_)) {
      units_ -= token;
      return 0;
    }
    return promise(now_ms, returns);
  }

  static constexpr std::uint64_t promise_ms_max = 30'000;

 private:
  static constexpr std::uint64_t token = 1'000'000;

  void fill(std::uint64_t now_ms) {
    // Full long before that; the bound keeps the product in 64 bits.
    const std::uint64_t elapsed_ms = std::min<std::uint64_t>(now_ms - filled_ms_, 10'000'000);
    filled_ms_ = now_ms;
    units_ = std::min(burst_, units_ + elapsed_ms * units_per_ms_);
  }

  std::uint64_t promise(std::uint64_t now_ms, bool returns) {
    const std::uint64_t now_us = now_ms * 1'000;
    std::uint64_t& last_us = returns ? returning_us_ : stranger_us_;
    last_us = std::max({last_us, returning_us_, now_us}) + 1'000 * token / units_per_ms_;
    last_us = std::min(last_us, now_us + promise_ms_max * 1'000);
    return (last_us - now_us + 999) / 1'000;
  }

  std::uint64_t units_per_ms_;
  std::uint64_t burst_, reserve_, units_;
  std::uint64_t filled_ms_ = 0;
  std::uint64_t returning_us_ = 0, stranger_us_ = 0;  // the last places promised
};

}  // namespace ringroom::realtime
