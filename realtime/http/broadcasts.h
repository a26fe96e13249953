#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "alloc/block.h"
#include "realtime/letters/reach.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// One message for many (R2), for one HTTP request: rooms by name or pattern, users, connections, or
// everybody.
//
//   begin() --ReachRooms--> homes of the rooms --RoomsReached--> receive(): the answer, with counts
//           --ToEverybody--> every core       --RoomsReached-->
//           --ToUsers, ToConnection-->
//
// Owner:  the asker's core. Bounded: `bounds::broadcasts_max` of a core are under way at a time.
class Broadcasts {
 public:
  explicit Broadcasts(Shard& shard);

  struct Request {
    Workspace workspace;  // nobody outside hears it
    std::string_view type;
    std::string_view payload;
    std::span<const std::string_view> rooms;  // names and patterns
    std::span<const std::string_view> users;
    std::span<const ConnectionId> connections;
    bool everybody;
    ConnectionId exclude;  // must not hear it; or `nobody`
    // In rooms.
    std::optional<proto::Priority> priority;
    std::uint8_t quiet_hours;  // as Publish has it
    std::uint64_t permission;  // that is required of whoever hears it
  };
  // The request waits for its answer, or is refused.
  void begin(Session& session, const Request& request);
  void receive(const RoomsReached& reached);

 private:
  struct Counts {
    std::uint64_t rooms = 0, rooms_refused = 0, users = 0, connections = 0;
    bool everybody = false;
  };
  struct Broadcast {
    Asker asker;
    std::size_t waiting;  // cores that have not answered
    Counts counts;
  };
  void tell(const Request& request, std::string_view users, const ConnectionId& to,
            std::uint32_t number);
  std::string_view write(const Counts& counts);  // until the next call

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Broadcast> broadcasts_;
  alloc::BlockBuilder frame_, body_;
};

}  // namespace ringroom::realtime
