#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/letters/publication.h"

namespace ringroom::realtime {

// What is true only now (R8): who is typing, where a cursor is. Of each sender and type only the
// newest waits for the next batch; nothing of it is numbered, remembered, or queued for a listener
// that does not keep up.
//
// Owner:  the room. Bounded by `pending_max` senders and types; what is beyond is refused.
// Memory: slots and their texts are used again, so a room whose cursors move all the time
//         allocates nothing.
class Ephemerals {
 public:
  struct Pending {
    std::uint64_t key = 0;  // hash of type and sender, and who may hear it
    ConnectionId from{};
    ConnectionId exclude{};
    std::uint64_t permission = no_permission;
    PayloadKind kind = PayloadKind::json;
    std::string type, sender, message_id, payload;
  };
  enum class Put : std::uint8_t { added, replaced, full };

  static constexpr std::size_t pending_max = 4096;

  Put put(std::uint64_t key, const Publish& publish);
  std::span<const Pending> pending() const { return std::span(slots_).first(count_); }
  bool empty() const { return count_ == 0; }
  // They are in a batch; the next ones may go at `next_ms`.
  void sent(std::uint64_t next_ms) {
    count_ = 0;
    next_ms_ = next_ms;
  }
  std::uint64_t next_ms() const { return next_ms_; }

 private:
  std::vector<Pending> slots_;  // the first count_ are in use
  std::size_t count_ = 0;
  std::uint64_t next_ms_ = 0;
};

}  // namespace ringroom::realtime
