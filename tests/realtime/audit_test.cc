// A letter between cores that is lost: who was to hear of it is closed with 4512 and can recover,
// never left silent. In service no letter is lost, so it is taken away here.

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "proto/close_code.h"
#include "tests/support/scripted_node.h"

namespace ringroom::realtime {
namespace {

using support::ScriptedClient;
using support::ScriptedNode;

constexpr CoreId home{0}, away{1};
constexpr auto lost_something = std::uint16_t(proto::CloseCode::insufficient_state);

Config configuration() {
  Config config;
  config.insecure_dev = true;
  config.drain_ms = 0;
  config.namespaces.push_back({.name = {}, .history_count = 100});
  return config;
}

class PositionAudit : public testing::Test {
 protected:
  struct Listener {
    ScriptedClient* connection;
    std::vector<std::string> heard;
    bool has(std::string_view text) const {
      for (const std::string& each : heard)
        if (each.find(text) != std::string::npos) return true;
      return false;
    }
  };

  Listener& listener(CoreId core, const std::string& name) {
    Listener& out = listeners_.emplace_back(Listener{&node_.connect(core, name), {}});
    out.connection->on_message = [&out](std::string_view json) { out.heard.emplace_back(json); };
    return out;
  }
  void join(Listener& who, const std::string& room, const std::string& payload = "{}") {
    who.connection->say(R"({"type":"join_room","room":")" + room + R"(","payload":)" + payload +
                        "}");
    node_.settle();
  }
  // Said, and numbered by the room; what it wrote to the other core waits there.
  void publish(Listener& who, const std::string& room, const std::string& text) {
    who.connection->say(R"({"type":"room_message","message_id":")" + text + R"(","room":")" + room +
                        R"(","payload":{"text":")" + text + "\"}}");
    node_.turn(home);
  }

  ScriptedNode node_{configuration(), 2};
  std::deque<Listener> listeners_;
};

TEST_F(PositionAudit, ClosesThoseWhoALetterWasLostFor) {
  const std::string room = node_.room_at(home), other_room = node_.room_at(home);
  Listener& speaker = listener(home, "speaker");
  Listener& near = listener(home, "near");
  Listener& far = listener(away, "far");
  Listener& farther = listener(away, "farther");
  Listener& elsewhere = listener(away, "elsewhere");
  for (Listener* each : {&speaker, &near, &far, &farther}) join(*each, room);
  join(elsewhere, other_room);

  publish(speaker, room, "first");
  node_.settle();
  publish(speaker, room, "second");
  ASSERT_EQ(node_.lose<Deliver>(away), 1u);
  node_.settle();
  // Nobody knows yet: they wait for what will not come.
  EXPECT_TRUE(near.has("second"));
  EXPECT_FALSE(far.has("second"));
  EXPECT_TRUE(far.connection->is_open());

  node_.audit(home);
  node_.settle();
  EXPECT_EQ(far.connection->close_code(), lost_something);
  EXPECT_EQ(farther.connection->close_code(), lost_something);
  for (Listener* each : {&speaker, &near, &elsewhere}) EXPECT_TRUE(each->connection->is_open());
  EXPECT_EQ(node_.shard(away).counters.position_gaps_total.read(), 1u);

  // What was lost on the way is not lost: the room remembers it.
  Listener& again = listener(away, "far");
  const std::string epoch(
      node_.shard(home)
          .rooms
          .find(node_.shard(home).node.room_id(ScopedName::kept(room)), ScopedName::kept(room))
          ->epoch());
  join(again, room, R"({"recover":{"epoch":")" + epoch + R"(","sequence":1}})");
  EXPECT_TRUE(again.has("\"recovered\":true"));
  EXPECT_TRUE(again.has("second"));
}

TEST_F(PositionAudit, NeedNotBeAwaitedWhereAnotherMessageFollows) {
  const std::string room = node_.room_at(home);
  Listener& speaker = listener(home, "speaker");
  Listener& far = listener(away, "far");
  for (Listener* each : {&speaker, &far}) join(*each, room);
  publish(speaker, room, "first");
  ASSERT_EQ(node_.lose<Deliver>(away), 1u);
  publish(speaker, room, "second");
  node_.settle();
  EXPECT_EQ(far.connection->close_code(), lost_something);
  EXPECT_FALSE(far.has("second")) << "nothing is heard behind a hole";
}

// However far the batches and the question are on their way.
TEST_F(PositionAudit, FindsNothingWhereNothingWasLost) {
  const std::string room = node_.room_at(home);
  Listener& speaker = listener(home, "speaker");
  Listener& far = listener(away, "far");
  for (Listener* each : {&speaker, &far}) join(*each, room);
  for (int n = 0; n < 20; ++n) {
    publish(speaker, room, "m" + std::to_string(n));
    if (n % 3 == 0) node_.audit(home);
    if (n % 5 == 0) node_.turn(away, 1 + static_cast<std::size_t>(n) % 2);
  }
  node_.audit(home);
  node_.settle();
  EXPECT_TRUE(far.connection->is_open());
  EXPECT_TRUE(far.has("m19"));
  EXPECT_EQ(node_.shard(away).counters.position_gaps_total.read(), 0u);
}

}  // namespace
}  // namespace ringroom::realtime
