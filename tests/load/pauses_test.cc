#include "tools/load/pauses.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace ringroom::load {
namespace {

constexpr std::uint64_t never_ns = ~std::uint64_t{0};

struct Change {
  std::uint64_t at_ns;
  std::uint32_t listener;
  bool reads;
  bool operator==(const Change&) const = default;
};

std::vector<Change> all_of(Pauses pauses) {
  std::vector<Change> changes;
  while (pauses.due_ns() != never_ns && changes.size() < 1000) {
    const std::uint64_t at_ns = pauses.due_ns();
    const Pauses::Turn turn = pauses.take();
    changes.push_back({at_ns, turn.listener, turn.reads});
  }
  return changes;
}

TEST(Pauses, BeginOneAfterTheOtherAndEndInTheSameOrder) {
  Pauses pauses(3, 20, 40);
  pauses.start(1000, 1075);
  const std::vector<Change> expected = {{1000, 0, false}, {1020, 0, true},  {1020, 1, false},
                                        {1040, 1, true},  {1040, 2, false}, {1060, 2, true},
                                        {1060, 0, false}, {1075, 0, true}};
  EXPECT_EQ(all_of(pauses), expected);
}

TEST(Pauses, OverlapWhenTheyAreLongerThanTheirDistance) {
  Pauses pauses(2, 90, 10);
  pauses.start(0, 60);
  const std::vector<Change> expected = {
      {0, 0, false}, {50, 1, false}, {60, 0, true}, {60, 1, true}};
  EXPECT_EQ(all_of(pauses), expected);
}

TEST(Pauses, EndWithTheRunSoThatEverybodyReadsAtLast) {
  for (const std::uint32_t listeners : {1u, 2u, 7u, 50u}) {
    Pauses pauses(listeners, 100, 30);
    pauses.start(0, 1001);
    std::vector<bool> reads(listeners, true);
    for (const Change& change : all_of(pauses)) {
      EXPECT_NE(reads[change.listener], change.reads) << listeners << " at " << change.at_ns;
      EXPECT_LE(change.at_ns, 1001u);
      reads[change.listener] = change.reads;
    }
    EXPECT_EQ(reads, std::vector<bool>(listeners, true));
  }
}

TEST(Pauses, EndAtOnceWhenTheRunDoes) {
  Pauses pauses(3, 20, 40);
  pauses.start(1000, 2000);
  pauses.take();
  pauses.end_early(1005);
  EXPECT_EQ(all_of(pauses), (std::vector<Change>{{1005, 0, true}}));
}

TEST(Pauses, NeedSlowListenersAndAStart) {
  Pauses nobody(0, 1, 1);
  nobody.start(0, 1000);
  EXPECT_EQ(nobody.due_ns(), never_ns);
  EXPECT_EQ(Pauses(3, 1, 1).due_ns(), never_ns);
}

}  // namespace
}  // namespace ringroom::load
