#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time_zone.h"
#include "realtime/room/history.h"

namespace ringroom::realtime {

// What waits for a user (R13): the history of the room `user:<id>`, which ends where the user has
// acknowledged it. This holds the one position that a history lacks.
//
//   sequence   1 ... acknowledged | dropped ... | kept ... last
//                                               ^ a returning user goes on behind this position
//
// Dropped is what passed a bound of the history before it was acknowledged.
//
// Owner: the room. `last` is the room's last sequence, and all up to it is in the history or was.
class OfflineQueue {
 public:
  // Everything up to `sequence`, which is at most `last`, has arrived; less than before changes
  // nothing.
  void acknowledge(History& kept, std::uint64_t sequence) {
    acknowledged_ = std::max(acknowledged_, sequence);
    kept.forget_until(acknowledged_);
  }
  std::uint64_t acknowledged() const { return acknowledged_; }

  // Behind it is all that is kept, and nothing else.
  std::uint64_t position(const History& kept, std::uint64_t last) const {
    const std::uint64_t oldest = kept.oldest().value_or(last + 1);
    return std::max(acknowledged_, oldest - 1);
  }
  std::uint64_t dropped(const History& kept, std::uint64_t last) const {
    return position(kept, last) - acknowledged_;
  }
  // Of those how many there are since this was asked last. To be asked before acknowledge().
  std::uint64_t newly_dropped(const History& kept, std::uint64_t last) {
    const std::uint64_t from = std::max(acknowledged_, counted_);
    counted_ = position(kept, last);
    return counted_ - from;
  }

  std::optional<TimeZone> zone;  // of the user, as the last connection said

  // The numbering begins anew.
  void clear() { acknowledged_ = counted_ = 0; }

 private:
  std::uint64_t acknowledged_ = 0;
  std::uint64_t counted_ = 0;
};

}  // namespace ringroom::realtime
