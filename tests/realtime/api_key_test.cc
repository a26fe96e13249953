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

TEST(ApiKey, IsFoundAmongOthersWithWhatItMayBeUsedFor) {
  ApiKeys keys;
  EXPECT_TRUE(keys.is_empty());
  keys.add("none", {Scope::admin}, {}, "");
  EXPECT_TRUE(keys.is_empty()) << "an empty key lets nobody in";
  keys.add("one", {Scope::publish}, {}, "first key");
  keys.add("two", {Scope::read, Scope::rooms}, {}, "second key");
  ASSERT_NE(keys.find("first key"), nullptr);
  EXPECT_EQ(keys.find("first key")->name, "one");
  EXPECT_FALSE(keys.find("first key")->scopes.has(Scope::read));
  EXPECT_TRUE(keys.find("second key")->scopes.has(Scope::rooms));
  for (const std::string_view other : {"", "first", "first keysecond key", "third key"})
    EXPECT_EQ(keys.find(other), nullptr) << other;
}

}  // namespace
}  // namespace ringroom::realtime
