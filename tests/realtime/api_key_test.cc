#include "realtime/access/api_key.h"

#include <gtest/gtest.h>

#include <string>

namespace ringroom::realtime {
namespace {

TEST(ApiKey, MatchesItselfAndNothingElse) {
  const ApiKey key("correct horse");
  EXPECT_TRUE(key.is_set());
  EXPECT_TRUE(key.matches("correct horse"));
  for (const std::string_view other :
       {"", "correct hors", "correct horse ", "Correct horse", "battery staple"}) {
    EXPECT_FALSE(key.matches(other)) << other;
  }
  EXPECT_FALSE(key.matches(std::string(1'000'000, 'x')));
  EXPECT_FALSE(key.matches(std::string_view("correct horse\0", 14)));
}

TEST(ApiKey, MatchesNothingWhenThereIsNone) {
  for (const ApiKey& key : {ApiKey{}, ApiKey{""}}) {
    EXPECT_FALSE(key.is_set());
    EXPECT_FALSE(key.matches(""));
    EXPECT_FALSE(key.matches("x"));
  }
}

}  // namespace
}  // namespace ringroom::realtime
