#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "realtime/letters/reach.h"
#include "realtime/room/pattern_table.h"
#include "realtime/room/room_roll.h"

namespace ringroom::realtime {

class Shard;

// What concerns many rooms of this core at once (R2): a publication for all that match a pattern,
// and one who listens to all that match.
//
//   ReachRooms  --> rooms by name at once; by pattern, walk --> RoomsReached
//   JoinPattern --> PatternTable, walk: into each room that is there  --> PatternKnown
//                   welcome(): into each that comes to be, before anything is said in it
//
// A walk looks at a share of the rooms in each turn, so that a million of them delay nobody. Walks
// are worked off in the order they came: two publications of one backend reach each room in theirs.
//
// Owner: the home core of the rooms. Bounded: by `bounds::broadcasts_max` of each core that asks,
//        and by `patterns-max`.
class Reach {
 public:
  explicit Reach(Shard& shard) : shard_(shard) {}

  // A room has come to be, and is about to be forgotten.
  void welcome(Room& room);
  void end(Room& room) { roll_.remove(room); }
  // There are other namespaces from here on.
  void mix() { roll_.mix(); }

  void receive(const ReachRooms& request);
  void receive(const JoinPattern& join);
  void receive(const LeavePattern& leave);
  // This turn's share.
  void walk();
  bool has_more() const { return !walks_.empty(); }  // the next turn must not wait

 private:
  struct Walk {
    OwnedWorkspace workspace;
    std::vector<std::string> patterns;  // as they are shown
    // Of one who listens to them from here on; or else of a publication, what follows.
    std::optional<PatternTable::Listener> listener = {};
    ConnectionId to = nobody;
    std::uint32_t number = 0;
    ConnectionId exclude = nobody;
    std::string type = {}, payload = {};
    std::optional<proto::Priority> priority = {};
    std::uint8_t quiet_hours = 0;
    std::uint64_t permission = no_permission;
    std::unordered_set<std::uint64_t> named = {};  // rooms that got it by their names
    std::uint64_t reached = 0, refused = 0;
    bool has_begun = false;
    bool is_over = false;  // nobody waits for it any more
  };
  bool concerns(const Walk& walk, const Room& room) const;
  void publish(Walk& walk, RoomId room, ScopedName name);
  void answer(const Walk& walk);
  const Namespace* namespace_of_all(const Walk& walk) const;

  Shard& shard_;
  RoomRoll roll_;
  PatternTable patterns_;
  std::vector<PatternTable::Listener> welcomed_;
  std::deque<std::unique_ptr<Walk>> walks_;  // the first is under way
};

}  // namespace ringroom::realtime
