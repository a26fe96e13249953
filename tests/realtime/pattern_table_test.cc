#include "realtime/room/pattern_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ringroom::realtime {
namespace {

PatternTable::Listener listener(std::uint32_t slot, std::uint32_t ticket = 1) {
  return {.connection = {.core = 0, .slot = slot, .generation = 1},
          .ticket = ticket,
          .form = WireForm::json};
}

ScopedName name(std::string_view text) { return ScopedName::kept(text); }

std::multiset<std::uint32_t> slots_of(PatternTable& table, ScopedName room) {
  std::multiset<std::uint32_t> out;
  for (const PatternTable::Listener& each : table.matching(room)) out.insert(each.connection.slot);
  return out;
}

using Slots = std::multiset<std::uint32_t>;

TEST(PatternTable, FindsWhoeverListensToARoomWhereverTheStarsAre) {
  PatternTable table;
  table.add(name("quote:*"), listener(1));
  table.add(name("quote:eur:*"), listener(2));
  table.add(name("*:eur:*"), listener(3));
  table.add(name("*"), listener(4));
  table.add(name("qu*te:*"), listener(5));
  table.add(name("lob*"), listener(6));
  table.add(name("quote:eur:usd"), listener(7));
  EXPECT_EQ(slots_of(table, name("quote:eur:usd")), (Slots{1, 2, 3, 4, 5, 7}));
  EXPECT_EQ(slots_of(table, name("quote:gbp")), (Slots{1, 4, 5}));
  EXPECT_EQ(slots_of(table, name("quote:")), (Slots{1, 4, 5}));
  EXPECT_EQ(slots_of(table, name("quote")), (Slots{4}));
  EXPECT_EQ(slots_of(table, name("chat:eur:1")), (Slots{3, 4}));
  EXPECT_EQ(slots_of(table, name("lobby")), (Slots{4, 6}));
  EXPECT_EQ(slots_of(table, name(":x")), (Slots{4}));
}

TEST(PatternTable, SaysTwiceWhoListensTwice) {
  PatternTable table;
  table.add(name("quote:*"), listener(1, 1));
  table.add(name("*"), listener(1, 2));
  EXPECT_EQ(slots_of(table, name("quote:eur")), (Slots{1, 1}));
}

TEST(PatternTable, NeverReachesWhatIsForOnePersonOnly) {
  PatternTable table;
  for (const std::string_view pattern : {"*", "user:*", "us*", "*:ann"})
    table.add(name(pattern), listener(1));
  EXPECT_EQ(slots_of(table, name("user:ann")), Slots{});
  EXPECT_EQ(slots_of(table, name("users:ann")), (Slots{1, 1, 1}));
}

TEST(PatternTable, ReachesNoOtherWorkspace) {
  const Workspace acme = *Workspace::of("acme"), beta = *Workspace::of("beta");
  PatternTable table;
  const std::string_view patterns[] = {"*", "acme*", "*:eur", "quote:*", "****"};
  for (const std::string_view pattern : patterns) {
    table.add(name(pattern), listener(1));
    table.add(NameIn(acme, pattern), listener(2));
  }
  EXPECT_EQ(slots_of(table, name("quote:eur")), (Slots{1, 1, 1, 1}));
  EXPECT_EQ(slots_of(table, NameIn(acme, "quote:eur")), (Slots{2, 2, 2, 2}));
  EXPECT_EQ(slots_of(table, NameIn(beta, "quote:eur")), Slots{});
  EXPECT_EQ(slots_of(table, name("acme")), (Slots{1, 1, 1}));
  for (const std::string_view pattern : patterns)
    table.remove(name(pattern), listener(2).connection, 1);  // of nobody there
  EXPECT_EQ(table.size(), 10u);
}

TEST(PatternTable, ForgetsTheOneThatIsRemovedAndNoOther) {
  PatternTable table;
  table.add(name("quote:*"), listener(1, 1));
  table.add(name("quote:*"), listener(2, 1));
  table.add(name("quote:*"), listener(1, 2));
  table.add(name("*:eur"), listener(1, 3));
  table.remove(name("quote:*"), listener(1).connection, 1);
  EXPECT_EQ(slots_of(table, name("quote:eur")), (Slots{1, 1, 2}));
  table.remove(name("quote:*"), listener(1).connection, 1);    // again
  table.remove(name("quote:eur"), listener(2).connection, 1);  // another pattern
  table.remove(name("chat:*"), listener(2).connection, 1);
  EXPECT_EQ(table.size(), 3u);
  table.remove(name("quote:*"), listener(1).connection, 2);
  table.remove(name("quote:*"), listener(2).connection, 1);
  table.remove(name("*:eur"), listener(1).connection, 3);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(slots_of(table, name("quote:eur")), Slots{});
}

}  // namespace
}  // namespace ringroom::realtime
