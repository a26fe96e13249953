#include "proto/dialect/translation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/bounds.h"
#include "proto/dialect/event_json.h"
#include "proto/dialect/native_binary.h"
#include "proto/dialect/native_json.h"
#include "proto/frame.h"

namespace ringroom::proto::dialect {
namespace {

constexpr std::string_view uuid = "01a1fbb6-e064-79d9-b414-fab494e6dc04";

class Translation : public testing::Test {
 protected:
  // Frames of one dialect around what `write` appends.
  std::string framed(Opcode opcode, const auto& write) {
    alloc::BlockBuilder out(heap_);
    const std::size_t begin = begin_frame(out);
    write(out);
    end_frame(out, begin, opcode);
    return std::string(out.text());
  }
  std::string json(const auto& value) {
    return framed(Opcode::text, [&](auto& out) { native_json::encode(value, out); });
  }
  std::string binary(const auto& value) {
    return framed(Opcode::binary, [&](auto& out) { native_binary::encode(value, out); });
  }
  std::string event(const auto& value) {
    return framed(Opcode::text, [&](auto& out) { event_json::encode(value, out); });
  }
  std::string to_binary(std::string_view frames, std::uint32_t number) {
    alloc::BlockBuilder out(heap_);
    EXPECT_TRUE(translator_.to_binary(std::as_bytes(std::span(frames)), number, out));
    return std::string(out.text());
  }
  std::string to_event(std::string_view frames) {
    alloc::BlockBuilder out(heap_);
    const auto hears = [this](std::string_view type) { return type != unheard_; };
    EXPECT_TRUE(translator_.to_event(std::as_bytes(std::span(frames)), hears, out));
    return std::string(out.text());
  }
  std::string envelope(const Publication& value) {
    alloc::BlockBuilder out(heap_);
    native_json::encode(value, out);
    return std::string(out.text());
  }

  alloc::CoreHeap memory_;
  alloc::BlockHeap heap_{memory_};
  Translator translator_{heap_};
  std::string unheard_;
};

// Everything an envelope may say.
std::vector<Publication> publications() {
  const Publication plain{.type = "room_message",
                          .room = "a \"room\"",
                          .sequence = 44,
                          .message_id = uuid,
                          .correlation_id = "c-\\17",
                          .sender = "änn",
                          .timestamp_ms = 1'696'248'000'123,
                          .payload = R"({"text":"hi","n":[1,{"a":null}]})"};
  std::vector<Publication> out(5, plain);
  out[1].sequence = 0;
  out[1].correlation_id = out[1].sender = {};
  out[2].key = "title";
  out[2].removed = true;
  out[3].key = "title";
  out[3].payload = "{}";
  out[3].patch = R"({"text":null})";
  out[4].timestamp_ms = 1;
  out[4].type = "a_custom.type";
  return out;
}

TEST_F(Translation, SaysWhatEncodingAtOnceWouldHaveSaid) {
  for (Publication value : publications()) {
    value.room_number = 7;
    EXPECT_EQ(to_binary(json(value), 7), binary(value));
    EXPECT_EQ(to_event(json(value)), event(value));
    value.room_number = 0;
    EXPECT_EQ(to_binary(json(value), 0), binary(value));
  }
}

TEST_F(Translation, TakesSeveralFramesAtOnce) {
  std::string frames, in_binary, in_event;
  for (const Publication& value : publications()) {
    frames += json(value);
    in_binary += binary(value);
    in_event += event(value);
  }
  EXPECT_EQ(to_binary(frames, 0), in_binary);
  EXPECT_EQ(to_event(frames), in_event);
}

TEST_F(Translation, GivesRawBytesBack) {
  for (const auto& [bytes, base64] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {std::string(1, '\0'), "AA=="}, {"\xff\xfe", "//4="}, {"abc", "YWJj"}}) {
    Publication value = publications()[0];
    value.payload_is_raw = true;
    const std::string shown = R"({"base64":")" + base64 + R"("})";
    value.payload = shown;
    const std::string frame = json(value);
    EXPECT_EQ(to_event(frame), event(value));
    value.payload = bytes;
    EXPECT_EQ(to_binary(frame, 0), binary(value)) << base64;
  }
}

TEST_F(Translation, SaysAnswersAsTheDialectWould) {
  const Ack ack{.correlation_id = "1", .room = "lobby", .sequence = 5, .epoch = "e"};
  EXPECT_EQ(to_binary(json(ack), 7), binary(ack));
  EXPECT_EQ(to_event(json(ack)), event(ack));
  const Pong pong{.correlation_id = "1", .timestamp_ms = 1'696'248'000'123};
  EXPECT_EQ(to_binary(json(pong), 0), binary(pong));
  EXPECT_EQ(to_event(json(pong)), event(pong));
  const RoomJoined joined{.correlation_id = {},
                          .room = "lobby",
                          .room_id = 7,
                          .sequence = 9,
                          .epoch = "e",
                          .recovered = true,
                          .member_count = 3};
  EXPECT_EQ(to_binary(json(joined), 7), binary(joined));
  EXPECT_EQ(to_event(json(joined)), event(joined));
}

TEST_F(Translation, BringsTheMessagesOfAnAnswer) {
  std::vector<std::string> texts;
  for (const Publication& value : publications())
    if (value.sequence != 0) texts.push_back(envelope(value));
  const std::vector<std::string_view> messages(texts.begin(), texts.end());
  const std::string frame = json(HistoryPage{
      .correlation_id = "1", .room = "lobby", .messages = messages, .sequence = 44, .epoch = "e"});

  std::string in_events;
  for (const Publication& value : publications()) {
    if (value.sequence == 0) continue;
    alloc::BlockBuilder out(heap_);
    event_json::encode(value, out);
    if (!in_events.empty()) in_events += ',';
    in_events += out.text();
  }
  EXPECT_EQ(to_event(frame), framed(Opcode::text, [&](auto& out) {
              out.append(R"({"event":"history","correlation_id":"1","room":"lobby","data":)");
              out.append(R"({"messages":[)" + in_events + R"(],"sequence":44,"epoch":"e"}})");
            }));

  const std::string answer = framed(Opcode::binary, [&](auto& out) {
    native_binary::begin_reply({.type = "history", .correlation_id = "1", .room = "lobby"}, out);
    out.append(R"({"messages":[],"following":4,"sequence":44,"epoch":"e"})");
  });
  EXPECT_EQ(to_binary(frame, 7), answer + framed(Opcode::binary, [&](auto& out) {
                                   native_binary::begin_batch(out);
                                   for (Publication value : publications()) {
                                     if (value.sequence == 0) continue;
                                     value.room_number = 7;
                                     alloc::BlockBuilder message(heap_);
                                     native_binary::encode(value, message);
                                     native_binary::append_to_batch(message.bytes(), out);
                                   }
                                 }));
}

TEST_F(Translation, PutsNoMoreIntoABatchThanMayBeInOne) {
  const std::string text = envelope(publications()[0]);
  const std::vector<std::string_view> messages(batch_messages_max + 1, text);
  const std::string frames = to_binary(json(RoomJoined{.correlation_id = "1",
                                                       .room = "lobby",
                                                       .room_id = 7,
                                                       .sequence = 1,
                                                       .epoch = "e",
                                                       .messages = messages}),
                                       7);
  auto rest = std::as_bytes(std::span(frames));
  rest = rest.subspan(first_frame(rest).frame_bytes);
  std::vector<std::size_t> counts;
  while (!rest.empty()) {
    const OwnFrame frame = first_frame(rest);
    std::vector<std::byte> copy(frame.payload.begin(), frame.payload.end());
    auto batch = native_binary::BatchReader::open(copy);
    ASSERT_TRUE(batch);
    counts.push_back(0);
    while (batch->next()) ++counts.back();
    rest = rest.subspan(frame.frame_bytes);
  }
  EXPECT_EQ(counts, (std::vector<std::size_t>{batch_messages_max, 1}));
}

TEST_F(Translation, LeavesOutWhatIsNotHeardButNoAnswer) {
  unheard_ = "room_message";
  std::vector<std::string> texts;
  for (const Publication& value : publications()) texts.push_back(envelope(value));
  EXPECT_EQ(to_event(json(publications()[0])), "");
  const std::vector<std::string_view> messages{texts[0], texts[4], texts[0]};
  EXPECT_EQ(
      to_event(json(HistoryPage{
          .correlation_id = {}, .room = {}, .messages = messages, .sequence = 1, .epoch = "e"})),
      framed(Opcode::text, [&](auto& out) {
        out.append(R"({"event":"history","data":{"messages":[)");
        event_json::encode(publications()[4], out);
        out.append(R"(],"sequence":1,"epoch":"e"}})");
      }));
}

TEST_F(Translation, TakesPayloadsAsDeepAsClientsMaySendThem) {
  const std::string deep = [] {
    std::string out = "null";
    for (std::size_t i = 0; i < json_depth_max; ++i) out = "{\"a\":" + out + "}";
    return out;
  }();
  Publication value = publications()[0];
  value.payload = deep;
  const std::string text = envelope(value);
  const std::string_view messages[] = {text};
  to_binary(
      json(HistoryPage{
          .correlation_id = {}, .room = {}, .messages = messages, .sequence = 1, .epoch = "e"}),
      0);
}

TEST_F(Translation, SaysThatATextIsTooLong) {
  Publication value = publications()[0];
  const std::string payload = "{\"a\":\"" + std::string(json_text_bytes_max, 'x') + "\"}";
  value.payload = payload;
  const std::string frame = json(value);
  alloc::BlockBuilder out(heap_);
  EXPECT_FALSE(translator_.to_binary(std::as_bytes(std::span(frame)), 0, out));
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace ringroom::proto::dialect
