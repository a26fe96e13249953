#include "realtime/compact_list.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace ringroom::realtime {
namespace {

struct Ticket {
  std::uint32_t ticket;
  std::uint64_t more;
};
using List = CompactList<Ticket>;

Ticket numbered(std::uint32_t ticket) { return {.ticket = ticket, .more = ~std::uint64_t{0}}; }

TEST(CompactList, KeepsWhatIsAddedWhileItGrows) {
  List list;
  for (std::uint32_t ticket = 0; ticket < 200; ++ticket) {
    EXPECT_EQ(list.size(), ticket);
    EXPECT_EQ(list.push_back(numbered(ticket)).ticket, ticket);
    std::uint32_t expected = 0;
    for (const Ticket& subscription : list) EXPECT_EQ(subscription.ticket, expected++);
    EXPECT_EQ(expected, ticket + 1);
  }
  EXPECT_EQ(list.back().ticket, 199u);
}

TEST(CompactList, IsEmptyAgainWhenTheLastIsTaken) {
  List list;
  list.push_back(numbered(1));
  list.push_back(numbered(2));
  list.pop_back();
  EXPECT_EQ(list.back().ticket, 1u);
  list.pop_back();
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.begin(), list.end());
  list.push_back(numbered(3));
  EXPECT_EQ(list[0].ticket, 3u);
}

TEST(CompactList, MovesWithoutACopy) {
  List list;
  const Ticket* const place = &list.push_back(numbered(1));
  List other = std::move(list);
  EXPECT_EQ(other.data(), place);
  list = std::move(other);
  EXPECT_EQ(list.data(), place);
}

TEST(CompactListDeathTest, StopsTheProcessBehindItsEnd) {
  List list;
  EXPECT_DEATH(list.pop_back(), "empty");
  list.push_back(numbered(1));
  EXPECT_DEATH(list[1], "size");
}

}  // namespace
}  // namespace ringroom::realtime
