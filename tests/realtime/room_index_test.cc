#include "realtime/room/room_index.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ringroom::realtime {
namespace {

using From = RoomIndex::From;
using Names = std::vector<std::string>;

struct Rooms {
  Room& make(const std::string& name, const std::string& workspace = "default") {
    const NameIn scoped(*Workspace::of(workspace), name);
    auto& room = rooms[{workspace == "default" ? "" : workspace, name}];
    room = std::make_unique<Room>(RoomId{rooms.size()}, scoped, rules, 1, 1);
    index.add(*room);
    return *room;
  }
  void end(const std::string& name) {
    const auto found = rooms.find({"", name});
    index.remove(*found->second);
    rooms.erase(found);
  }
  // All of a workspace from there on, and those of later workspaces.
  Names from(std::string_view name, From from, const std::string& workspace = "default") {
    Names out;
    for (auto at = index.find(*Workspace::of(workspace), name, from); at.room() != nullptr;
         at.step())
      out.emplace_back(at.room()->shown_name());
    return out;
  }
  std::shared_ptr<const Namespace> rules = std::make_shared<const Namespace>();
  RoomIndex index;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Room>> rooms;
};

TEST(RoomIndex, FindsTheFirstOfANameOrBehindIt) {
  Rooms rooms;
  EXPECT_EQ(rooms.from("", From::at), Names{});
  for (const char* name : {"b", "d", "a", "c"}) rooms.make(name);
  EXPECT_EQ(rooms.from("", From::at), (Names{"a", "b", "c", "d"}));
  EXPECT_EQ(rooms.from("b", From::at), (Names{"b", "c", "d"}));
  EXPECT_EQ(rooms.from("b", From::behind), (Names{"c", "d"}));
  EXPECT_EQ(rooms.from("bb", From::at), (Names{"c", "d"}));
  EXPECT_EQ(rooms.from("d", From::behind), Names{});
  rooms.end("c"), rooms.end("d");
  EXPECT_EQ(rooms.from("b", From::at), Names{"b"});
  EXPECT_EQ(rooms.from("b", From::behind), Names{});
}

TEST(RoomIndex, KeepsWorkspacesApartWhateverTheirNames) {
  Rooms rooms;
  // As texts, `acme|x` would stand between `abc` and `zoo` of the default workspace.
  for (const char* name : {"zoo", "abc"}) rooms.make(name);
  for (const char* name : {"y", "x"}) rooms.make(name, "acme");
  rooms.make("abc", "acme2");
  EXPECT_EQ(rooms.from("", From::at), (Names{"abc", "zoo", "x", "y", "abc"}));
  EXPECT_EQ(rooms.from("", From::at, "acme"), (Names{"x", "y", "abc"}));
  EXPECT_EQ(rooms.from("y", From::behind, "acme"), Names{"abc"});
  EXPECT_EQ(rooms.from("b", From::at, "acme2"), Names{});
}

TEST(RoomIndex, NumbersRoomsAsTheyCome) {
  Rooms rooms;
  const std::uint64_t first = rooms.make("b").serial;
  EXPECT_LT(first, rooms.make("a").serial);
  EXPECT_EQ(rooms.index.last_serial(), rooms.rooms.at({"", "a"})->serial);
  rooms.end("a");
  EXPECT_EQ(rooms.make("a").serial, first + 2);
}

TEST(RoomIndex, SaysWhenACursorIsNoLongerGood) {
  Rooms rooms;
  rooms.make("a");
  const auto at = rooms.index.find(Workspace(), "", From::at);
  EXPECT_TRUE(at.is_good());
  rooms.make("b");
  EXPECT_FALSE(at.is_good());
}

// Rooms come and go at random, so that shelves fill, part and join; the order is always that of a
// map.
TEST(RoomIndex, IsInOrderWhateverComesAndGoes) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    std::mt19937 random(seed);
    Rooms rooms;
    for (int step = 0; step < 6'000; ++step) {
      const std::string name = std::to_string(random() % 3'000);
      const bool grows = step < 3'000;
      const bool is_there = rooms.rooms.contains({"", name});
      if (!is_there && random() % 4 < (grows ? 4u : 1u)) rooms.make(name);
      if (is_there && random() % 4 < (grows ? 1u : 4u)) rooms.end(name);
      if (step % 500 != 0) continue;
      Names all;
      for (const auto& [key, room] : rooms.rooms) all.push_back(key.second);
      ASSERT_EQ(rooms.from("", From::at), all) << "seed " << seed;
      ASSERT_EQ(rooms.index.size(), all.size());
      const auto behind = std::ranges::upper_bound(all, name);
      ASSERT_EQ(rooms.from(name, From::behind), Names(behind, all.end())) << "seed " << seed;
    }
  }
}

// Two by two, names rising, falling, or in the middle: no order leaves shelves with a single room.
TEST(RoomIndex, TakesFewBytesARoomWhateverOrderTheyComeIn) {
  constexpr int count = 20'000;
  std::mt19937 random(1);
  const std::vector<std::pair<const char*, int (*)(int, unsigned)>> orders = {
      {"rising", [](int i, unsigned) { return i; }},
      {"falling", [](int i, unsigned) { return count - i; }},
      {"from both ends", [](int i, unsigned) { return i % 2 == 0 ? i : 2 * count - i; }},
      {"into the middle", [](int i, unsigned) { return i % 2 == 0 ? i : 3 * count - i; }},
      {"at random", [](int, unsigned any) { return static_cast<int>(any % 100'000'000); }}};
  for (const auto& [order, number_of] : orders) {
    Rooms rooms;
    for (int i = 0; i < count; ++i) {
      char name[16];
      std::snprintf(name, sizeof name, "%09d", number_of(i, static_cast<unsigned>(random())));
      if (!rooms.rooms.contains({"", name})) rooms.make(name);
    }
    EXPECT_LT(rooms.index.memory_bytes(), rooms.index.size() * 18) << order;
    // And what remains when most have gone, one here and one there.
    std::vector<std::string> names;
    for (const auto& [key, room] : rooms.rooms) names.push_back(key.second);
    std::ranges::shuffle(names, random);
    for (std::size_t i = names.size() / 100; i < names.size(); ++i) rooms.end(names[i]);
    EXPECT_LT(rooms.index.memory_bytes(), rooms.index.size() * 40 + 8 * 1'024) << order;
  }
}

// As lists and broadcasts do: a share at a time, found again by name, while rooms come and go
// between the shares. Those that were there all the time are met once; those that came later are
// told by their serials.
TEST(RoomIndex, IsWalkedBySharesThatMeetWhatStaysExactlyOnce) {
  constexpr std::size_t share = 50;
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Rooms rooms;
    while (rooms.rooms.size() < 2'000) {
      const std::string name = std::to_string(random());
      if (!rooms.rooms.contains({"", name})) rooms.make(name);
    }
    std::set<std::string> stays;
    for (const auto& [key, room] : rooms.rooms) stays.insert(key.second);
    std::multiset<std::string> met;
    const std::uint64_t serial_max = rooms.index.last_serial();
    std::string next;
    for (bool is_done = false; !is_done;) {
      auto at = rooms.index.find(Workspace(), next, From::at);
      std::size_t looks = 0;
      for (; at.room() != nullptr && looks < share; at.step(), ++looks)
        if (at.room()->serial <= serial_max) met.emplace(at.room()->shown_name());
      is_done = at.room() == nullptr;
      if (!is_done) next = at.room()->shown_name();
      for (int i = 0; i < 20; ++i) {
        auto gone = rooms.rooms.lower_bound({"", std::to_string(random())});
        if (gone == rooms.rooms.end()) continue;
        const std::string name = gone->first.second;
        stays.erase(name);
        rooms.end(name);
        if (random() % 4 == 0) rooms.make(name);  // the name comes back, as another room
        const std::string other = std::to_string(random());
        if (!rooms.rooms.contains({"", other})) rooms.make(other);
      }
    }
    for (const std::string& name : stays) EXPECT_EQ(met.count(name), 1u) << "seed " << seed;
    for (const std::string& name : met) EXPECT_EQ(met.count(name), 1u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ringroom::realtime
