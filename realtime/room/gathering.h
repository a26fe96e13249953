#pragma once

#include <cstdint>

#include "realtime/connection_id.h"

namespace ringroom::realtime {

// Whether a room that has something to say waits a moment for more.
//
// A listener costs a send, whatever is in it. In a large room where many speak, those who heard the
// last batch are about to answer it, but the kernel and they need a moment: a batch that goes out
// as soon as the last one is out finds half of them, and so does the next one, for ever. Here a
// batch waits for those who spoke in the last two, until they have all spoken, but not longer than
// twice what handing out the last one took, nor wait_max_us. Where that gathers nothing (they speak
// when they like, not when they are spoken to) the room does not wait again for up to 256 batches.
//
// A batch that does not follow closely on another never waits, nor one that has the same speakers
// as those before it: one publisher, or a question and an answer, know nothing of this.
//
// Pure: times come from the caller, in microseconds of one monotonic clock.
//
// Owner: a room with at least `listeners_min` listeners.
class Gathering {
 public:
  static constexpr std::uint32_t listeners_min = 64;  // fewer sends are not worth a sleep
  static constexpr std::uint64_t send_us = 3;         // what handing out costs for each listener
  static constexpr std::uint64_t wait_max_us = 2'000;

  // Somebody speaks. Speakers are told apart by 6 bits: some of many count as one, which only makes
  // the wait shorter.
  void heard(const ConnectionId& speaker) {
    speakers_ |= std::uint64_t{1} << ((speaker.slot + 7u * speaker.core) & 63u);
  }
  // Whether the batch is better not sent yet.
  bool waits(std::uint64_t now_us, std::uint32_t listeners);
  // It is sent.
  void sent(std::uint64_t now_us);

  // While it waits: until when at most, and for how many.
  std::uint64_t until_us() const { return until_us_; }
  std::uint32_t missing() const;

 private:
  std::uint64_t speakers_ = 0;        // of this batch
  std::uint64_t recent_[2] = {0, 0};  // of the last two
  std::uint64_t sent_us_ = 0;
  std::uint64_t until_us_ = 0;    // 0: it has not waited
  std::uint32_t began_with_ = 0;  // speakers, when the wait began
  std::uint8_t skip_ = 0;         // batches that do not wait after a wait in vain
  std::uint8_t skip_left_ = 0;
};

}  // namespace ringroom::realtime
