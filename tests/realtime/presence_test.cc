#include "realtime/room/presence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

using Why = Presence::Why;
using Difference = Presence::Difference;

Namespace rules(std::uint64_t large, std::uint64_t interval_ms, std::uint64_t grace_ms) {
  Namespace out;
  out.presence_large = large;
  out.presence_interval_ms = interval_ms;
  out.presence_grace_ms = grace_ms;
  return out;
}

struct Room {
  explicit Room(std::uint64_t large = 100, std::uint64_t interval_ms = 250,
                std::uint64_t grace_ms = 5'000)
      : options(rules(large, interval_ms, grace_ms)) {}

  // What listeners are told by now: "+ann", "-bo", "*cy{...}", in the order of each kind.
  std::vector<std::string> told(std::uint64_t now_ms) {
    std::vector<std::string> out;
    presence.advance(now_ms);
    if (!presence.is_due(now_ms)) return out;
    const auto take = [&](Difference kind, char sign) {
      std::size_t count = 0;
      presence.each(kind, [&](std::string_view user_id, std::string_view info) {
        ++count;
        out.push_back(sign + std::string(user_id) + std::string(info));
      });
      EXPECT_EQ(count, presence.count(kind));
    };
    take(Difference::joined, '+');
    take(Difference::left, '-');
    take(Difference::updated, '*');
    presence.told();
    return out;
  }

  std::vector<std::string> list(std::size_t count_max = 100) const {
    std::vector<std::string> out;
    presence.list(count_max, [&](std::string_view user_id, std::uint32_t connections,
                                 std::string_view info) {
      out.push_back(std::string(user_id) + ":" + std::to_string(connections) + std::string(info));
    });
    return out;
  }

  Namespace options;
  alloc::CoreHeap heap;
  Presence presence{options, heap, 7};
};

using Told = std::vector<std::string>;

TEST(Presence, TellsTheFirstAndTheLastConnectionOfAUser) {
  Room room;
  room.presence.enter("ann", "", 1);
  EXPECT_EQ(room.told(1), Told{"+ann"});
  room.presence.enter("ann", "", 2);
  EXPECT_EQ(room.told(2), Told{});
  EXPECT_EQ(room.list(), Told{"ann:2"});
  room.presence.leave("ann", Why::left, 3);
  EXPECT_EQ(room.told(3), Told{});
  room.presence.leave("ann", Why::left, 4);
  EXPECT_EQ(room.told(4), Told{"-ann"});
  EXPECT_EQ(room.presence.users(), 0u);
  EXPECT_EQ(room.presence.connections(), 0u);
  EXPECT_EQ(room.presence.next_ms(), std::nullopt);
}

TEST(Presence, CountsUsersAndConnections) {
  Room room;
  for (const char* user : {"ann", "bo", "ann", "cy", "ann"}) room.presence.enter(user, "", 1);
  EXPECT_EQ(room.presence.users(), 3u);
  EXPECT_EQ(room.presence.connections(), 5u);
  EXPECT_EQ(room.presence.connections_of("ann"), 3u);
  EXPECT_EQ(room.presence.connections_of("eve"), std::nullopt);
}

TEST(Presence, ListsInTheOrderOfArrivalUpToALimit) {
  Room room;
  for (const char* user : {"cy", "ann", "bo"}) room.presence.enter(user, "", 1);
  EXPECT_EQ(room.list(), (Told{"cy:1", "ann:1", "bo:1"}));
  EXPECT_EQ(room.list(3).size(), 3u);
  EXPECT_EQ(room.list(2), (Told{"cy:1", "ann:1"}));
  EXPECT_EQ(room.list(0), Told{});
}

// ---- grace -------------------------------------------------------------------------------------

TEST(Presence, AReloadWithinTheGraceIsNeitherALeaveNorAJoin) {
  Room room;
  room.presence.enter("ann", R"({"n":1})", 0);
  room.told(0);
  room.presence.leave("ann", Why::broken, 1'000);
  EXPECT_EQ(room.told(5'999), Told{});
  EXPECT_EQ(room.list(), Told{R"(ann:0{"n":1})"});
  EXPECT_EQ(room.presence.users(), 1u);
  room.presence.enter("ann", "", 5'999);
  EXPECT_EQ(room.told(100'000), Told{});
  EXPECT_EQ(room.list(), Told{R"(ann:1{"n":1})"});
}

TEST(Presence, AGraceEndsToTheMillisecond) {
  Room room;
  room.presence.enter("ann", "", 0);
  room.told(0);
  room.presence.leave("ann", Why::broken, 1'000);
  EXPECT_EQ(room.presence.next_ms(), 6'000u);
  EXPECT_EQ(room.told(5'999), Told{});
  EXPECT_EQ(room.told(6'000), Told{"-ann"});
  EXPECT_EQ(room.list(), Told{});
}

TEST(Presence, WhoAsksToLeaveHasNoGrace) {
  Room room;
  room.presence.enter("ann", "", 0);
  room.told(0);
  room.presence.leave("ann", Why::left, 1);
  EXPECT_EQ(room.told(1), Told{"-ann"});
}

TEST(Presence, WithoutAGraceABrokenConnectionLeavesAtOnce) {
  Room room(100, 250, 0);
  room.presence.enter("ann", "", 0);
  room.told(0);
  room.presence.leave("ann", Why::broken, 1);
  EXPECT_EQ(room.told(1), Told{"-ann"});
}

TEST(Presence, ABrokenConnectionIsAwaitedAlsoWhenAnotherOneLeavesMeanwhile) {
  Room room;
  room.presence.enter("ann", "", 0);
  room.presence.enter("ann", "", 0);
  room.told(0);
  room.presence.leave("ann", Why::broken, 1'000);  // one tab reloads
  room.presence.leave("ann", Why::left, 2'000);    // the other is closed
  EXPECT_EQ(room.told(5'999), Told{});
  EXPECT_EQ(room.told(6'000), Told{"-ann"});
}

TEST(Presence, ABrokenConnectionThatCameBackIsNotAwaitedAnyMore) {
  Room room;
  room.presence.enter("ann", "", 0);
  room.told(0);
  room.presence.leave("ann", Why::broken, 1'000);
  room.presence.enter("ann", "", 1'500);
  room.presence.leave("ann", Why::left, 2'000);
  EXPECT_EQ(room.told(2'000), Told{"-ann"});
}

TEST(Presence, TheEndOfAGraceTakesNobodyWhoHasAnotherConnection) {
  Room room;
  room.presence.enter("ann", "", 0);
  room.presence.enter("ann", "", 0);
  room.told(0);
  room.presence.leave("ann", Why::broken, 1'000);
  EXPECT_EQ(room.told(6'000), Told{});
  EXPECT_EQ(room.list(), Told{"ann:1"});
  EXPECT_EQ(room.presence.next_ms(), std::nullopt);
  room.presence.leave("ann", Why::left, 6'001);
  EXPECT_EQ(room.told(6'001), Told{"-ann"});
}

TEST(Presence, GracesEndInTheOrderInWhichTheyBegan) {
  Room room;
  for (const char* user : {"a", "b", "c"}) room.presence.enter(user, "", 0);
  room.told(0);
  room.presence.leave("b", Why::broken, 10);
  room.presence.leave("a", Why::broken, 20);
  room.presence.leave("c", Why::broken, 30);
  room.presence.enter("b", "", 40);
  room.presence.leave("b", Why::broken, 50);
  EXPECT_EQ(room.presence.next_ms(), 5'020u);
  EXPECT_EQ(room.told(5'030), (Told{"-a", "-c"}));
  EXPECT_EQ(room.presence.next_ms(), 5'050u);
  EXPECT_EQ(room.told(5'050), Told{"-b"});
}

TEST(Presence, GracesEndWhereTheLowHalfOfTheClockBeginsAnew) {
  Room room;
  const std::uint64_t near_ms = 0x1'0000'0000 - 2'000;
  room.presence.enter("ann", "", near_ms);
  room.told(near_ms);
  room.presence.leave("ann", Why::broken, near_ms);
  EXPECT_EQ(room.presence.next_ms(), near_ms + 5'000);
  EXPECT_EQ(room.told(near_ms + 4'999), Told{});
  EXPECT_EQ(room.told(near_ms + 5'000), Told{"-ann"});
}

// ---- what a user says of itself ----------------------------------------------------------------

TEST(Presence, TellsWhatAUserSaysOfItself) {
  Room room;
  room.presence.enter("ann", R"({"n":1})", 0);
  EXPECT_EQ(room.told(0), Told{R"(+ann{"n":1})"});
  EXPECT_TRUE(room.presence.update("ann", R"({"n":2})", 1));
  EXPECT_EQ(room.told(1), Told{R"(*ann{"n":2})"});
  EXPECT_TRUE(room.presence.update("ann", R"({"n":2})", 2));
  EXPECT_EQ(room.told(2), Told{});  // nothing new
  EXPECT_EQ(room.list(), Told{R"(ann:1{"n":2})"});
}

TEST(Presence, AnotherConnectionMaySayItAnewOrNothing) {
  Room room;
  room.presence.enter("ann", R"({"n":1})", 0);
  room.told(0);
  room.presence.enter("ann", "", 1);
  EXPECT_EQ(room.told(1), Told{});
  room.presence.enter("ann", R"({"n":3})", 2);
  EXPECT_EQ(room.told(2), Told{R"(*ann{"n":3})"});
}

TEST(Presence, OnlyMembersSayWhatTheyAre) {
  Room room(0);
  EXPECT_FALSE(room.presence.update("ann", "{}", 0));
  room.presence.enter("ann", "", 0);
  room.told(250);
  room.presence.leave("ann", Why::left, 300);
  EXPECT_FALSE(room.presence.update("ann", "{}", 301));  // gone, and not told yet
  EXPECT_EQ(room.told(550), Told{"-ann"});
}

TEST(Presence, WhoLeavesTakesAlongWhatItSaid) {
  Room room(0);
  room.presence.enter("ann", R"({"n":1})", 0);
  EXPECT_EQ(room.told(250), Told{R"(+ann{"n":1})"});
  room.presence.leave("ann", Why::left, 300);
  room.presence.enter("ann", "", 301);  // before the leave was told
  EXPECT_EQ(room.told(550), Told{"*ann"});
  EXPECT_EQ(room.list(), Told{"ann:1"});
}

TEST(Presence, TakesInfoAndNamesUpToTheirBounds) {
  Room room;
  const std::string info(Presence::info_bytes_max, 'i');
  const std::string name(128, 'n');
  room.presence.enter(name, info, 0);
  EXPECT_EQ(room.told(0), Told{"+" + name + info});
}

TEST(PresenceDeathTest, StopsWhereSomebodyLeavesWhoNeverCame) {
  Room room;
  EXPECT_DEATH(room.presence.leave("ann", Why::left, 0), "slot != none");
  EXPECT_DEATH(room.presence.enter(std::string(129, 'n'), "", 0), "user_id_bytes_max");
  EXPECT_DEATH(room.presence.enter("ann", std::string(1'025, 'i'), 0), "info_bytes_max");
}

// ---- large rooms -------------------------------------------------------------------------------

TEST(Presence, ARoomIsLargeBeyondTheBound) {
  Room room(2);
  room.presence.enter("a", "", 0);
  room.told(0);
  room.presence.enter("b", "", 0);
  EXPECT_FALSE(room.presence.is_batch());
  EXPECT_EQ(room.told(0), Told{"+b"});
  room.presence.enter("c", "", 10);
  EXPECT_TRUE(room.presence.is_batch());
  EXPECT_EQ(room.presence.next_ms(), 260u);
  EXPECT_EQ(room.told(259), Told{});
  EXPECT_EQ(room.told(260), Told{"+c"});
  // The one with whom it stops to be large still leaves a large room; the next one does not.
  room.presence.leave("c", Why::left, 300);
  EXPECT_TRUE(room.presence.is_batch());
  EXPECT_EQ(room.told(549), Told{});
  EXPECT_EQ(room.told(550), Told{"-c"});
  room.presence.leave("b", Why::left, 600);
  EXPECT_FALSE(room.presence.is_batch());
  EXPECT_EQ(room.told(600), Told{"-b"});
}

TEST(Presence, AnIntervalBeginsWithItsFirstDifferenceAndTellsAllOfThem) {
  Room room(0);
  room.presence.enter("a", "", 100);
  room.presence.enter("b", "", 200);
  EXPECT_EQ(room.told(349), Told{});
  EXPECT_EQ(room.told(350), (Told{"+a", "+b"}));
  room.presence.enter("c", "", 400);
  room.presence.leave("a", Why::left, 500);
  room.presence.update("b", "{}", 600);
  EXPECT_EQ(room.told(650), (Told{"+c", "-a", "*b{}"}));
}

TEST(Presence, WhatCancelsOutWithinAnIntervalIsNeverTold) {
  Room room(0);
  room.presence.enter("ann", "", 0);
  room.told(250);
  room.presence.leave("ann", Why::left, 300);
  room.presence.enter("ann", "", 400);  // went and came back
  room.presence.enter("bo", "", 400);
  room.presence.leave("bo", Why::left, 500);  // came and went
  EXPECT_TRUE(room.presence.is_due(550));
  EXPECT_EQ(room.told(550), Told{});
  EXPECT_EQ(room.list(), Told{"ann:1"});
  EXPECT_EQ(room.presence.next_ms(), std::nullopt);
}

TEST(Presence, WithoutAnIntervalALargeRoomTellsAtOnce) {
  Room room(0, 0);
  room.presence.enter("ann", "", 5);
  EXPECT_TRUE(room.presence.is_batch());
  EXPECT_EQ(room.told(5), Told{"+ann"});
}

TEST(Presence, NextIsTheEarlierOfATellingAndAGrace) {
  Room room(0, 250, 100);
  room.presence.enter("ann", "", 0);
  room.presence.enter("bo", "", 0);
  EXPECT_EQ(room.presence.next_ms(), 250u);
  room.presence.leave("bo", Why::broken, 10);
  EXPECT_EQ(room.presence.next_ms(), 110u);
  EXPECT_EQ(room.told(250), Told{"+ann"});  // bo came and went
}

TEST(Presence, WhatIsPutOffIsDueAfterAnotherInterval) {
  Room room(0);
  room.presence.enter("ann", "", 0);
  room.presence.put_off(250);
  EXPECT_EQ(room.told(499), Told{});
  EXPECT_EQ(room.told(500), Told{"+ann"});
}

// ---- size --------------------------------------------------------------------------------------

TEST(Presence, AMemberOfALargeRoomCostsSomeTensOfBytes) {
  for (const std::uint32_t members : {1'000u, 10'000u, 100'000u}) {
    Room room;
    for (std::uint32_t n = 0; n < members; ++n)
      room.presence.enter("user-" + std::to_string(n), "", n);
    room.told(members + 250);
    const double each = static_cast<double>(room.presence.bytes()) / members;
    std::printf("%u members: %.1f bytes each, name included\n", members, each);
    EXPECT_LE(each, 96);
  }
}

TEST(Presence, GivesBackWhatACrowdHasLeftBehind) {
  Room room(100, 250, 0);
  for (int n = 0; n < 10'000; ++n) room.presence.enter(std::to_string(n), "", 0);
  room.told(250);
  const std::size_t crowded = room.presence.bytes();
  for (int n = 0; n < 10'000; ++n)
    if (n % 1'000 != 0) room.presence.leave(std::to_string(n), Why::left, 300);
  EXPECT_GT(crowded, 10'000u * 40);
  room.told(600);
  EXPECT_LT(room.presence.bytes(), crowded / 100);
  EXPECT_EQ(room.list(3), (Told{"0:1", "1000:1", "2000:1"}));
  for (int n = 0; n < 10'000; n += 1'000)
    EXPECT_EQ(room.presence.connections_of(std::to_string(n)), 1u);
}

// ---- against a model that is too simple to be wrong ---------------------------------------------

struct Model {
  struct User {
    std::uint32_t connections = 0;
    std::string info;
    std::uint64_t awaited_until_ms = 0;  // 0: not awaited
  };
  std::map<std::string, User> users;  // here or in grace

  void enter(const std::string& name, const std::string& info) {
    User& user = users[name];
    ++user.connections;
    user.awaited_until_ms = 0;
    if (!info.empty()) user.info = info;
  }
  void leave(const std::string& name, Why why, std::uint64_t now_ms, std::uint64_t grace_ms) {
    User& user = users.at(name);
    --user.connections;
    if (why == Why::broken && grace_ms > 0) user.awaited_until_ms = now_ms + grace_ms;
    if (user.connections == 0 && user.awaited_until_ms == 0) users.erase(name);
  }
  void advance(std::uint64_t now_ms) {
    for (auto at = users.begin(); at != users.end();) {
      User& user = at->second;
      const bool is_over = user.awaited_until_ms != 0 && user.awaited_until_ms <= now_ms;
      if (is_over) user.awaited_until_ms = 0;
      at = is_over && user.connections == 0 ? users.erase(at) : std::next(at);
    }
  }
};

struct Course {
  std::uint64_t seed, names, large, interval_ms, grace_ms;
  int steps, leaning;  // of ten steps, how many enter
};

void follow(const Course& course) {
  SCOPED_TRACE("seed " + std::to_string(course.seed));
  std::mt19937_64 random(course.seed);
  Room room(course.large, course.interval_ms, course.grace_ms);
  Model model;
  std::map<std::string, std::string> heard;  // what a listener of all tellings knows
  std::vector<std::string> connected;        // a name for each connection
  std::uint64_t now_ms = 1'000'000;

  const auto listen = [&] {
    room.presence.advance(now_ms);
    model.advance(now_ms);
    if (!room.presence.is_due(now_ms)) return;
    room.presence.each(Difference::joined, [&](std::string_view name, std::string_view info) {
      EXPECT_TRUE(heard.emplace(name, info).second) << name << " joined twice";
    });
    room.presence.each(Difference::left, [&](std::string_view name, std::string_view) {
      EXPECT_EQ(heard.erase(std::string(name)), 1u) << name << " left and was not there";
    });
    room.presence.each(Difference::updated, [&](std::string_view name, std::string_view info) {
      heard.at(std::string(name)) = info;
    });
    room.presence.told();
    ASSERT_EQ(heard.size(), model.users.size());
    for (const auto& [name, user] : model.users) ASSERT_EQ(heard.at(name), user.info);
  };

  for (int step = 0; step < course.steps && !testing::Test::HasFailure(); ++step) {
    const std::string name = "u" + std::to_string(random() % course.names);
    const std::string info =
        random() % 4 == 0 ? R"({"n":)" + std::to_string(random() % 3) + "}" : "";
    const bool enters = connected.empty() || static_cast<int>(random() % 10) < course.leaning;
    if (random() % 8 == 0) {
      const bool is_member = model.users.count(name) != 0;
      const std::string said = info.empty() ? "{}" : info;
      ASSERT_EQ(room.presence.update(name, said, now_ms), is_member);
      if (is_member) model.users[name].info = said;
    } else if (enters) {
      room.presence.enter(name, info, now_ms);
      model.enter(name, info);
      connected.push_back(name);
    } else {
      const std::size_t which = random() % connected.size();
      const Why why = random() % 2 == 0 ? Why::left : Why::broken;
      room.presence.leave(connected[which], why, now_ms);
      model.leave(connected[which], why, now_ms, course.grace_ms);
      connected[which] = connected.back();
      connected.pop_back();
    }
    ASSERT_EQ(room.presence.connections(), connected.size());
    ASSERT_EQ(room.presence.users(), model.users.size());
    now_ms += random() % 3 == 0 ? random() % 60 : 0;
    listen();
  }

  std::map<std::string, std::uint32_t> listed, expected;
  room.presence.list(~std::size_t{0},
                     [&](std::string_view name, std::uint32_t connections, std::string_view info) {
                       EXPECT_TRUE(listed.emplace(name, connections).second);
                       EXPECT_EQ(model.users.at(std::string(name)).info, info);
                     });
  for (const auto& [name, user] : model.users) expected[name] = user.connections;
  EXPECT_EQ(listed, expected);

  // All leave; after the last grace nobody is there and nothing is due.
  for (const std::string& name : connected) {
    room.presence.leave(name, Why::broken, now_ms);
    model.leave(name, Why::broken, now_ms, course.grace_ms);
  }
  while (const auto next_ms = room.presence.next_ms()) {
    now_ms = std::max(now_ms, *next_ms);
    listen();
  }
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(room.presence.users(), 0u);
  EXPECT_LT(room.presence.bytes(), 4'096u);
}

TEST(Presence, IsWhatASimpleModelSaysAfterAnyCourseOfEvents) {
  for (std::uint64_t seed = 1; seed <= 40 && !testing::Test::HasFailure(); ++seed)
    follow({.seed = seed,
            .names = seed % 4 == 0   ? 400u
                     : seed % 4 == 1 ? 6u
                                     : 40u,
            .large = seed % 3 == 0   ? 0u
                     : seed % 3 == 1 ? 12u
                                     : 100u,
            .interval_ms = seed % 5 == 0 ? 0u : 250u,
            .grace_ms = seed % 7 == 0 ? 0u : 700u,
            .steps = 4'000,
            .leaning = static_cast<int>(4 + seed % 3)});
}

}  // namespace
}  // namespace ringroom::realtime
