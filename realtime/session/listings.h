#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/command.h"
#include "realtime/letters.h"

namespace ringroom::realtime {

class Shard;

// Lists of rooms, gathered from all cores for one client or one HTTP request.
//
//   begin() --ListRooms--> every core --RoomDescribed, RoomsListed--> receive() --> the asker
//
// What a client sees are rooms of its workspace that it may join and that are public or its own; a
// backend sees all of the workspace.
//
// Owner:  the asker's core. Bounded: a connection has one list under way at a time.
class Listings {
 public:
  explicit Listings(Shard& shard) : shard_(shard) {}

  struct Request {
    Asker asker;
    std::string_view correlation_id;
    Workspace workspace;
    std::string_view prefix;
    std::string_view after;  // names behind this one; empty: from the first on
    std::uint32_t limit;
  };
  // False: the connection's last list is not complete yet.
  bool begin(const Request& request);
  void receive(const RoomDescribed& room);
  void receive(const RoomsListed& end);

 private:
  struct Kept {
    std::string room, owner, metadata, epoch;
    proto::RoomDescription description;  // its texts point into these once all are here
  };
  struct Listing {
    Asker asker;
    std::string correlation_id;
    std::uint32_t limit;
    std::uint32_t waiting;  // cores that have not said all
    std::vector<Kept> rooms;
  };
  bool may_see(const Listing& listing, const RoomDescribed& room) const;
  void finish(Listing& listing);

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Listing> listings_;
};

proto::RoomDescription description_of(const RoomDescribed& room);

}  // namespace ringroom::realtime
