#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "base/check.h"

namespace ringroom::load {

enum class Delivery : std::uint8_t { in_order, late, repeated };

// What one listener has had of one publisher: everything below `next`, except the `missing` ones;
// the last 64 one by one.
//
//             seen_: bit k is message next_ - 1 - k
//   ... ? ? ? 1 1 0 1 1 1 1 | next_
//                 ^ missing: came too late to be in order, if it comes at all
//
// A message that is more than 64 behind counts as repeated: it is out of order in any case.
class Trail {
 public:
  // `overtaken`, a sum over trails, is kept at what is missing in all of them.
  Delivery take(std::uint32_t sequence, std::uint64_t& overtaken) {
    if (sequence == next_) {
      seen_ = seen_ << 1 | 1;
      ++next_;
      return Delivery::in_order;
    }
    if (sequence > next_) {
      // The gap is noted as missing, the message itself came in order; what fills the gap is late.
      const std::uint32_t gap = sequence - next_;
      missing_ += gap;
      seen_ = (gap < 63 ? seen_ << (gap + 1) : 0) | 1;
      next_ = sequence + 1;
      overtaken += gap;
      return Delivery::in_order;
    }
    const std::uint32_t behind = next_ - 1 - sequence;
    const std::uint64_t bit = behind < 64 ? std::uint64_t{1} << behind : 0;
    if (bit == 0 || (seen_ & bit) != 0 || missing_ == 0) return Delivery::repeated;
    seen_ |= bit;
    --missing_;
    --overtaken;
    return Delivery::late;
  }

  std::uint64_t unique() const { return std::uint64_t{next_} - missing_; }
  std::uint64_t missing() const { return missing_; }  // of those below the highest

 private:
  std::uint32_t next_ = 0;
  std::uint32_t missing_ = 0;
  std::uint64_t seen_ = 0;
};

// The messages of one room in the order of the server's numbers: whoever hears number n must hear
// the same message, and each listener must hear n + 1 after n.
//
// Owner: one client thread, which hears the whole room. Only the last `window` numbers are kept.
class RoomOrder {
 public:
  struct Entry {
    std::uint64_t sequence = 0;
    std::uint32_t publisher = 0;
    std::uint32_t number = 0;
  };
  enum class Verdict : std::uint8_t { same, different, unknown };

  explicit RoomOrder(std::uint32_t window) : entries_(window) {
    RR_CHECK(std::has_single_bit(window));
  }

  Verdict compare(const Entry& heard) {
    Entry& held = entries_[heard.sequence & (entries_.size() - 1)];
    if (held.sequence > heard.sequence) return Verdict::unknown;  // overwritten since
    if (held.sequence < heard.sequence) held = heard;
    const bool same = held.publisher == heard.publisher && held.number == heard.number;
    return same ? Verdict::same : Verdict::different;
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace ringroom::load
