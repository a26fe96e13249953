#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "engine/bounds.h"
#include "engine/handler.h"

namespace ringroom::engine {

// Letters from one core to one other: a bounded queue with one writer and one reader, no locks.
//
//   | . . L L L L + + . . |     L published, + pushed in this turn
//         ^ head  ^ tail ^ end_
//
// What a turn pushes becomes visible at once with publish(): one store for the batch. The reader
// publishes its head once per batch too. Both remember where the other was when they last looked,
// so that the line of the other is read only when the queue seems full or empty.
//
// Owner:  push and publish: the writing core; drain: the reading core; empty: the reading core.
// Errors: push is false when the queue is full; the letter stays the caller's.
class Mailbox {
 public:
  bool push(Letter& letter) {
    if (end_ - head_seen_ == bounds::mailbox_letters) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (end_ - head_seen_ == bounds::mailbox_letters) return false;
    }
    letters_[end_ % bounds::mailbox_letters] = &letter;
    ++end_;
    return true;
  }
  void publish() { tail_.store(end_, std::memory_order_release); }

  bool empty() const { return tail_.load(std::memory_order_acquire) == next_; }

  // Appends all published letters.
  void drain(std::vector<Letter*>& out) {
    const std::uint32_t tail = tail_.load(std::memory_order_acquire);
    if (tail == next_) return;
    for (; next_ != tail; ++next_) out.push_back(letters_[next_ % bounds::mailbox_letters]);
    head_.store(next_, std::memory_order_release);
  }

 private:
  // Two lines apart, because the processor fetches lines in pairs.
  static constexpr std::size_t apart = 128;

  alignas(apart) std::atomic<std::uint32_t> tail_{0};  // written by the writer
  alignas(apart) std::atomic<std::uint32_t> head_{0};  // written by the reader
  alignas(apart) std::uint32_t end_ = 0;               // the writer's own
  std::uint32_t head_seen_ = 0;
  alignas(apart) std::uint32_t next_ = 0;  // the reader's own
  alignas(apart) std::array<Letter*, bounds::mailbox_letters> letters_{};
};

}  // namespace ringroom::engine
