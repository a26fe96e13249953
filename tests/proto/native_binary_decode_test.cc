#include <gtest/gtest.h>

#include <string>

#include "proto/bounds.h"
#include "proto/dialect/native_binary.h"
#include "proto/dialect/native_command.h"
#include "tests/proto/binary_message.h"

namespace ringroom::proto::dialect::native_binary {
namespace {

class BinaryDecode : public testing::Test {
 protected:
  Result<Command, DecodeError> decoded(std::string_view message) {
    bytes_.assign(message);
    bytes_.append(readable_behind_bytes, '}');
    return decode(std::as_writable_bytes(std::span(bytes_.data(), message.size())), parser_,
                  fields_parser_);
  }
  Command good(std::string_view message) {
    const auto result = decoded(message);
    EXPECT_TRUE(result) << result.error().path << " " << result.error().message;
    return result ? *result : Command{};
  }
  Command good(const ClientMessage& message) { return good(written(message)); }
  DecodeError bad(std::string_view message) {
    const auto result = decoded(message);
    EXPECT_FALSE(result) << testing::PrintToString(message);
    return result ? DecodeError{} : result.error();
  }
  std::string_view path_of(const ClientMessage& message) {
    const DecodeError error = bad(written(message));
    EXPECT_EQ(error.code, ErrorCode::invalid) << error.message;
    EXPECT_FALSE(error.message.empty());
    return error.path;
  }

  std::string bytes_;
  JsonParser parser_, fields_parser_;
};

constexpr std::string_view uuid_bytes_of_a_test =
    "\x01\xa1\xfb\xb6\xe0\x64\x79\xd9\xb4\x14\xfa\xb4\x94\xe6\xdc\x04";
constexpr std::string_view uuid_text_of_a_test = "01a1fbb6-e064-79d9-b414-fab494e6dc04";

TEST_F(BinaryDecode, ReadsARoomMessageByNumberAndByName) {
  const Command numbered = good(
      {.room_id = 7, .type = "room_message", .message_id = "2", .payload = R"({"text":"hi"})"});
  EXPECT_EQ(numbered.kind, CommandKind::publish);
  EXPECT_EQ(numbered.type, "room_message");
  EXPECT_EQ(numbered.message_id, "2");
  EXPECT_EQ(numbered.room_number, 7u);
  EXPECT_EQ(numbered.room, "");
  EXPECT_EQ(numbered.payload, R"({"text":"hi"})");
  EXPECT_FALSE(numbered.payload_is_raw);

  const Command named = good({.type = "quote:update", .fields = R"({"room":"lobby"})"});
  EXPECT_EQ(named.kind, CommandKind::publish);
  EXPECT_EQ(named.type, "quote:update");
  EXPECT_EQ(named.room, "lobby");
  EXPECT_EQ(named.room_number, 0u);
  EXPECT_EQ(named.payload, "{}");
}

TEST_F(BinaryDecode, WritesUuidsOut) {
  const Command command = good({.type = "query_cancel",
                                .uuid = uuid_bytes_of_a_test,
                                .correlation_uuid = uuid_bytes_of_a_test});
  EXPECT_EQ(command.message_id, uuid_text_of_a_test);
  EXPECT_EQ(command.correlation_id, uuid_text_of_a_test);
  EXPECT_EQ(good({.type = "query_cancel", .correlation_id = "q1"}).correlation_id, "q1");
}

TEST_F(BinaryDecode, TakesBytesThatMeanNothingToIt) {
  const Command command = good({.room_id = 7,
                                .type = "room_message",
                                .payload = std::string_view("\0\xff{\n", 4),
                                .raw = true});
  EXPECT_TRUE(command.payload_is_raw);
  EXPECT_EQ(command.payload, std::string_view("\0\xff{\n", 4));
  EXPECT_EQ(good({.room_id = 7, .type = "cursor_position", .raw = true}).payload, "");
  EXPECT_EQ(path_of({.room_id = 7, .type = "join_room", .payload = "x", .raw = true}), "payload");
  EXPECT_EQ(path_of({.room_id = 7,
                     .type = "room_message",
                     .fields = R"({"key":"k"})",
                     .payload = "x",
                     .raw = true}),
            "payload");
}

TEST_F(BinaryDecode, RefusesEveryPrefixOfAnEnvelope) {
  const std::string_view payload = R"({"history":20})";
  const std::string message = written({.room_id = 300,
                                       .type = "join_room",
                                       .uuid = uuid_bytes_of_a_test,
                                       .correlation_id = "c",
                                       .fields = R"({"room":"r"})",
                                       .payload = payload,
                                       .with_what_only_the_server_says = true});
  good(message);
  for (std::size_t cut = 0; cut < message.size(); ++cut) {
    const std::string_view prefix = std::string_view(message).substr(0, cut);
    if (cut == message.size() - payload.size()) {
      good(prefix);  // nothing is an empty payload
    } else {
      EXPECT_EQ(bad(prefix).code, ErrorCode::bad_request) << cut;
    }
  }
}

TEST_F(BinaryDecode, RefusesAnotherVersionAndKind) {
  for (const std::string_view message : {"", "\x12", "\x10", "\x13", "\x21", "{\"type\":\"ping\"}"})
    EXPECT_EQ(bad(message).code, ErrorCode::bad_request);
}

TEST_F(BinaryDecode, HoldsNumbersToTheirBounds) {
  EXPECT_EQ(good({.room_id = 0xffff'ffff, .type = "ping"}).room_number, 0xffff'ffffu);
  EXPECT_EQ(path_of({.room_id = 0x1'0000'0000, .type = "ping"}), "room_id");
  const auto with_type = [](std::string_view number) {
    return std::string("\x11\0\0", 3) + std::string(number);
  };
  EXPECT_EQ(bad(with_type(varint(std::size(types) + 1))).path, "type");
  EXPECT_EQ(bad(with_type("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")).path, "type");
  EXPECT_EQ(bad(with_type("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")).code,
            ErrorCode::bad_request);
  EXPECT_EQ(bad(with_type("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")).code,
            ErrorCode::bad_request);
}

TEST_F(BinaryDecode, EveryNumberIsATypeOfOneSide) {
  for (const std::string_view type : types) {
    const auto result = decoded(written({.room_id = 1, .type = type}));
    if (is_server_type(type)) {
      EXPECT_EQ(result.error().path, "type") << type;
    } else if (result) {
      EXPECT_EQ(result->type, type);
    } else {
      EXPECT_NE(result.error().path, "type") << type << " lacks something, but is known";
    }
  }
}

TEST_F(BinaryDecode, HoldsNamesToTheirForms) {
  EXPECT_EQ(path_of({.room_id = 1, .type = "A"}), "type");
  EXPECT_EQ(path_of({.room_id = 1, .type = ""}), "type");
  EXPECT_EQ(path_of({.room_id = 1, .type = "message_batch"}), "type");
  EXPECT_EQ(path_of({.type = "ping", .message_id = "a\n"}), "message_id");
  EXPECT_EQ(path_of({.type = "ping", .message_id = "\xff"}), "message_id");
  EXPECT_EQ(path_of({.type = "ping", .message_id = std::string(129, 'i')}), "message_id");
  EXPECT_EQ(path_of({.type = "ping", .correlation_id = "\xff"}), "correlation_id");
  EXPECT_EQ(path_of({.type = "join_room", .fields = R"({"room":""})"}), "room");
  EXPECT_EQ(path_of({.type = "join_room"}), "room");
  EXPECT_EQ(path_of({.type = "ping", .fields = "[]"}), "fields");
  EXPECT_EQ(path_of({.type = "join_room", .fields = R"({"room":"a","room":"b"})"}), "room");
  EXPECT_EQ(path_of({.type = "join_room", .fields = R"({"room":"a"})", .payload = "[]"}),
            "payload");
}

TEST_F(BinaryDecode, ReadsTheRarerFieldsAndNothingThatStandsElsewhere) {
  const Command command =
      good({.room_id = 7,
            .type = "quote_update",
            .message_id = "m",
            .fields = R"({"key":"eur","expected_version":7,"priority":"high",)"
                      R"("type":"ping","message_id":"x","correlation_id":"y","payload":{"a":1},)"
                      R"("timestamp":"never"})",
            .payload = "{\"a\":\r\n2}"});
  EXPECT_EQ(command.type, "quote_update");
  EXPECT_EQ(command.message_id, "m");
  EXPECT_EQ(command.correlation_id, "");
  EXPECT_EQ(command.key, "eur");
  EXPECT_EQ(command.expected_version, 7);
  EXPECT_EQ(command.priority, Priority::high);
  EXPECT_EQ(command.payload, "{\"a\":  2}");
  EXPECT_EQ(
      good({.room_id = 7, .type = "note", .fields = R"({"requires":"p"})"}).required_permission,
      "p");
}

TEST_F(BinaryDecode, NamesTheMessageItComplainsAbout) {
  EXPECT_EQ(bad(written({.type = "ack", .message_id = "m1"})).correlation_id, "m1");
  EXPECT_EQ(bad(written({.type = "ping", .message_id = "m2", .payload = "{"})).correlation_id,
            "m2");
  EXPECT_EQ(bad(written({.type = "ping", .message_id = "m3", .fields = "{"})).correlation_id, "m3");
  EXPECT_EQ(bad(written({.type = "ack", .uuid = uuid_bytes_of_a_test})).correlation_id,
            uuid_text_of_a_test);
}

TEST_F(BinaryDecode, TakesListsFromThePayload) {
  const Command connect =
      good({.type = "connect",
            .uuid = uuid_bytes_of_a_test,
            .correlation_uuid = uuid_bytes_of_a_test,
            .payload = R"({"rooms":[{"room":"a","sequence":9,"epoch":"b5"},{"room":"b"}]})"});
  ASSERT_EQ(connect.rooms.size(), 2u);
  EXPECT_EQ(connect.rooms[0].recover->sequence, 9u);
  EXPECT_EQ(connect.message_id, uuid_text_of_a_test);
}

class BinaryBatch : public testing::Test {
 protected:
  static std::string entry(std::string_view message) {
    std::string out;
    for (int i = 0; i < 4; ++i) out += static_cast<char>(message.size() >> 8 * i);
    return out + std::string(message);
  }
  Result<BatchReader, DecodeError> opened(std::string_view batch) {
    bytes_.assign(batch);
    return BatchReader::open(std::as_writable_bytes(std::span(bytes_)));
  }
  std::string bytes_;
};

TEST_F(BinaryBatch, GivesItsMessagesInOrder) {
  const auto batch = opened("\x12" + entry("a") + entry("") + entry(std::string(300, 'b')));
  ASSERT_TRUE(batch);
  BatchReader reader = *batch;
  EXPECT_EQ(reader.next()->size(), 1u);
  EXPECT_EQ(reader.next()->size(), 0u);
  EXPECT_EQ(reader.next()->size(), 300u);
  EXPECT_FALSE(reader.next());
}

TEST_F(BinaryBatch, IsRefusedWholeWhenItIsCut) {
  const std::string batch = "\x12" + entry("abc") + entry("d");
  for (std::size_t cut = 1; cut < batch.size(); ++cut)
    EXPECT_EQ(bool(opened(std::string_view(batch).substr(0, cut))), cut == 8) << cut;
  EXPECT_FALSE(opened(std::string("\x12\xff\xff\xff\xff", 5)));
}

TEST_F(BinaryBatch, IsBounded) {
  std::string batch = "\x12";
  for (std::size_t i = 0; i < batch_messages_max; ++i) batch += entry("x");
  EXPECT_TRUE(opened(batch));
  EXPECT_EQ(opened(batch + entry("x")).error().path, "messages");
  EXPECT_EQ(opened("\x12").error().path, "messages");
}

}  // namespace
}  // namespace ringroom::proto::dialect::native_binary
