#include "realtime/room/state.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

Namespace options(std::uint64_t keys, std::uint64_t bytes) {
  Namespace out;
  out.state_keys = keys;
  out.state_bytes = bytes;
  return out;
}

TEST(State, KeepsTheLastValueOfAKeyWithItsVersion) {
  const Namespace rules = options(2, 100);
  State state(rules);
  state.set("eur", R"({"bid":1})", 7);
  state.set("eur", R"({"bid":2})", 9);
  ASSERT_NE(state.find("eur"), nullptr);
  EXPECT_EQ(state.find("eur")->json, R"({"bid":2})");
  EXPECT_EQ(state.version("eur"), 9);
  EXPECT_EQ(state.version("usd"), 0);
  EXPECT_EQ(state.bytes(), 3 + 9u);
}

TEST(State, HasRoomForAsManyKeysAsItMayKeep) {
  const Namespace rules = options(2, 100);
  State state(rules);
  state.set("a", "{}", 1);
  state.set("b", "{}", 2);
  EXPECT_FALSE(state.has_room_for("c", "{}"));
  EXPECT_TRUE(state.has_room_for("b", R"({"more":true})"));
  state.remove("a");
  EXPECT_TRUE(state.has_room_for("c", "{}"));
}

TEST(State, CountsBytesOfKeysAndValuesToTheLastOne) {
  const Namespace rules = options(10, 10);
  State state(rules);
  EXPECT_TRUE(state.has_room_for("key", "{\"a\":1}"));
  EXPECT_FALSE(state.has_room_for("key", "{\"a\":10}"));
  state.set("key", "{\"a\":1}", 1);
  EXPECT_FALSE(state.has_room_for("k", ""));
  EXPECT_TRUE(state.has_room_for("key", "{\"b\":2}"));
  state.remove("key");
  state.remove("key");
  EXPECT_EQ(state.bytes(), 0);
  EXPECT_EQ(state.size(), 0);
}

}  // namespace
}  // namespace ringroom::realtime
