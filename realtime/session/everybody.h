#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "realtime/letters.h"
#include "realtime/session/dialects.h"

namespace ringroom::realtime {

class Shard;

// Messages for everybody of a workspace who is connected to this core: to a share of them in each
// turn, so that a million of them hold up nobody.
//
//   ToEverybody --> walk(), by slot --> RoomsReached, once all of this core have it
//
// A connection keeps its slot as long as it lives, so who is there all the while gets it exactly
// once. Messages go in the order they came, one after the other.
//
// Owner: one core. Bounded: by bounds::broadcasts_max of each core that asks.
class Everybody {
 public:
  explicit Everybody(Shard& shard) : shard_(shard) {}

  void receive(const ToEverybody& item);
  // This turn's share.
  void walk();
  bool has_more() const { return !walks_.empty(); }  // the next turn must not wait

 private:
  struct Walk {
    ConnectionId to;
    std::uint32_t number;
    OwnedWorkspace workspace;
    ConnectionId exclude;
    std::uint64_t permission;
    Dialects::Told message;
    std::uint32_t slot = 0;  // the next
  };
  bool is_meant(const Walk& walk, const Session& session) const;
  // True: all of this core have it.
  bool go_on(Walk& walk, std::size_t& looks, std::size_t& sends);

  Shard& shard_;
  std::deque<std::unique_ptr<Walk>> walks_;  // the first is under way
};

}  // namespace ringroom::realtime
