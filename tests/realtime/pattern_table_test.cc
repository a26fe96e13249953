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

std::multiset<std::uint32_t> slots_of(PatternTable& table, std::string_view room) {
  std::multiset<std::uint32_t> out;
  for (const PatternTable::Listener& each : table.matching(room)) out.insert(each.connection.slot);
  return out;
}

using Slots = std::multiset<std::uint32_t>;

TEST(PatternTable, FindsWhoeverListensToARoomWhereverTheStarsAre) {
  PatternTable table;
  table.add("quote:*", listener(1));
  table.add("quote:eur:*", listener(2));
  table.add("*:eur:*", listener(3));
  table.add("*", listener(4));
  table.add("qu*te:*", listener(5));
  table.add("lob*", listener(6));
  table.add("quote:eur:usd", listener(7));
  EXPECT_EQ(slots_of(table, "quote:eur:usd"), (Slots{1, 2, 3, 4, 5, 7}));
  EXPECT_EQ(slots_of(table, "quote:gbp"), (Slots{1, 4, 5}));
  EXPECT_EQ(slots_of(table, "quote:"), (Slots{1, 4, 5}));
  EXPECT_EQ(slots_of(table, "quote"), (Slots{4}));
  EXPECT_EQ(slots_of(table, "chat:eur:1"), (Slots{3, 4}));
  EXPECT_EQ(slots_of(table, "lobby"), (Slots{4, 6}));
  EXPECT_EQ(slots_of(table, ":x"), (Slots{4}));
}

TEST(PatternTable, SaysTwiceWhoListensTwice) {
  PatternTable table;
  table.add("quote:*", listener(1, 1));
  table.add("*", listener(1, 2));
  EXPECT_EQ(slots_of(table, "quote:eur"), (Slots{1, 1}));
}

TEST(PatternTable, NeverReachesWhatIsForOnePersonOnly) {
  PatternTable table;
  for (const std::string_view pattern : {"*", "user:*", "us*", "*:ann"})
    table.add(pattern, listener(1));
  EXPECT_EQ(slots_of(table, "user:ann"), Slots{});
  EXPECT_EQ(slots_of(table, "users:ann"), (Slots{1, 1, 1}));
}

TEST(PatternTable, ForgetsTheOneThatIsRemovedAndNoOther) {
  PatternTable table;
  table.add("quote:*", listener(1, 1));
  table.add("quote:*", listener(2, 1));
  table.add("quote:*", listener(1, 2));
  table.add("*:eur", listener(1, 3));
  table.remove("quote:*", listener(1).connection, 1);
  EXPECT_EQ(slots_of(table, "quote:eur"), (Slots{1, 1, 2}));
  table.remove("quote:*", listener(1).connection, 1);    // again
  table.remove("quote:eur", listener(2).connection, 1);  // another pattern
  table.remove("chat:*", listener(2).connection, 1);
  EXPECT_EQ(table.size(), 3u);
  table.remove("quote:*", listener(1).connection, 2);
  table.remove("quote:*", listener(2).connection, 1);
  table.remove("*:eur", listener(1).connection, 3);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(slots_of(table, "quote:eur"), Slots{});
}

}  // namespace
}  // namespace ringroom::realtime
