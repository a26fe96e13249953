#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ringroom::realtime {

// What one key has spent of a limit: a few words that any core changes at any time, without a lock.
// Refusing only reads, so who floods does not even take the line away from the other cores.
//
// Clock: the caller's, monotonic, in ms. Cores may be some ms apart: who is behind is refused
// sooner, nobody later.

// A bucket that fills at a steady rate, as the time at which it will be full again (GCRA).
struct Bucket {
  struct Shape {
    std::uint64_t cost_ns;   // until one flows back
    std::uint64_t burst_ns;  // of all that may be taken at once
  };

  // 0: taken; otherwise the ms after which one can be.
  std::uint64_t take(const Shape& shape, std::uint64_t now_ms) {
    const std::uint64_t now_ns = now_ms * 1'000'000;
    std::uint64_t full_at_ns = full_at_ns_.load(std::memory_order_relaxed);
    for (;;) {
      const std::uint64_t next_ns = std::max(full_at_ns, now_ns) + shape.cost_ns;
      if (next_ns - now_ns > shape.burst_ns)
        return (next_ns - now_ns - shape.burst_ns + 999'999) / 1'000'000;
      if (full_at_ns_.compare_exchange_weak(full_at_ns, next_ns, std::memory_order_relaxed))
        return 0;
    }
  }
  void give_back(const Shape& shape, std::uint64_t) {
    full_at_ns_.fetch_sub(shape.cost_ns, std::memory_order_relaxed);
  }
  // How much is missing; 0: as good as new.
  std::uint64_t spent(const Shape&, std::uint64_t now_ms) const {
    const std::uint64_t now_ns = now_ms * 1'000'000;
    return std::max(full_at_ns_.load(std::memory_order_relaxed), now_ns) - now_ns;
  }
  void reset() { full_at_ns_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> full_at_ns_{0};
};

// Never more than `count` in any stretch of 15 slots, which is the window: what was taken is
// counted by slot, and the slot that is ending counts whole. So what was taken is forgotten a slot
// late.
//
//   | 3 | 0 | 5 | ... | 2 | 1 |     16 words of (number of the slot, taken in it)
//                           ^ now
struct Window {
  static constexpr std::size_t slots = 16;
  struct Shape {
    std::uint64_t slot_ms;
    std::uint32_t count;
  };

  std::uint64_t take(const Shape& shape, std::uint64_t now_ms) {
    const auto now = static_cast<std::uint32_t>(now_ms / shape.slot_ms);
    if (sum(now) >= shape.count) return wait_ms(shape, now_ms);
    std::atomic<std::uint64_t>& word = words_[now % slots];
    std::uint64_t old = word.load(std::memory_order_seq_cst);
    while (!word.compare_exchange_weak(old, is_live(old, now) ? old + 1 : first(now) + 1,
                                       std::memory_order_seq_cst)) {
    }
    // Two cores may have seen the same last place: each has said so before it looks again.
    if (sum(now) <= shape.count) return 0;
    word.fetch_sub(1, std::memory_order_seq_cst);
    return wait_ms(shape, now_ms);
  }
  void give_back(const Shape& shape, std::uint64_t now_ms) {
    words_[now_ms / shape.slot_ms % slots].fetch_sub(1, std::memory_order_seq_cst);
  }
  std::uint64_t spent(const Shape& shape, std::uint64_t now_ms) const {
    return sum(static_cast<std::uint32_t>(now_ms / shape.slot_ms));
  }
  void reset() {
    for (auto& word : words_) word.store(0, std::memory_order_relaxed);
  }

 private:
  // Numbers of slots wrap around; their differences do not.
  static std::int32_t age_of(std::uint64_t word, std::uint32_t now) {
    return static_cast<std::int32_t>(now - static_cast<std::uint32_t>(word >> 32));
  }
  static bool is_live(std::uint64_t word, std::uint32_t now) {
    return age_of(word, now) < static_cast<std::int32_t>(slots);
  }
  static std::uint64_t first(std::uint32_t now) { return std::uint64_t(now) << 32; }

  std::uint64_t sum(std::uint32_t now) const {
    std::uint64_t out = 0;
    for (const auto& each : words_) {
      const std::uint64_t word = each.load(std::memory_order_seq_cst);
      if (is_live(word, now)) out += static_cast<std::uint32_t>(word);
    }
    return out;
  }
  // Until the oldest that counts is forgotten.
  std::uint64_t wait_ms(const Shape& shape, std::uint64_t now_ms) const {
    const auto now = static_cast<std::uint32_t>(now_ms / shape.slot_ms);
    std::int32_t oldest = 0;
    for (const auto& each : words_) {
      const std::uint64_t word = each.load(std::memory_order_relaxed);
      if (static_cast<std::uint32_t>(word) != 0 && is_live(word, now))
        oldest = std::max(oldest, age_of(word, now));
    }
    const auto left = static_cast<std::uint64_t>(static_cast<std::int32_t>(slots) - oldest);
    return left * shape.slot_ms - now_ms % shape.slot_ms;
  }

  std::array<std::atomic<std::uint64_t>, slots> words_{};
};

}  // namespace ringroom::realtime
