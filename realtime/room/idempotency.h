#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "realtime/ring_buffer.h"
#include "realtime/room/message_id.h"

namespace ringroom::realtime {

// The message ids that a room knows again (R7): a publish that is sent twice, because its answer
// was lost with the connection, is stored once and answered twice with the same sequence.
//
//   entries   oldest first, at most `count` of them, none older than `age`
//   index     open addressing over the entries, so that a publish costs a look and no allocation
//
// A key is a hash with the process's secret seed of sender and message id: nobody outside can make
// two that collide, and by chance two of a full window do so once in 10^13 publishes.
//
// Owner: the room.
class Idempotency {
 public:
  struct Known {
    std::uint64_t key = 0;
    std::uint64_t sequence = 0;
    std::uint64_t at_ms = 0;
    MessageId id{};
  };
  Idempotency(std::uint64_t count_max, std::uint64_t age_ms)
      : count_max_(count_max), age_ms_(age_ms) {}

  // nullptr: not seen in the window.
  const Known* find(std::uint64_t key, std::uint64_t now_ms);
  // `known.key` is not known. With a full window the oldest goes.
  void add(const Known& known);

  std::size_t size() const { return entries_.size(); }
  // Of the window and its index, as they stand.
  std::size_t memory_bytes() const {
    return entries_.capacity() * sizeof(Known) + index_.capacity() * sizeof(std::uint32_t);
  }
  void clear();

 private:
  static constexpr std::uint32_t vacant = 0;  // positions are kept plus one

  void expire(std::uint64_t now_ms);
  void forget_oldest();
  void rebuild();
  std::size_t home_of(std::uint64_t key) const { return key & (index_.size() - 1); }

  std::uint64_t count_max_;
  std::uint64_t age_ms_;
  RingBuffer<Known> entries_;
  std::vector<std::uint32_t> index_;  // a power of two, at most half full
};

}  // namespace ringroom::realtime
