#include "tools/load/claim.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ringroom::load {
namespace {

TEST(Claims, AreReadFromOneLine) {
  const auto claims = read_claims("p99-ms < 5, lost = 0,deliveries-per-s>=1.5e5");
  ASSERT_TRUE(claims);
  ASSERT_EQ(claims->size(), 3u);
  EXPECT_EQ(to_text((*claims)[0]), "p99-ms < 5");
  EXPECT_EQ(to_text((*claims)[1]), "lost = 0");
  EXPECT_EQ(to_text((*claims)[2]), "deliveries-per-s >= 150000");
}

TEST(Claims, SayWhereTheyAreWrong) {
  struct Row {
    std::string text;
    std::size_t offset;
  };
  const Row rows[] = {{"", 0},           {"p98-ms < 5", 0},     {"p99-ms 5", 7},
                      {"p99-ms < x", 9}, {"p99-ms < 5 ms", 11}, {"lost = 0, ", 10}};
  for (const Row& row : rows) {
    const auto claims = read_claims(row.text);
    ASSERT_FALSE(claims) << row.text;
    EXPECT_EQ(claims.error().offset, row.offset) << row.text << ": " << claims.error().sentence;
  }
}

TEST(Claims, HoldOnTheRightSideOfTheirBound) {
  struct Row {
    Relation relation;
    bool below, at, above;
  };
  const Row rows[] = {{Relation::less, true, false, false},
                      {Relation::at_most, true, true, false},
                      {Relation::equal, false, true, false},
                      {Relation::at_least, false, true, true},
                      {Relation::more, false, false, true}};
  for (const Row& row : rows) {
    const Claim claim{.measure = "lost", .relation = row.relation, .bound = 5};
    EXPECT_EQ(holds(claim, 4.9), row.below);
    EXPECT_EQ(holds(claim, 5), row.at);
    EXPECT_EQ(holds(claim, 5.1), row.above);
  }
}

TEST(Claims, CanBeMadeAboutEveryMeasure) {
  for (const std::string_view name : measure_names()) {
    EXPECT_TRUE(read_claims(std::string(name) + " < 1")) << name;
  }
}

}  // namespace
}  // namespace ringroom::load
