#include "alloc/slab.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace ringroom::alloc {
namespace {

TEST(Slab, FindsAnObjectUntilItIsRemoved) {
  Slab<int> slab;
  const auto id = slab.add(42);
  ASSERT_NE(slab.find(id), nullptr);
  EXPECT_EQ(*slab.find(id), 42);
  slab.remove(id);
  EXPECT_EQ(slab.find(id), nullptr);
}

TEST(Slab, AStaleIdFindsNothingInAReusedSlot) {
  Slab<int> slab;
  const auto first = slab.add(1);
  slab.remove(first);
  const auto second = slab.add(2);
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_EQ(slab.find(first), nullptr);
  EXPECT_EQ(*slab.find(second), 2);
}

TEST(Slab, ObjectsStayWhereTheyAreWhenItGrows) {
  Slab<int> slab;
  const auto first = slab.add(-1);
  const int* where = slab.find(first);
  std::set<std::uint32_t> slots{first.slot};
  for (int i = 0; i < 2'000; ++i) slots.insert(slab.add(i).slot);
  EXPECT_EQ(slab.find(first), where);
  EXPECT_EQ(slots.size(), 2'001u);
  EXPECT_EQ(slab.size(), 2'001u);
}

TEST(Slab, EndsItsObjectsWithItself) {
  auto watched = std::make_shared<int>(0);
  {
    Slab<std::shared_ptr<int>> slab;
    slab.remove(slab.add(watched));
    EXPECT_EQ(watched.use_count(), 1);
    slab.add(watched);
    slab.add(watched);
    EXPECT_EQ(watched.use_count(), 3);
  }
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(Slab, VisitsEveryObjectAndLetsTheVisitorRemoveIt) {
  Slab<int> slab;
  for (int i = 0; i < 600; ++i) slab.add(i);
  int visited = 0;
  slab.for_each([&](Slab<int>::Id id, int& value) {
    ++visited;
    if (value % 2 == 0) slab.remove(id);
  });
  EXPECT_EQ(visited, 600);
  EXPECT_EQ(slab.size(), 300u);
}

TEST(SlabDeathTest, StopsTheProcessWhenAnObjectIsRemovedTwice) {
  Slab<int> slab;
  const auto id = slab.add(1);
  slab.remove(id);
  EXPECT_DEATH(slab.remove(id), "check failed");
}

}  // namespace
}  // namespace ringroom::alloc
