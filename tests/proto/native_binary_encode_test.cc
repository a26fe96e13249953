#include <gtest/gtest.h>

#include <string>

#include "proto/dialect/native_binary.h"
#include "proto/dialect/native_json.h"
#include "proto/uuid.h"

namespace ringroom::proto::dialect::native_binary {
namespace {

using namespace std::string_literals;

class BinaryEncode : public testing::Test {
 protected:
  template <class Value>
  std::string encoded(const Value& value) {
    out_.clear();
    encode(value, out_);
    return std::string(out_.text());
  }
  template <class Value>
  std::size_t json_bytes(const Value& value) {
    out_.clear();
    native_json::encode(value, out_);
    return out_.size();
  }
  alloc::CoreHeap memory_;
  alloc::BlockHeap heap_{memory_};
  alloc::BlockBuilder out_{heap_};
};

Publication sample() {
  return {.type = "room_message",
          .room = "lobby",
          .sequence = 44,
          .message_id = "01a1fbb6-e064-79d9-b414-fab494e6dc04",
          .correlation_id = {},
          .sender = "ann",
          .timestamp_ms = 0x0102'0304'0506,
          .payload = R"({"text":"hi"})",
          .room_number = 7};
}

TEST_F(BinaryEncode, WritesAPublicationAsTheProtocolDrawsIt) {
  EXPECT_EQ(encoded(sample()),
            "\x11\x1b\x07\x01"
            "\x2c"
            "\x01\xa1\xfb\xb6\xe0\x64\x79\xd9\xb4\x14\xfa\xb4\x94\xe6\xdc\x04"
            "\x03"
            "ann"
            "\x01\x02\x03\x04\x05\x06"
            R"({"text":"hi"})"s);
}

TEST_F(BinaryEncode, TakesAboutAQuarterOfTheBytesOfJson) {
  Publication message = sample();
  message.timestamp_ms = 1696248000005;
  EXPECT_EQ(encoded(message).size(), 44u);
  EXPECT_EQ(json_bytes(message), 170u);
  message.payload = "{}";
  message.message_id = {};
  EXPECT_EQ(encoded(message).size(), 17u);
}

TEST_F(BinaryEncode, WritesIdsThatAreNoUuidsAsTexts) {
  Publication message = sample();
  message.message_id = "7";
  message.correlation_id = "c-17";
  EXPECT_EQ(encoded(message).substr(0, 12),
            "\x11\x5f\x07\x01\x2c\x01"
            "7"
            "\x04"
            "c-17"s);
  message.correlation_id = "01a1fbb6-e064-79d9-b414-fab494e6dc04";
  EXPECT_EQ(encoded(message).substr(7, 4), "\0\x01\xa1\xfb"s);
  message.correlation_id = "01A1FBB6-E064-79D9-B414-FAB494E6DC04";
  EXPECT_EQ(encoded(message).substr(7, 4),
            "\x24"
            "01A"s)
      << "what was said comes back as it was";
}

TEST_F(BinaryEncode, NamesATypeThatHasNoNumber) {
  Publication message = sample();
  message.type = "quote_update";
  EXPECT_EQ(encoded(message).substr(0, 16),
            "\x11\x1b\x07\0\x0c"
            "quote_updat"s);
}

TEST_F(BinaryEncode, NamesARoomThatHasNoNumberAndTheKeyOfAValue) {
  Publication message{.type = "room_message", .room = "lobby", .timestamp_ms = 1};
  EXPECT_EQ(encoded(message),
            "\x11\x90\0\x01\0\0\0\0\0\x01\x10"s
            R"({"room":"lobby"})"
            "{}");
  message.room_number = 5;
  message.key = "eur";
  message.patch = R"({"a":1})";
  EXPECT_EQ(encoded(message),
            "\x11\x90\x05\x01\0\0\0\0\0\x01\x1a"s
            R"({"key":"eur","patch":true})"
            R"({"a":1})");
  message.patch = {};
  message.removed = true;
  EXPECT_NE(encoded(message).find(R"({"key":"eur","removed":true}{})"), std::string::npos);
}

TEST_F(BinaryEncode, MeasuresLongFieldsToo) {
  for (const std::size_t bytes : {116, 117, 255}) {  // {"room":""} is 11 bytes, 127 the last short
    const std::string room(bytes, 'r');
    const std::string fields = R"({"room":")" + room + R"("})";
    const std::string length = fields.size() < 128
                                   ? std::string(1, static_cast<char>(fields.size()))
                                   : std::string(1, static_cast<char>(fields.size() % 128 + 128)) +
                                         static_cast<char>(fields.size() / 128);
    EXPECT_EQ(encoded(Publication{.type = "room_message", .room = room, .timestamp_ms = 1}),
              "\x11\x90\0\x01\0\0\0\0\0\x01"s + length + fields + "{}");
  }
}

TEST_F(BinaryEncode, PassesBytesOn) {
  Publication message = sample();
  message.payload = std::string_view("\0\xff", 2);
  message.payload_is_raw = true;
  const std::string bytes = encoded(message);
  EXPECT_EQ(bytes[1], 0x3b);
  EXPECT_EQ(bytes.substr(bytes.size() - 2), "\0\xff"s);
}

TEST_F(BinaryEncode, AnswersWithTheSamePayloadsAsJson) {
  EXPECT_EQ(encoded(Ack{.correlation_id = "2", .room = "lobby", .sequence = 44, .epoch = "b5"}),
            "\x11\x04\0\x07\x01"
            "2"s
            R"({"room":"lobby","sequence":44,"epoch":"b5"})");
  EXPECT_EQ(
      encoded(Pong{.correlation_id = "01a1fbb6-e064-79d9-b414-fab494e6dc04", .timestamp_ms = 1}),
      "\x11\x14\0\x11\0\x01\xa1\xfb\xb6\xe0\x64\x79\xd9\xb4\x14\xfa\xb4\x94\xe6\xdc\x04"
      "\0\0\0\0\0\x01{}"s);
  EXPECT_EQ(encoded(RoomLeft{.correlation_id = {}, .room = "r", .reason = "deleted"}),
            "\x11\x80\0\x0f\x0c"s
            R"({"room":"r"})"
            R"({"reason":"deleted"})");
}

TEST_F(BinaryEncode, GathersABatch) {
  begin_batch(out_);
  append_to_batch(std::as_bytes(std::span("abc", 3)), out_);
  append_to_batch(std::as_bytes(std::span("d", 1)), out_);
  EXPECT_EQ(out_.text(),
            "\x12\x03\0\0\0"
            "abc"
            "\x01\0\0\0"
            "d"s);
}

TEST(Uuid, IsOneTextAndItsBytes) {
  constexpr std::string_view text = "01a1fbb6-e064-79d9-b414-fab494e6dc04";
  const auto bytes = parse_uuid(text);
  ASSERT_TRUE(bytes);
  std::array<char, uuid_text_bytes> again;
  write_uuid(*bytes, again);
  EXPECT_EQ(std::string_view(again.data(), again.size()), text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string wrong(text);
    wrong[i] = 'g';
    EXPECT_FALSE(parse_uuid(wrong)) << i;
    EXPECT_FALSE(parse_uuid(text.substr(0, i)));
  }
}

}  // namespace
}  // namespace ringroom::proto::dialect::native_binary
