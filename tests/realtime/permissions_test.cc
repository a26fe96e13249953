#include "realtime/access/permissions.h"

#include <gtest/gtest.h>

#include <utility>

namespace ringroom::realtime {
namespace {

TEST(Permissions, AreHeldByNobodyUnknown) {
  const PermissionView nobody;
  EXPECT_TRUE(nobody.has(no_permission));
  EXPECT_FALSE(nobody.has(7));
}

TEST(Permissions, AreASetWhateverTheOrder) {
  PermissionSets sets;
  const auto one = sets.hold({7, 3, 7});
  EXPECT_EQ(one, sets.hold({3, 7}));
  EXPECT_NE(one, sets.hold({3}));
  for (const std::uint64_t permission : {0u, 3u, 7u}) EXPECT_TRUE(sets.view(one).has(permission));
  for (const std::uint64_t permission : {1u, 5u, 8u}) EXPECT_FALSE(sets.view(one).has(permission));
}

TEST(Permissions, OfEverySortAreOneSet) {
  PermissionSets sets;
  const PermissionHold hold(sets, {PermissionView::every});
  EXPECT_TRUE(hold.view().has(1));
  EXPECT_TRUE(hold.view().has(~std::uint64_t{0}));
}

TEST(Permissions, NumbersAreUsedAgainWhenNobodyHoldsThem) {
  PermissionSets sets;
  const auto kept = sets.hold({1});
  {
    PermissionHold first(sets, {2});
    const PermissionHold moved(std::move(first));
    const PermissionHold second(sets, {2});
    EXPECT_EQ(moved.number(), second.number());
    EXPECT_EQ(sets.size(), 2u);
  }
  EXPECT_EQ(sets.size(), 1u);
  EXPECT_NE(sets.hold({3}), kept);
  EXPECT_EQ(sets.view(sets.hold({4})).has(4), true);
  EXPECT_TRUE(sets.view(kept).has(1));
}

TEST(Permissions, NoneAreNoSet) {
  PermissionSets sets;
  EXPECT_EQ(sets.hold({}), PermissionSets::none);
  EXPECT_EQ(sets.size(), 0u);
  sets.let_go(PermissionSets::none);
}

TEST(Permissions, TravelAsBytes) {
  PermissionSets sets;
  const auto number = sets.hold({9, 1});
  const PermissionView there = PermissionView::of(sets.view(number).bytes());
  EXPECT_TRUE(there.has(9));
  EXPECT_FALSE(there.has(2));
}

}  // namespace
}  // namespace ringroom::realtime
