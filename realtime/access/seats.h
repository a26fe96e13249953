#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "realtime/connection_id.h"

namespace ringroom::realtime {

// Places that take one connection each: a user's place on this server, a user's place in a room.
//
// Owner: the core where it is decided, home of the user or of the room. Whatever is asked on
// several
//        cores at one moment comes there one behind the other, so there is always one holder.
class Seats {
 public:
  struct Holder {
    ConnectionId connection;
    std::uint32_t ticket;  // of the join it took the place with; in a place without joins 0
    bool operator==(const Holder&) const = default;
  };

  // nullptr: the place is free.
  const Holder* find(std::uint64_t key) const {
    const auto found = holders_.find(key);
    return found == holders_.end() ? nullptr : &found->second;
  }
  void give(std::uint64_t key, const Holder& holder) { holders_.insert_or_assign(key, holder); }
  // One whose place went to another has none to leave.
  void leave(std::uint64_t key, const Holder& holder) {
    const auto found = holders_.find(key);
    if (found != holders_.end() && found->second == holder) holders_.erase(found);
  }
  std::size_t size() const { return holders_.size(); }

 private:
  std::unordered_map<std::uint64_t, Holder> holders_;
};

}  // namespace ringroom::realtime
