#include "realtime/workspace.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

using std::string_literals::operator""s;

TEST(Workspace, OfWhoNamesNoneIsTheDefaultHoweverItIsSaid) {
  EXPECT_EQ(Workspace::of("default"), Workspace());
  EXPECT_EQ(Workspace().id(), "default");
  EXPECT_TRUE(Workspace::of("default")->is_default());
  EXPECT_FALSE(Workspace::of("Default")->is_default());
}

TEST(Workspace, HasAnIdThatIsAName) {
  for (const std::string& id : {""s, "a\x1f"s, "\x1f"s, "a\0b"s, "a\n"s, "\x7f"s, "\xff"s,
                                "\xc0\xaf"s, std::string(256, 'w')})
    EXPECT_FALSE(Workspace::of(id)) << testing::PrintToString(id);
  for (const std::string& id : {"acme"s, "*"s, "a:b"s, "user:ann"s, ".."s, "%2e"s, "caf\xc3\xa9"s,
                                "\xe2\x90\x9f"s, std::string(255, 'w')})
    EXPECT_TRUE(Workspace::of(id)) << id;
}

TEST(ScopedName, IsTheNameItselfInTheDefaultWorkspace) {
  const std::string_view said = "lobby";
  const NameIn room(Workspace(), said);
  EXPECT_EQ(room->text().data(), said.data());  // no copy
  EXPECT_EQ(room->shown(), "lobby");
  EXPECT_TRUE(room->workspace().is_default());
}

TEST(ScopedName, SaysWhereItIsAndWhatItIsCalled) {
  const NameIn room(*Workspace::of("acme"), "lobby");
  EXPECT_EQ(room->shown(), "lobby");
  EXPECT_EQ(room->workspace().id(), "acme");
  EXPECT_NE(room->text(), "lobby");
  const OwnedName kept(room);
  EXPECT_EQ(ScopedName(kept), *room.operator->());
}

TEST(ScopedName, TakesTheLongestOfEach) {
  const std::string workspace(255, 'w'), name = "user:" + std::string(255, 'n');
  const NameIn longest(*Workspace::of(workspace), name);
  EXPECT_EQ(longest->workspace().id(), workspace);
  EXPECT_EQ(longest->shown(), name);
}

TEST(ScopedNameDeathTest, IsNotMadeOfWhatIsNoName) {
  EXPECT_DEATH(NameIn(Workspace(), "acme\x1flobby"), "separator");
}

// Whatever two clients of two workspaces call their rooms, it is never one room; and what comes out
// is what went in.
TEST(ScopedName, IsAnotherOneForEveryPairOfWorkspaceAndName) {
  const std::vector<std::string> parts = {
      "a",  "b", "ab",           ":", "*",        "default",   "acme", "%1f", "..",
      "\\", "/", "\xe2\x90\x9f", " ", "\xc3\xa9", "e\xcc\x81", "user:"};
  std::mt19937 random(1);
  const auto some = [&] {
    std::string out;
    for (std::size_t i = 0, count = 1 + random() % 4; i < count; ++i)
      out += parts[random() % parts.size()];
    return out;
  };
  std::set<std::pair<std::string, std::string>> pairs;
  std::set<std::string> texts;
  for (int i = 0; i < 100'000; ++i) {
    const std::string id = some(), name = some();
    const Workspace workspace = *Workspace::of(id);
    const NameIn made(workspace, name);
    ASSERT_EQ(made->workspace().id(), id);
    ASSERT_EQ(made->shown(), name);
    pairs.emplace(id, name);
    texts.emplace(made->text());
  }
  EXPECT_EQ(texts.size(), pairs.size());
}

}  // namespace
}  // namespace ringroom::realtime
