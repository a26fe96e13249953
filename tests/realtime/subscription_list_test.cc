#include "realtime/session/subscription_list.h"

#include <gtest/gtest.h>

#include <utility>

namespace ringroom::realtime {
namespace {

Subscription numbered(std::uint32_t ticket) {
  Subscription out{};
  out.ticket = ticket;
  return out;
}

TEST(SubscriptionList, KeepsWhatIsAddedWhileItGrows) {
  SubscriptionList list;
  for (std::uint32_t ticket = 0; ticket < 200; ++ticket) {
    EXPECT_EQ(list.size(), ticket);
    EXPECT_EQ(list.emplace_back(numbered(ticket)).ticket, ticket);
    std::uint32_t expected = 0;
    for (const Subscription& subscription : list) EXPECT_EQ(subscription.ticket, expected++);
    EXPECT_EQ(expected, ticket + 1);
  }
  EXPECT_EQ(list.back().ticket, 199u);
}

TEST(SubscriptionList, IsEmptyAgainWhenTheLastIsTaken) {
  SubscriptionList list;
  list.emplace_back(numbered(1));
  list.emplace_back(numbered(2));
  list.pop_back();
  EXPECT_EQ(list.back().ticket, 1u);
  list.pop_back();
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.begin(), list.end());
  list.emplace_back(numbered(3));
  EXPECT_EQ(list[0].ticket, 3u);
}

TEST(SubscriptionList, MovesWithoutACopy) {
  SubscriptionList list;
  const Subscription* const place = &list.emplace_back(numbered(1));
  SubscriptionList other = std::move(list);
  EXPECT_EQ(other.data(), place);
  list = std::move(other);
  EXPECT_EQ(list.data(), place);
}

TEST(SubscriptionListDeathTest, StopsTheProcessBehindItsEnd) {
  SubscriptionList list;
  EXPECT_DEATH(list.pop_back(), "empty");
  list.emplace_back(numbered(1));
  EXPECT_DEATH(list[1], "size");
}

}  // namespace
}  // namespace ringroom::realtime
