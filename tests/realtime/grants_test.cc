#include "realtime/access/grants.h"

#include <gtest/gtest.h>

#include "realtime/access/bounds.h"

namespace ringroom::realtime {
namespace {

Grants grants(std::vector<RoomGrant> rows) { return Grants(std::move(rows)); }

TEST(Pattern, MatchesLiterallyExceptForStars) {
  struct Case {
    std::string_view pattern, room;
    bool matches;
  };
  for (const auto& [pattern, room, expected] : {
           Case{"lobby", "lobby", true},
           Case{"lobby", "lobb", false},
           Case{"lobby", "lobby2", false},
           Case{"lobby", "Lobby", false},
           Case{"quote:*", "quote:1", true},
           Case{"quote:*", "quote:", true},
           Case{"quote:*", "quote", false},
           Case{"quote:*", "xquote:1", false},
           Case{"*", "", true},
           Case{"*", "anything:at:all", true},
           Case{"*:1", "quote:1", true},
           Case{"*:1", "quote:11", false},
           Case{"*:1", "quote:12", false},
           Case{"w:*:quotes", "w:7:quotes", true},
           Case{"w:*:quotes", "w:7:quotes:1", false},
           Case{"w:*:quotes", "w::quotes", true},
           Case{"w:*:quotes", "w:quotes", false},
           Case{"a*b*c", "abbbcbc", true},
           Case{"a*b*c", "abbbcb", false},
           Case{"**", "x", true},
           Case{"a.c", "abc", false},
           Case{"a?c", "abc", false},
           Case{"[a]", "a", false},
           Case{"\\*", "\\x", true},
       }) {
    EXPECT_EQ(matches(pattern, room), expected) << pattern << " and " << room;
  }
}

TEST(Pattern, IsAnsweredQuicklyHoweverItIsMade) {
  const std::string room(255, 'a');
  EXPECT_FALSE(matches("*a*a*a*ab", room));
}

TEST(Pattern, IsRefusedEmptyOrTooLongOrWithTooManyStars) {
  EXPECT_FALSE(is_pattern(""));
  EXPECT_TRUE(is_pattern(std::string(bounds::token_word_bytes_max, 'x')));
  EXPECT_FALSE(is_pattern(std::string(bounds::token_word_bytes_max + 1, 'x')));
  EXPECT_TRUE(is_pattern(std::string(bounds::pattern_stars_max, '*')));
  EXPECT_FALSE(is_pattern(std::string(bounds::pattern_stars_max + 1, '*')));
}

TEST(Action, IsCalledAsItIsRead) {
  for (unsigned i = 0; i <= static_cast<unsigned>(Action::admin); ++i) {
    const auto action = static_cast<Action>(i);
    EXPECT_EQ(action_of(name_of(action)), action);
    EXPECT_TRUE(Actions::all().has(action));
  }
  EXPECT_EQ(name_of(Action::remove), "delete");
  for (const std::string_view unknown : {"", "Join", "subscribe", "*", "join "})
    EXPECT_EQ(action_of(unknown), std::nullopt) << unknown;
}

TEST(Grants, SayNoByDefault) {
  EXPECT_TRUE(Grants().in("lobby", "ann").empty());
  EXPECT_TRUE(grants({{"quote:*", {Action::join}}}).in("lobby", "ann").empty());
}

TEST(Grants, AddUpEveryPatternThatMatches) {
  const Grants both = grants({{"quote:*", {Action::join}}, {"quote:1", {Action::publish}}});
  EXPECT_EQ(both.in("quote:1", "ann"), (Actions{Action::join, Action::publish}));
  EXPECT_EQ(both.in("quote:2", "ann"), Actions{Action::join});
  EXPECT_TRUE(both.may(Action::publish, "quote:1", "ann"));
  EXPECT_FALSE(both.may(Action::publish, "quote:2", "ann"));
}

TEST(Grants, GiveAnAdministratorOfARoomEverythingThere) {
  const Grants admin = grants({{"quote:*", {Action::admin}}});
  EXPECT_EQ(admin.in("quote:1", "ann"), Actions::all());
  EXPECT_TRUE(admin.in("lobby", "ann").empty());
}

TEST(Grants, LetOnlyItsUserReadAPersonalRoom) {
  const Actions reading{Action::join, Action::presence, Action::history};
  EXPECT_EQ(Grants().in("user:ann", "ann"), reading);
  EXPECT_TRUE(Grants().in("user:ann", "bo").empty());
  EXPECT_TRUE(Grants().in("user:", "").empty());
  EXPECT_TRUE(Grants().in("user:ann", "an").empty());
  EXPECT_TRUE(Grants().in("user:ann:1", "ann").empty());

  for (const Grants& wide : {Grants::everything(), grants({{"*", {Action::join, Action::admin}}}),
                             grants({{"us*", {Action::join, Action::publish}}})}) {
    EXPECT_TRUE(wide.in("user:ann", "bo").empty());
    EXPECT_EQ(wide.in("user:ann", "ann"), reading);
  }
  const Grants meant = grants({{"user:*", {Action::join, Action::publish}}});
  EXPECT_TRUE(meant.may(Action::publish, "user:ann", "ann"));
}

TEST(Grants, LetNobodyElseDoAnythingInAPersonalRoom) {
  for (const std::string_view pattern : {"user:*", "user:ann", "user:ann*", "user:a*n", "*", "us*"})
    EXPECT_TRUE(grants({{std::string(pattern), Actions::all()}}).in("user:ann", "bo").empty())
        << pattern;
}

TEST(Grants, AllowEverythingElseInDevelopment) {
  EXPECT_EQ(Grants::everything().in("lobby", "ann"), Actions::all());
}

TEST(Grants, NameWhatIsMissing) {
  EXPECT_EQ(refusal_of(Action::remove, "quote:1"), "delete is not granted for room quote:1");
}

TEST(Grants, HoldOverAPatternOnlyIfTheyHoldInEveryRoomThatItMatches) {
  const Grants grants({{.pattern = "quote:*", .actions = {Action::join}},
                       {.pattern = "a*z", .actions = {Action::join}},
                       {.pattern = "quote:eur:*", .actions = {Action::publish}},
                       {.pattern = "all:*", .actions = {Action::admin}}});
  for (const std::string_view covered :
       {"quote:*", "quote:eur:*", "quote:*:usd", "a*z", "ab*yz", "a*m*z", "all:*", "quote:eur"})
    EXPECT_TRUE(grants.over(covered).has(Action::join)) << covered;
  for (const std::string_view wider : {"*", "quote*", "q*", "*:eur", "a*", "*z", "*a*z", "quot*:*"})
    EXPECT_FALSE(grants.over(wider).has(Action::join)) << wider;
  EXPECT_FALSE(grants.over("quote:*").has(Action::publish));
  EXPECT_TRUE(grants.over("quote:eur:*").has(Action::publish));
  EXPECT_EQ(grants.over("all:*"), Actions::all());
}

TEST(GrantsChanged, DenyWhateverIsGranted) {
  const Grants granted({{.pattern = "*", .actions = {Action::admin}}});
  const Grants grants =
      granted.changed({{.pattern = "a:*", .allowed = {}, .denied = {Action::publish}},
                       {.pattern = "a:b", .allowed = {Action::admin}, .denied = {}}});
  EXPECT_FALSE(grants.may(Action::publish, "a:b", "ann"));
  EXPECT_TRUE(grants.may(Action::join, "a:b", "ann"));
  EXPECT_TRUE(grants.may(Action::publish, "b:a", "ann"));
  EXPECT_TRUE(grants.denied_in("a:x").has(Action::publish));
  // The changes take the place of those before.
  EXPECT_TRUE(grants.changed({}).may(Action::publish, "a:b", "ann"));
}

TEST(GrantsChanged, AddToWhatIsGranted) {
  const Grants grants =
      Grants().changed({{.pattern = "a:*", .allowed = {Action::join}, .denied = {}}});
  EXPECT_TRUE(grants.may(Action::join, "a:b", "ann"));
  EXPECT_FALSE(grants.may(Action::join, "b", "ann"));
  EXPECT_TRUE(grants.over("a:*").has(Action::join));
  EXPECT_FALSE(grants.over("*").has(Action::join));
}

TEST(GrantsChanged, ConcernAPatternOnlyIfTheyCoverIt) {
  const Grants all({{.pattern = "*", .actions = {Action::join}}});
  EXPECT_TRUE(all.changed({{.pattern = "a:b", .allowed = {}, .denied = Actions::all()}})
                  .over("a:*")
                  .has(Action::join));
  EXPECT_FALSE(all.changed({{.pattern = "a:*", .allowed = {}, .denied = Actions::all()}})
                   .over("a:*")
                   .has(Action::join));
}

TEST(GrantsChanged, LeaveOnesOwnRoomAlone) {
  const Grants grants =
      Grants().changed({{.pattern = "*", .allowed = {}, .denied = Actions::all()},
                        {.pattern = "user:*", .allowed = Actions::all(), .denied = {}}});
  EXPECT_TRUE(grants.may(Action::join, "user:ann", "ann"));
  EXPECT_FALSE(grants.may(Action::join, "user:bo", "ann"));
}

TEST(GrantsChanged, TravelAsLines) {
  const RoomChange change{
      .pattern = "a:*", .allowed = {Action::join, Action::admin}, .denied = Actions::all()};
  const RoomChange there = room_change_of(line_of(change));
  EXPECT_EQ(there.pattern, change.pattern);
  EXPECT_EQ(there.allowed, change.allowed);
  EXPECT_EQ(there.denied, change.denied);
}

}  // namespace
}  // namespace ringroom::realtime
