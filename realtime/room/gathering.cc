#include "realtime/room/gathering.h"

#include <algorithm>
#include <bit>

namespace ringroom::realtime {

std::uint32_t Gathering::missing() const {
  return static_cast<std::uint32_t>(std::popcount((recent_[0] | recent_[1]) & ~speakers_));
}

bool Gathering::waits(std::uint64_t now_us, std::uint32_t listeners) {
  // The last of many may have nothing to say.
  const auto expected = static_cast<std::uint32_t>(std::popcount(recent_[0] | recent_[1]));
  if (missing() * 8 <= expected) return false;
  if (until_us_ != 0) return now_us < until_us_;
  const std::uint64_t service_us = listeners * send_us;
  const std::uint64_t until_us = sent_us_ + service_us + std::min(2 * service_us, wait_max_us);
  if (now_us >= until_us) return false;
  if (skip_left_ > 0) return false;
  until_us_ = until_us;
  began_with_ = static_cast<std::uint32_t>(std::popcount(speakers_));
  return true;
}

void Gathering::sent(std::uint64_t now_us) {
  if (until_us_ != 0) {
    const auto ended_with = static_cast<std::uint32_t>(std::popcount(speakers_));
    const bool was_worth_it = ended_with * 4 >= began_with_ * 5;
    skip_ = was_worth_it ? 0 : static_cast<std::uint8_t>(std::min(2 * skip_ + 1, 255));
    skip_left_ = skip_;
  } else if (skip_left_ > 0) {
    --skip_left_;
  }
  recent_[1] = recent_[0];
  recent_[0] = speakers_;
  speakers_ = 0;
  sent_us_ = now_us;
  until_us_ = 0;
}

}  // namespace ringroom::realtime
