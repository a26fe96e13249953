#include <gtest/gtest.h>

#include <string>

#include "proto/dialect/native_json.h"

namespace ringroom::proto::dialect::native_json {
namespace {

class NativeEncode : public testing::Test {
 protected:
  // Everything we send must be JSON that our own parser accepts.
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

TEST_F(NativeEncode, WritesAPublicationWithEverythingInIt) {
  EXPECT_EQ(encoded(Publication{.type = "room_message",
                                .room = "lobby",
                                .sequence = 44,
                                .message_id = "01a1fbb6",
                                .correlation_id = "2",
                                .sender = "ann",
                                .timestamp_ms = 1696248000005,
                                .payload = R"({"text":"hi"})"}),
            R"({"type":"room_message","room":"lobby","sequence":44,"message_id":"01a1fbb6",)"
            R"("correlation_id":"2","sender":"ann","timestamp":1696248000.005,)"
            R"("payload":{"text":"hi"}})");
}

TEST_F(NativeEncode, TellsAValueItsChangeOrItsEnd) {
  const Publication value{
      .type = "quote", .timestamp_ms = 1000, .payload = R"({"a":1})", .key = "e"};
  EXPECT_EQ(encoded(value), R"({"type":"quote","timestamp":1.000,"key":"e","payload":{"a":1}})");
  Publication change = value;
  change.patch = R"({"a":null})";
  EXPECT_EQ(encoded(change),
            R"({"type":"quote","timestamp":1.000,"key":"e","patch":true,"payload":{"a":null}})");
  Publication end = value;
  end.removed = true;
  EXPECT_EQ(encoded(end),
            R"({"type":"quote","timestamp":1.000,"key":"e","removed":true,"payload":{"a":1}})");
}

TEST_F(NativeEncode, LeavesOutWhatAPublicationDoesNotHave) {
  EXPECT_EQ(encoded(Publication{.type = "user_joined", .room = "r", .timestamp_ms = 1000}),
            R"({"type":"user_joined","room":"r","timestamp":1.000,"payload":{}})");
}

TEST_F(NativeEncode, EscapesEveryStringThatIsNotOurs) {
  const std::string evil = "\",\"admin\":true,\"x\":\"\n\\";
  for (const std::string& text :
       {encoded(Publication{
            .type = "x", .room = evil, .message_id = evil, .correlation_id = evil, .sender = evil}),
        encoded(Ack{.correlation_id = evil, .room = evil, .epoch = evil}),
        encoded(Refusal{.code = ErrorCode::invalid,
        .correlation_id = evil,
        .room = evil,
        .message = evil,
        .retry_after_ms = {}}),
        encoded(RoomLeft{.correlation_id = evil, .room = evil, .reason = evil}),
        encoded(RoomReset{.room = evil, .epoch = evil, .sequence = 1, .reason = evil}),
        encoded(Reconnect{.delay_ms = 1, .reason = evil}),
        encoded(SystemMessage{.code = evil, .message = evil, .timestamp_ms = 1})}) {
    const auto root = parser_.parse_copy(text);
    ASSERT_TRUE(root);
    EXPECT_FALSE(root->find("admin")) << text;
  }
}

TEST_F(NativeEncode, WritesAcksAndRefusals) {
  EXPECT_EQ(encoded(Ack{.correlation_id = "2", .room = "lobby", .sequence = 44, .epoch = "b5"}),
            R"({"type":"ack","correlation_id":"2",)"
            R"("payload":{"room":"lobby","sequence":44,"epoch":"b5"}})");
  EXPECT_EQ(
      encoded(Refusal{.code = ErrorCode::not_joined,
                      .correlation_id = "3",
                      .room = "lobby",
                      .message = "join first",
                      .retry_after_ms = {}}),
      R"({"type":"error_message","correlation_id":"3","room":"lobby","payload":)"
      R"({"code":"not_joined","message":"join first","retryable":false,"retry_after":null}})");
  EXPECT_EQ(encoded(Refusal{.code = ErrorCode::rate_limited,
                            .correlation_id = "",
                            .room = "",
                            .message = "slow down",
                            .retry_after_ms = 1500}),
            R"({"type":"error_message","payload":{"code":"rate_limited","message":"slow down",)"
            R"("retryable":true,"retry_after":1.500}})");
  const InvalidField errors[] = {{"payload.text", "required"}, {"room", "unknown"}};
  EXPECT_EQ(
      encoded(Invalid{.correlation_id = "3", .errors = errors}),
      R"({"type":"validation_error","correlation_id":"3","payload":{"code":"invalid","errors":)"
      R"([{"path":"payload.text","message":"required"},{"path":"room","message":"unknown"}]}})");
}

TEST_F(NativeEncode, GreetsWithLimitsAndPositions) {
  const RoomPosition rooms[] = {{.room = "user:ann", .epoch = "b5", .sequence = 9},
                                {.room = "a\"b", .epoch = "c", .sequence = 0}};
  EXPECT_EQ(encoded(ConnectionAck{.correlation_id = "",
                                  .connection_id = "c1",
                                  .user_id = "ann",
                                  .heartbeat_interval_s = 25,
                                  .max_message_bytes = 65536,
                                  .timestamp_ms = 2000,
                                  .rooms = rooms}),
            R"({"type":"connection_ack","timestamp":2.000,"payload":{"connection_id":"c1",)"
            R"("user_id":"ann","heartbeat_interval":25,"max_message_bytes":65536,"rooms":)"
            R"({"user:ann":{"sequence":9,"epoch":"b5"},"a\"b":{"sequence":0,"epoch":"c"}}}})");
}

TEST_F(NativeEncode, WritesWhatAJoinBrings) {
  const std::string_view messages[] = {R"({"sequence":42})", R"({"sequence":43})"};
  const std::string_view members[] = {"ann", "bo"};
  EXPECT_EQ(encoded(RoomJoined{.correlation_id = "1",
                               .room = "lobby",
                               .room_id = 7,
                               .sequence = 43,
                               .epoch = "b5",
                               .recovered = true,
                               .messages = messages,
                               .members = std::span<const std::string_view>(members),
                               .member_count = 2}),
            R"({"type":"room_joined","correlation_id":"1","room":"lobby","payload":{"room_id":7,)"
            R"("sequence":43,"epoch":"b5","recovered":true,)"
            R"("messages":[{"sequence":42},{"sequence":43}],"members":["ann","bo"],)"
            R"("member_count":2}})");
  EXPECT_EQ(encoded(RoomJoined{.correlation_id = "1",
                               .room = "r",
                               .room_id = 0,
                               .sequence = 0,
                               .epoch = "e",
                               .recovered = {},
                               .messages = {},
                               .members = {},
                               .member_count = {}}),
            R"({"type":"room_joined","correlation_id":"1","room":"r","payload":{"sequence":0,)"
            R"("epoch":"e","messages":[]}})");
}

TEST_F(NativeEncode, WritesListsOfPeopleAndMessages) {
  const PresenceMember people[] = {{.user_id = "ann", .connections = 2, .info = R"({"n":1})"},
                                   {.user_id = "bo", .connections = 1, .info = {}}};
  EXPECT_EQ(
      encoded(PresenceList{
          .correlation_id = "5", .room = "r", .members = people, .count = 9, .connections = 12}),
      R"({"type":"presence","correlation_id":"5","room":"r","payload":{"members":)"
      R"([{"user_id":"ann","connections":2,"info":{"n":1}},)"
      R"({"user_id":"bo","connections":1}],"count":9,"connections":12}})");
  const std::string_view messages[] = {"{}", "{}"};
  EXPECT_EQ(
      encoded(HistoryPage{
          .correlation_id = "6", .room = "r", .messages = messages, .sequence = 2, .epoch = "e"}),
      R"({"type":"history","correlation_id":"6","room":"r","payload":)"
      R"({"messages":[{},{}],"sequence":2,"epoch":"e"}})");
  EXPECT_EQ(encoded(MessageBatch{.batch_id = "b", .timestamp_ms = 1000, .messages = messages}),
            R"({"type":"message_batch","batch_id":"b","timestamp":1.000,"messages":[{},{}]})");
}

TEST_F(NativeEncode, SaysWhatAnAckMeans) {
  EXPECT_EQ(encoded(Ack{.correlation_id = "2", .sequence = 4, .level = "stored"}),
            R"({"type":"ack","correlation_id":"2","payload":{"sequence":4,"level":"stored"}})");
  EXPECT_EQ(
      encoded(Ack{.correlation_id = "2", .sequence = 4, .level = "accepted", .duplicate = true}),
      R"({"type":"ack","correlation_id":"2",)"
      R"("payload":{"sequence":4,"level":"accepted","duplicate":true}})");
}

TEST_F(NativeEncode, DescribesRooms) {
  const RoomDescription room{.room = "r",
                             .owner = "ann",
                             .max_members = 9,
                             .is_public = true,
                             .metadata = R"({"topic":"x"})",
                             .members = 2,
                             .sequence = 5,
                             .epoch = "e",
                             .created_ms = 1500};
  const std::string described =
      R"({"room":"r","owner":"ann","max_members":9,"public":true,"metadata":{"topic":"x"},)"
      R"("members":2,"sequence":5,"epoch":"e","created":1.500})";
  EXPECT_EQ(encoded(RoomInfo{.correlation_id = "1", .room = room}),
            R"({"type":"room_info","correlation_id":"1","room":"r","payload":)" + described + "}");
  EXPECT_EQ(
      encoded(RoomCreated{.correlation_id = "1", .room = room}),
      R"({"type":"room_created","correlation_id":"1","room":"r","payload":)" + described + "}");
  EXPECT_EQ(encoded(RoomDeleted{.correlation_id = "1", .room = "r"}),
            R"({"type":"room_deleted","correlation_id":"1","room":"r","payload":{}})");
  const RoomDescription rooms[] = {room, RoomDescription{.room = "s"}};
  EXPECT_EQ(encoded(RoomList{.correlation_id = "1", .rooms = rooms, .count = 7}),
            R"({"type":"room_list","correlation_id":"1","payload":{"rooms":[)" + described +
                R"(,{"room":"s","public":false,"metadata":{},"members":0,"sequence":0,)"
                R"("epoch":"","created":0.000}],"count":7}})");
}

TEST_F(NativeEncode, TellsWhoCameAndWentInALargeRoom) {
  const PresenceMember joined[] = {{.user_id = "ann", .info = R"({"n":1})"}};
  const std::string_view left[] = {"bo", "c\"y"};
  const PresenceMember updated[] = {{.user_id = "di"}};
  EXPECT_EQ(encoded(PresenceDiff{
                .room = "r",
                .names = PresenceDiff::Names{.joined = joined, .left = left, .updated = updated},
                .count = 500}),
            R"({"type":"presence_diff","room":"r","payload":{"joined":)"
            R"([{"user_id":"ann","info":{"n":1}}],"left":["bo","c\"y"],)"
            R"("updated":[{"user_id":"di"}],"count":500}})");
  EXPECT_EQ(encoded(PresenceDiff{.room = "r", .names = std::nullopt, .count = 500}),
            R"({"type":"presence_diff","room":"r","payload":{"count":500}})");
  EXPECT_EQ(encoded(PresenceList{.correlation_id = "5",
                                 .room = "r",
                                 .members = std::nullopt,
                                 .count = 500,
                                 .connections = 700}),
            R"({"type":"presence","correlation_id":"5","room":"r",)"
            R"("payload":{"count":500,"connections":700}})");
}

TEST_F(NativeEncode, SaysWhichEventsAreHeard) {
  const std::string_view types[] = {"a", "b"};
  EXPECT_EQ(encoded(Subscribed{.correlation_id = "1", .event_types = types}),
            R"({"type":"subscribed","correlation_id":"1","payload":{"event_types":["a","b"]}})");
  EXPECT_EQ(encoded(Unsubscribed{.correlation_id = "1", .event_types = {}}),
            R"({"type":"unsubscribed","correlation_id":"1","payload":{"event_types":[]}})");
}

TEST_F(NativeEncode, WritesTheSmallOnes) {
  EXPECT_EQ(encoded(RoomLeft{.correlation_id = "1", .room = "r", .reason = ""}),
            R"({"type":"room_left","correlation_id":"1","room":"r","payload":{}})");
  EXPECT_EQ(encoded(RoomReset{.room = "r", .epoch = "e", .sequence = 3, .reason = "failover"}),
            R"({"type":"room_reset","room":"r","payload":)"
            R"({"sequence":3,"epoch":"e","reason":"failover"}})");
  EXPECT_EQ(encoded(Pong{.correlation_id = "1", .timestamp_ms = 1}),
            R"({"type":"pong","correlation_id":"1","timestamp":0.001,"payload":{}})");
  EXPECT_EQ(encoded(Heartbeat{.correlation_id = "", .timestamp_ms = 1}),
            R"({"type":"heartbeat","timestamp":0.001,"payload":{}})");
  EXPECT_EQ(
      encoded(SystemMessage{
          .type = "service_degradation", .code = "http_only", .message = "m", .timestamp_ms = 1}),
      R"({"type":"service_degradation","timestamp":0.001,"payload":)"
      R"({"code":"http_only","message":"m"}})");
  EXPECT_EQ(encoded(SystemMessage{
                .code = "offline_overflow", .message = "m", .timestamp_ms = 1, .count = 7}),
            R"({"type":"system_message","timestamp":0.001,"payload":)"
            R"({"code":"offline_overflow","message":"m","count":7}})");
  EXPECT_EQ(encoded(Reconnect{.delay_ms = 250, .reason = "draining"}),
            R"({"type":"reconnect","payload":{"delay_ms":250,"reason":"draining"}})");
}

TEST_F(NativeEncode, OfEveryErrorCodeNamesARowOfTheTable) {
  for (const ErrorRow& row : error_rows) {
    const std::string text = encoded(Refusal{
        .code = row.code, .correlation_id = {}, .room = {}, .message = "m", .retry_after_ms = {}});
    EXPECT_NE(text.find("\"" + std::string(row.name) + "\""), std::string::npos);
    EXPECT_GE(row.http_status, 400);
  }
}

}  // namespace
}  // namespace ringroom::proto::dialect::native_json
