#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ringroom::realtime {

// A UUID as two words, and its 36 characters.
struct MessageId {
  std::uint64_t high = 0, low = 0;

  using Text = std::array<char, 36>;
  Text text() const {
    Text text;
    char* out = text.data();
    for (int digit = 0; digit < 32; ++digit) {
      if (digit == 8 || digit == 12 || digit == 16 || digit == 20) *out++ = '-';
      const std::uint64_t word = digit < 16 ? high : low;
      *out++ = "0123456789abcdef"[word >> (60 - 4 * (digit % 16)) & 0xf];
    }
    return text;
  }
};

// Message ids: UUID version 7 (RFC 9562, 5.7), 48 bits of milliseconds, then 12 bits that count
// within the millisecond and 62 bits of a generator that was seeded from the system's randomness.
// They name messages; they are no secret.
//
// Owner: one core.
class MessageIds {
 public:
  explicit MessageIds(std::uint64_t seed) : state_(seed) {}

  MessageId next(std::uint64_t wall_ms) {
    count_ = wall_ms == last_ms_ ? count_ + 1 : 0;
    last_ms_ = wall_ms;
    return {.high = wall_ms << 16 | 0x7000 | (count_ & 0xfff),
            .low = (random() & 0x3fff'ffff'ffff'ffff) | 0x8000'0000'0000'0000};
  }

  // splitmix64: one word per id is enough, and it has no state to share.
  std::uint64_t random() {
    std::uint64_t word = state_ += 0x9e3779b97f4a7c15;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
  }

 private:
  std::uint64_t state_;
  std::uint64_t last_ms_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace ringroom::realtime
