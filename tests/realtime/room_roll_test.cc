#include "realtime/room/room_roll.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

Namespace called(std::string name) {
  Namespace out;
  out.name = std::move(name);
  return out;
}

struct Rooms {
  Room& make(const std::string& name, const Namespace& rules) {
    rooms.push_back(std::make_unique<Room>(RoomId{rooms.size()}, ScopedName::kept(name),
                                           std::make_shared<const Namespace>(rules), 1, 1));
    roll.add(*rooms.back());
    return *rooms.back();
  }
  std::vector<std::string> rest() {
    std::vector<std::string> names;
    while (const Room* room = roll.step()) names.emplace_back(room->shown_name());
    return names;
  }
  RoomRoll roll;
  std::vector<std::unique_ptr<Room>> rooms;
};

using Names = std::vector<std::string>;

TEST(RoomRoll, ShowsTheRoomsOfAllNamespacesOrOfOneInTheOrderTheyCame) {
  const Namespace a = called("a"), b = called("b");
  Rooms rooms;
  rooms.make("a1", a), rooms.make("b1", b), rooms.make("a2", a);
  rooms.roll.begin(nullptr);
  EXPECT_EQ(rooms.rest(), (Names{"a1", "a2", "b1"}));
  rooms.roll.begin(&b);
  EXPECT_EQ(rooms.rest(), Names{"b1"});
  const Namespace unused = called("unused");
  rooms.roll.begin(&unused);
  EXPECT_EQ(rooms.rest(), Names{});
}

TEST(RoomRoll, ShowsThoseThatMayBeOfAnotherNamespaceByNow) {
  const Namespace a = called("a"), b = called("b");
  Rooms rooms;
  rooms.make("b0", a);
  rooms.roll.mix();
  rooms.make("b1", b);
  rooms.roll.begin(&b);
  EXPECT_EQ(rooms.rest(), (Names{"b0", "b1"}));
  rooms.roll.begin(&a);
  EXPECT_EQ(rooms.rest(), Names{"b0"});
}

TEST(RoomRoll, ShowsNoneThatCameSinceTheWalkBegan) {
  const Namespace a = called("a"), b = called("b");
  Rooms rooms;
  rooms.make("a1", a);
  rooms.roll.begin(nullptr);
  rooms.make("a2", a), rooms.make("b1", b);
  EXPECT_EQ(rooms.rest(), Names{"a1"});
  rooms.roll.begin(nullptr);
  EXPECT_EQ(rooms.rest(), (Names{"a1", "a2", "b1"}));
}

TEST(RoomRoll, GoesOnWhenTheRoomItStandsAtIsForgotten) {
  const Namespace a = called("a");
  for (std::size_t gone = 0; gone < 4; ++gone) {
    Rooms rooms;
    for (const char* name : {"0", "1", "2", "3"}) rooms.make(name, a);
    rooms.roll.begin(nullptr);
    EXPECT_EQ(rooms.roll.step()->shown_name(), "0");
    rooms.roll.remove(*rooms.rooms[gone]);
    Names left{"1", "2", "3"};
    if (gone > 0) left.erase(left.begin() + static_cast<std::ptrdiff_t>(gone) - 1);
    EXPECT_EQ(rooms.rest(), left);
  }
}

// Rooms come and go at random between the steps: those that were there all the time are seen once.
TEST(RoomRoll, SeesWhatStaysExactlyOnceWhateverComesAndGoes) {
  const Namespace rules[] = {called(""), called("a"), called("b")};
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    Rooms rooms;
    std::set<Room*> here;
    for (int i = 0; i < 40; ++i) here.insert(&rooms.make(std::to_string(i), rules[random() % 3]));
    std::set<Room*> stays = here;
    const std::set<Room*> at_start = here;
    std::multiset<Room*> seen;
    rooms.roll.begin(nullptr);
    while (true) {
      for (auto n = random() % 3; n > 0 && !here.empty(); --n) {
        auto room = here.begin();
        std::advance(room, static_cast<std::ptrdiff_t>(random() % here.size()));
        stays.erase(*room);
        rooms.roll.remove(**room);
        here.erase(room);
      }
      if (random() % 2 == 0) here.insert(&rooms.make("new", rules[random() % 3]));
      Room* room = rooms.roll.step();
      if (room == nullptr) break;
      EXPECT_TRUE(at_start.contains(room)) << "seed " << seed;
      seen.insert(room);
    }
    for (Room* room : stays) EXPECT_EQ(seen.count(room), 1u) << "seed " << seed;
    for (Room* room : seen) EXPECT_EQ(seen.count(room), 1u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ringroom::realtime
