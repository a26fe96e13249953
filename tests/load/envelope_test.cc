#include "tools/load/envelope.h"

#include <gtest/gtest.h>

#include <string_view>

namespace ringroom::load {
namespace {

constexpr std::string_view message =
    R"({"type":"room_message","room":"lobby","sequence":44,"message_id":"0","correlation_id":"2",)"
    R"("sender":"a\"}nn","timestamp":1696248000.5,"payload":{"text":"hi }","list":[1,{"a":null}]}})";

TEST(Envelope, FindsTheFieldsOfAMessage) {
  const auto envelope = read_envelope(message);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->type, "room_message");
  EXPECT_EQ(envelope->room, "lobby");
  EXPECT_EQ(envelope->correlation_id, "2");
  EXPECT_EQ(envelope->sequence, 44u);
  EXPECT_EQ(envelope->payload, R"({"text":"hi }","list":[1,{"a":null}]})");
}

TEST(Envelope, DoesNotDependOnOrderOrWhiteSpace) {
  const auto envelope = read_envelope(
      " { \"payload\" : { \"type\" : \"x\" } ,\n\"sequence\" : 7 , \"flag\":true, \"type\" "
      ":\t\"ack\" } ");
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->type, "ack");
  EXPECT_EQ(envelope->sequence, 7u);
  EXPECT_EQ(envelope->payload, "{ \"type\" : \"x\" }");
}

TEST(Envelope, LeavesEmptyWhatIsAbsent) {
  const auto envelope = read_envelope("{}");
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->type, "");
  EXPECT_EQ(envelope->sequence, 0u);
}

TEST(Envelope, RefusesEveryPrefix) {
  for (std::size_t prefix = 0; prefix < message.size(); ++prefix) {
    EXPECT_FALSE(read_envelope(message.substr(0, prefix))) << prefix;
  }
}

TEST(Envelope, RefusesWhatIsNotOneObject) {
  for (const std::string_view text :
       {"", "null", "[]", "1", "{}x", "{\"a\" 1}", "{\"a\":}", "{a:1}"}) {
    EXPECT_FALSE(read_envelope(text)) << text;
  }
}

}  // namespace
}  // namespace ringroom::load
