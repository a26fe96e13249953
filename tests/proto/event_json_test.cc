#include "proto/dialect/event_json.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/json.h"

namespace ringroom::proto::dialect::event_json {
namespace {

class EventEncode : public testing::Test {
 protected:
  template <class Value>
  std::string encoded(const Value& value) {
    out_.clear();
    encode(value, out_);
    std::string text(out_.text());
    EXPECT_TRUE(parser_.parse_copy(text)) << text;
    return text;
  }
  alloc::CoreHeap memory_;
  alloc::BlockHeap heap_{memory_};
  alloc::BlockBuilder out_{heap_};
  JsonParser parser_;
};

TEST_F(EventEncode, GreetsWithTheWorkspace) {
  EXPECT_EQ(encoded(ConnectionAck{.correlation_id = {},
                                  .connection_id = "c1",
                                  .user_id = "ann",
                                  .heartbeat_interval_s = 25,
                                  .max_message_bytes = 1,
                                  .timestamp_ms = 1,
                                  .rooms = {},
                                  .workspace_id = "acme"}),
            R"({"event":"connected","connection_id":"c1","workspace_id":"acme"})");
}

TEST_F(EventEncode, WritesWhatHappensInAWorkspace) {
  Publication event{.type = "metrics_update",
                    .room = "workspace:default",
                    .sequence = 1,
                    .message_id = "m",
                    .sender = "ann",
                    .timestamp_ms = 1696243200123,
                    .payload = R"({"cpu":5})"};
  EXPECT_EQ(encoded(event), R"({"event":"metrics_update","data":{"cpu":5},"sequence":1,)"
                            R"("timestamp":"2023-10-02T10:40:00.123Z"})");
  event.sequence = 0;
  event.room = "lobby";
  EXPECT_EQ(encoded(event), R"({"event":"metrics_update","room":"lobby","data":{"cpu":5},)"
                            R"("timestamp":"2023-10-02T10:40:00.123Z"})");
  event.key = "cpu";
  event.patch = R"({"cpu":null})";
  EXPECT_EQ(encoded(event), R"({"event":"metrics_update","room":"lobby","key":"cpu","patch":true,)"
                            R"("data":{"cpu":null},"timestamp":"2023-10-02T10:40:00.123Z"})");
}

TEST_F(EventEncode, AnswersInTheSameForm) {
  const std::string_view types[] = {"metrics_update"};
  EXPECT_EQ(encoded(Subscribed{.correlation_id = {}, .event_types = types}),
            R"({"event":"subscribed","data":{"event_types":["metrics_update"]}})");
  EXPECT_EQ(
      encoded(Refusal{.code = ErrorCode::not_joined,
                      .correlation_id = "3",
                      .room = "lobby",
                      .message = "join first",
                      .retry_after_ms = {}}),
      R"({"event":"error_message","correlation_id":"3","room":"lobby","data":)"
      R"({"code":"not_joined","message":"join first","retryable":false,"retry_after":null}})");
  EXPECT_EQ(encoded(Pong{.correlation_id = "1", .timestamp_ms = 0}),
            R"({"event":"pong","correlation_id":"1","timestamp":"1970-01-01T00:00:00.000Z",)"
            R"("data":{}})");
}

TEST_F(EventEncode, EscapesEveryStringThatIsNotOurs) {
  const std::string evil = "\",\"admin\":true,\"x\":\"\n\\";
  for (const std::string& text : {encoded(Publication{.type = evil, .room = evil, .key = evil}),
                                  encoded(Ack{.correlation_id = evil, .room = evil, .epoch = evil}),
                                  encoded(ConnectionAck{.correlation_id = evil,
                                  .connection_id = evil,
                                  .user_id = {},
                                  .heartbeat_interval_s = 1,
                                  .max_message_bytes = 1,
                                  .timestamp_ms = 1,
                                  .rooms = {},
                                  .workspace_id = evil})}) {
    const auto root = parser_.parse_copy(text);
    ASSERT_TRUE(root);
    EXPECT_FALSE(root->find("admin")) << text;
  }
}

}  // namespace
}  // namespace ringroom::proto::dialect::event_json
