#include "realtime/room/room.h"

#include <gtest/gtest.h>

#include <set>

#include "realtime/room/message_id.h"

namespace ringroom::realtime {
namespace {

constexpr CoreId first_core{0}, second_core{1};
const Namespace options;

Room room() {
  return Room(RoomId{7}, ScopedName::kept("lobby"), std::make_shared<const Namespace>(options),
              0xb50000ff, 42);
}

TEST(Room, NumbersPublicationsFromOneWithoutAGap) {
  Room lobby = room();
  EXPECT_EQ(lobby.last(), Sequence{0});
  for (std::uint64_t n = 1; n <= 100; ++n) EXPECT_EQ(lobby.next(), Sequence{n});
  EXPECT_EQ(lobby.last(), Sequence{100});
}

// Whoever hears a message has heard what it calls the previous one, and nothing that he may hear
// lies between.
TEST(Room, SaysWhatWasHeardBeforeWhereNotEverybodyHearsEverything) {
  constexpr std::uint64_t all = no_permission, premium = 10, staff = 20;
  const std::uint64_t said[] = {all, premium, premium, staff, premium, all, all, staff, all};
  const std::optional<std::uint64_t> expected[] = {{}, {}, {}, 1, 1, 1, {}, {}, 7};
  Room lobby = room();
  for (std::size_t i = 0; i < std::size(said); ++i) {
    lobby.next();
    EXPECT_EQ(lobby.previous(said[i]), expected[i]) << i;
  }
  lobby.begin_epoch(2);
  lobby.next();
  EXPECT_EQ(lobby.previous(all), std::nullopt);
}

TEST(Room, SaysNothingOfThatWhereEverybodyHearsEverything) {
  Room lobby = room();
  for (int n = 0; n < 3; ++n) {
    lobby.next();
    EXPECT_EQ(lobby.previous(no_permission), std::nullopt);
  }
}

TEST(Room, WritesItsEpochAsEightHexDigits) { EXPECT_EQ(room().epoch(), "b50000ff"); }

TEST(Room, CountsUsersWhereItKnowsThemAndElseConnections) {
  Room lobby = room();
  lobby.enter(first_core, WireForm::json);
  lobby.enter(second_core, WireForm::json);
  EXPECT_EQ(lobby.member_count(), 2u);
  alloc::CoreHeap heap;
  lobby.presence = std::make_unique<Presence>(options, heap, 1);
  EXPECT_EQ(lobby.member_count(), 0u);
  lobby.presence->enter("ann", "", 1);
  lobby.presence->enter("ann", "", 1);
  EXPECT_EQ(lobby.member_count(), 1u);
}

TEST(Room, KnowsInWhichFormAndOnWhichCoreItIsHeard) {
  Room lobby = room();
  lobby.enter(second_core, WireForm::raw);
  EXPECT_TRUE(lobby.is_heard_in(WireForm::raw));
  EXPECT_FALSE(lobby.is_heard_in(WireForm::json));
  ASSERT_EQ(lobby.hearings().size(), 1u);
  EXPECT_EQ(lobby.hearings()[0].core, second_core);
  EXPECT_EQ(lobby.hearings()[0].listeners, 1u);
}

TEST(Room, CountsCompressedListenersByThemselves) {
  Room lobby = room();
  lobby.enter(first_core, WireForm::json_deflated);
  lobby.enter(first_core, WireForm::json);
  EXPECT_TRUE(lobby.has_members_listening());
  lobby.leave(first_core, WireForm::json);
  EXPECT_FALSE(lobby.is_heard_in(WireForm::json));
  EXPECT_TRUE(lobby.is_heard_in(WireForm::json_deflated));
  EXPECT_TRUE(lobby.has_members_listening());
  lobby.leave(first_core, WireForm::json_deflated);
  EXPECT_FALSE(lobby.has_members_listening());
}

TEST(RoomDeathTest, StopsTheProcessWhenSomebodyLeavesWhoWasNeverThere) {
  Room lobby = room();
  lobby.enter(first_core, WireForm::json);
  EXPECT_DEATH(lobby.leave(first_core, WireForm::raw), "check failed");
  EXPECT_DEATH(lobby.leave(second_core, WireForm::json), "check failed");
  lobby.leave(first_core, WireForm::json);
  EXPECT_DEATH(lobby.leave(first_core, WireForm::json), "check failed");
}

TEST(MessageIds, AreDistinctSortedByTimeAndOfVersionSeven) {
  MessageIds ids(1);
  std::set<std::string> seen;
  std::string last;
  for (int i = 0; i < 10'000; ++i) {
    const MessageId::Text text =
        ids.next(1'700'000'000'000 + static_cast<std::uint64_t>(i / 1000)).text();
    const std::string id(text.begin(), text.end());
    ASSERT_EQ(id.size(), 36u);
    EXPECT_EQ(id[14], '7');
    EXPECT_NE(std::string_view("89ab").find(id[19]), std::string_view::npos);
    EXPECT_TRUE(seen.insert(id).second);
    EXPECT_LT(last, id);
    last = id;
  }
}

}  // namespace
}  // namespace ringroom::realtime
