#include "tools/load/dialect.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringroom::load {
namespace {

constexpr Stamp stamp{.publisher = 3, .sequence = 9, .intended_ns = 77};

Scenario fanout(Protocol protocol) {
  Scenario scenario;
  scenario.work = Work::fanout;
  scenario.protocol = protocol;
  scenario.publishers = 1;
  scenario.members = 1;
  scenario.subscribers = 1;
  scenario.payload_bytes = 60;
  return scenario;
}

std::vector<std::byte> payload_of(PayloadForm form) {
  const Payload payload(form, 60);
  std::vector<std::byte> bytes(60);
  payload.write(bytes.data(), stamp);
  return bytes;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

// As a server writes it, with one or three bytes of length.
std::vector<std::byte> frame(unsigned first, const std::vector<std::byte>& payload) {
  std::vector<std::byte> result;
  result.push_back(static_cast<std::byte>(first));
  if (payload.size() < 126) {
    result.push_back(static_cast<std::byte>(payload.size()));
  } else {
    result.push_back(std::byte{126});
    result.push_back(static_cast<std::byte>(payload.size() >> 8));
    result.push_back(static_cast<std::byte>(payload.size()));
  }
  for (const std::byte byte : payload) result.push_back(byte);
  return result;
}

std::string unmasked_text(const Outgoing& out) {
  const std::size_t length = std::to_integer<std::size_t>(out[1]) & 0x7f;
  const std::size_t header = length < 126 ? 6 : 8;
  std::vector<std::byte> text(out.begin() + static_cast<std::ptrdiff_t>(header), out.end());
  mask(text);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

TEST(Dialect, NamesTheEndpointOfEachSeat) {
  Dialect raw(fanout(Protocol::raw), "run", 4);
  EXPECT_TRUE(raw.upgrade(1, 0).starts_with("GET /raw/bench-run-5?mode=publish HTTP/1.1\r\n"));
  EXPECT_TRUE(raw.upgrade(1, 1).starts_with("GET /raw/bench-run-5?mode=both HTTP/1.1\r\n"));
  EXPECT_TRUE(raw.upgrade(1, 2).starts_with("GET /raw/bench-run-5?mode=subscribe HTTP/1.1\r\n"));
  Dialect json(fanout(Protocol::json), "run", 4);
  EXPECT_TRUE(json.upgrade(0, 2).starts_with("GET /ws?user=bench-run-4-2 HTTP/1.1\r\n"));
}

TEST(Dialect, SpeaksTheNativeProtocol) {
  Dialect json(fanout(Protocol::json), "run", 4);
  Outgoing out;
  json.append_join(out, 0, 0);
  EXPECT_EQ(unmasked_text(out), R"({"type":"join_room","message_id":"join","room":"bench-run-4"})");
  out.clear();
  json.append_post(out, {.room = 0, .place = 0, .stamp = stamp});
  const auto payload = payload_of(PayloadForm::json_object);
  const std::string text(reinterpret_cast<const char*>(payload.data()), payload.size());
  EXPECT_EQ(
      unmasked_text(out),
      R"({"type":"room_message","message_id":"9","room":"bench-run-4","payload":)" + text + "}");
}

TEST(Dialect, HearsADeliveryOfEachProtocol) {
  Fragments fragments;
  const auto raw_payload = payload_of(PayloadForm::bytes);
  Dialect raw(fanout(Protocol::raw), "run", 0);
  const auto raw_frame = frame(0x82, raw_payload);
  const Heard heard = raw.read(raw_frame, fragments);
  EXPECT_EQ(heard.kind, Heard::Kind::delivery);
  EXPECT_EQ(heard.stamp, stamp);
  EXPECT_EQ(heard.consumed, raw_frame.size());

  const auto json_payload = payload_of(PayloadForm::json_object);
  std::string text = R"({"type":"room_message","sequence":12,"payload":)";
  text.append(reinterpret_cast<const char*>(json_payload.data()), json_payload.size()).append("}");
  Dialect json(fanout(Protocol::json), "run", 0);
  const Heard told = json.read(frame(0x81, bytes_of(text)), fragments);
  EXPECT_EQ(told.kind, Heard::Kind::delivery);
  EXPECT_EQ(told.stamp, stamp);
  EXPECT_EQ(told.room_sequence, 12u);

  Dialect tcp(fanout(Protocol::tcp), "run", 0);
  Outgoing out;
  tcp.append_post(out, {.room = 0, .place = 0, .stamp = stamp});
  EXPECT_EQ(out.size(), raw_frame.size());
  EXPECT_EQ(tcp.read(out, fragments).stamp, stamp);
}

TEST(Dialect, WaitsForTheWholeMessage) {
  Dialect raw(fanout(Protocol::raw), "run", 0);
  const auto whole = frame(0x82, payload_of(PayloadForm::bytes));
  for (std::size_t prefix = 0; prefix < whole.size(); ++prefix) {
    Fragments fragments;
    const Heard heard = raw.read(std::span(whole).first(prefix), fragments);
    EXPECT_EQ(heard.kind, Heard::Kind::incomplete);
    EXPECT_EQ(heard.consumed, 0u);
  }
}

TEST(Dialect, PutsAMessageTogetherFromAnyTwoFragments) {
  Dialect raw(fanout(Protocol::raw), "run", 0);
  const auto payload = payload_of(PayloadForm::bytes);
  Fragments fragments;  // kept, so that what a message leaves behind would be noticed
  for (std::ptrdiff_t cut = 0; cut <= static_cast<std::ptrdiff_t>(payload.size()); ++cut) {
    const Heard first = raw.read(frame(0x02, {payload.begin(), payload.begin() + cut}), fragments);
    EXPECT_EQ(first.kind, Heard::Kind::incomplete);
    EXPECT_GT(first.consumed, 0u);
    const auto rest = frame(0x80, {payload.begin() + cut, payload.end()});
    EXPECT_EQ(raw.read(rest, fragments).kind, Heard::Kind::delivery) << cut;
  }
}

TEST(Dialect, HearsWhatElseAServerSays) {
  Dialect raw(fanout(Protocol::raw), "run", 0);
  Dialect json(fanout(Protocol::json), "run", 0);
  Fragments fragments;
  const auto kind = [&](Dialect& dialect, unsigned first, std::string_view text) {
    return dialect.read(frame(first, bytes_of(text)), fragments).kind;
  };
  EXPECT_EQ(kind(raw, 0x89, "p"), Heard::Kind::ping);
  EXPECT_EQ(kind(raw, 0x8A, "p"), Heard::Kind::other);
  EXPECT_EQ(kind(raw, 0x88, ""), Heard::Kind::closed);
  EXPECT_EQ(kind(raw, 0x80, "no message begun"), Heard::Kind::broken);
  EXPECT_EQ(kind(raw, 0xC2, ""), Heard::Kind::broken);
  EXPECT_EQ(kind(raw, 0x82, "not ours"), Heard::Kind::corrupt);
  EXPECT_EQ(kind(json, 0x81, R"({"type":"connection_ack"})"), Heard::Kind::greeted);
  EXPECT_EQ(kind(json, 0x81, R"({"type":"room_joined"})"), Heard::Kind::joined);
  EXPECT_EQ(kind(json, 0x81, R"({"type":"ack"})"), Heard::Kind::acknowledged);
  EXPECT_EQ(kind(json, 0x81, R"({"type":"error_message"})"), Heard::Kind::refused);
  EXPECT_EQ(kind(json, 0x81, R"({"type":"validation_error"})"), Heard::Kind::refused);
  EXPECT_EQ(kind(json, 0x81, R"({"type":"user_joined"})"), Heard::Kind::other);
  EXPECT_EQ(kind(json, 0x81, "{"), Heard::Kind::corrupt);
  EXPECT_EQ(kind(json, 0x82, R"({"type":"ack"})"), Heard::Kind::corrupt);
}

// A stored block needs no compressor: its length, the length again with all bits turned, the bytes.
std::vector<std::byte> stored(const std::vector<std::byte>& payload) {
  const std::size_t bytes = payload.size();
  std::vector<std::byte> out{std::byte{0}, static_cast<std::byte>(bytes), std::byte{0},
                             static_cast<std::byte>(~bytes), std::byte{0xff}};
  out.insert(out.end(), payload.begin(), payload.end());
  out.push_back(std::byte{0});  // then an empty block, of which 00 00 ff ff is left out
  return out;
}

TEST(Dialect, HearsCompressedMessagesWholeAndInPieces) {
  Scenario scenario = fanout(Protocol::raw);
  scenario.deflate = true;
  Dialect raw(scenario, "run", 0);
  EXPECT_NE(raw.upgrade(0, 0).find("permessage-deflate"), std::string::npos);
  Fragments fragments;
  const auto bytes = stored(payload_of(PayloadForm::bytes));
  const Heard whole = raw.read(frame(0xC2, bytes), fragments);
  EXPECT_EQ(whole.kind, Heard::Kind::delivery);
  EXPECT_EQ(whole.stamp, stamp);
  for (std::ptrdiff_t cut = 0; cut <= static_cast<std::ptrdiff_t>(bytes.size()); ++cut) {
    raw.read(frame(0x42, {bytes.begin(), bytes.begin() + cut}), fragments);
    const Heard rest = raw.read(frame(0x80, {bytes.begin() + cut, bytes.end()}), fragments);
    EXPECT_EQ(rest.kind, Heard::Kind::delivery) << cut;
  }
  // Each message chooses.
  EXPECT_EQ(raw.read(frame(0x82, payload_of(PayloadForm::bytes)), fragments).kind,
            Heard::Kind::delivery);
  EXPECT_EQ(raw.read(frame(0xC2, bytes_of("\xff\xff")), fragments).kind, Heard::Kind::broken);
  EXPECT_EQ(raw.read(frame(0xC9, {}), fragments).kind, Heard::Kind::broken);
}

TEST(Dialect, PutsRoomsIntoTheirNamespace) {
  Scenario scenario = fanout(Protocol::raw);
  scenario.room_namespace = "kept";
  EXPECT_NE(Dialect(scenario, "run", 4).upgrade(0, 2).find("/raw/kept:bench-run-4?"),
            std::string::npos);
}

TEST(Dialect, JoinsARoomOfTheFloor) {
  Dialect tcp(fanout(Protocol::tcp), "run", 0x0102);
  for (const auto& [place, role] : {std::pair{0u, 'P'}, std::pair{1u, 'B'}, std::pair{2u, 'S'}}) {
    Outgoing out;
    tcp.append_join(out, 1, place);
    EXPECT_EQ(out, bytes_of(std::string(1, role) + std::string("\x03\x01\0\0", 4)));
  }
}

TEST(Dialect, IdlesWithoutARoom) {
  Scenario scenario;
  scenario.work = Work::idle;
  scenario.protocol = Protocol::json;
  scenario.connections = 2;
  EXPECT_TRUE(Dialect(scenario, "run", 0).joins());
  scenario.rooms = 0;
  EXPECT_FALSE(Dialect(scenario, "run", 0).joins());
}

TEST(Dialect, ReturnsAPingsBytes) {
  Dialect raw(fanout(Protocol::raw), "run", 0);
  Outgoing out;
  raw.append_pong(out, bytes_of("beat"));
  EXPECT_EQ(out[0], std::byte{0x8A});
  EXPECT_EQ(unmasked_text(out), "beat");
}

}  // namespace
}  // namespace ringroom::load
