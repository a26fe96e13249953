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

namespace ringroom::realtime {

class Room;
class Shard;

// What concerns many rooms of this core at once (R2): a publication for all that match a pattern,
// and one who listens to all that match.
//
//   ReachRooms  --> rooms by name at once; by pattern, walk --> RoomsReached
//   JoinPattern --> PatternTable, walk: into each room that is there  --> PatternKnown
//                   welcome(): into each that comes to be, before anything is said in it
//
// A walk goes by name, over those that begin like its patterns, and looks at a share of them in
// each turn, so that a million of them delay nobody. It meets each room that is there all the while
// once, whatever comes and goes. Walks are worked off in the order they came: two publications of
// one backend reach each room in theirs.
//
// Owner: the home core of the rooms. Bounded: by `bounds::broadcasts_max` of each core that asks,
//        and by `patterns-max`.
class Reach {
 public:
  explicit Reach(Shard& shard) : shard_(shard) {}

  // A room has come to be.
  void welcome(Room& room);

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
    bool is_over = false;  // nobody waits for it any more
    bool has_begun = false;
    std::string prefix = {};       // of the names of all that match
    std::string next = {};         // it goes on with that name
    std::uint64_t serial_max = 0;  // rooms that came since are welcomed, not met
  };
  void begin(Walk& walk) const;
  // True: that was all.
  bool go_on(Walk& walk, std::size_t& looks, std::size_t& hits);
  bool concerns(const Walk& walk, const Room& room) const;
  void publish(Walk& walk, RoomId room, ScopedName name);
  void answer(const Walk& walk);

  Shard& shard_;
  PatternTable patterns_;
  std::vector<PatternTable::Listener> welcomed_;
  std::deque<std::unique_ptr<Walk>> walks_;  // the first is under way
};

}  // namespace ringroom::realtime
