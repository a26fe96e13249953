#include "proto/upgrade.h"

#include <gtest/gtest.h>

#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

// A request made of lines; a line given twice replaces nothing, so that tests can double one.
struct Handshake {
  std::string line = "GET /ws HTTP/1.1";
  std::vector<std::pair<std::string, std::string>> fields = {
      {"Host", "h"},
      {"Upgrade", "websocket"},
      {"Connection", "Upgrade"},
      {"Sec-WebSocket-Version", "13"},
      {"Sec-WebSocket-Key", std::string(key)}};

  Handshake& set(std::string_view name, std::string_view value) {
    for (auto& [field, old] : fields)
      if (field == name) old = value;
    return *this;
  }
  Handshake& drop(std::string_view name) {
    std::erase_if(fields, [&](const auto& field) { return field.first == name; });
    return *this;
  }
  Handshake& add(std::string_view name, std::string_view value) {
    fields.emplace_back(name, value);
    return *this;
  }
};

class Upgrades : public testing::Test {
 protected:
  Result<Upgrade, UpgradeRefusal> check(const Handshake& handshake, std::string_view body = "") {
    std::string text = handshake.line + "\r\n";
    for (const auto& [name, value] : handshake.fields) text += name + ": " + value + "\r\n";
    bytes_ = bytes_of(text + "\r\n" + std::string(body));
    std::span<std::byte> received(bytes_);
    const auto step = reader_.next(received, pool_);
    EXPECT_TRUE(step && *step != nullptr) << text;
    wants_ = wants_upgrade(**step);
    return check_upgrade(**step);
  }
  int refusal_of(const Handshake& handshake, std::string_view body = "") {
    const auto result = check(handshake, body);
    if (result) return 0;
    EXPECT_FALSE(result.error().sentence.empty());
    return result.error().status;
  }

  alloc::CoreHeap memory_;
  HttpPool pool_{memory_};
  HttpReader reader_;
  Bytes bytes_;
  bool wants_ = false;
};

TEST_F(Upgrades, OfABrowserIsAccepted) {
  const auto upgrade =
      check(Handshake{}
                .set("Connection", "keep-alive, Upgrade")
                .set("Upgrade", "WebSocket")
                .add("Origin", "https://example.org")
                .add("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
                .add("Sec-WebSocket-Protocol", "ringroom.v1.json, ringroom.v1.bin")
                .add("Sec-WebSocket-Protocol", "third"));
  ASSERT_TRUE(upgrade);
  EXPECT_TRUE(wants_);
  EXPECT_EQ(upgrade->key, key);
  EXPECT_EQ(upgrade->origin, "https://example.org");
  EXPECT_EQ(upgrade->deflate, (DeflateAgreement{.client_window_bits = 15}));
  ASSERT_EQ(upgrade->subprotocols().size(), 3u);
  EXPECT_EQ(upgrade->subprotocols()[0], "ringroom.v1.json");
  EXPECT_EQ(upgrade->subprotocols()[1], "ringroom.v1.bin");
  EXPECT_EQ(upgrade->subprotocols()[2], "third");
}

TEST_F(Upgrades, WithATokenAmongOthersOrOnItsOwnLineAreAccepted) {
  EXPECT_EQ(refusal_of(Handshake{}.set("Connection", "close").add("Connection", "UPGRADE")), 0);
  EXPECT_EQ(refusal_of(Handshake{}.set("Upgrade", "h2c, websocket")), 0);
  EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Extensions", "constructor, __proto__;x")), 0);
}

TEST_F(Upgrades, ThatAreIncompleteAreRefusedWithTheStatusThatSaysWhy) {
  EXPECT_EQ(refusal_of(Handshake{.line = "POST /ws HTTP/1.1"}), 405);
  EXPECT_EQ(refusal_of(Handshake{.line = "GET /ws HTTP/1.0"}), 400);
  EXPECT_EQ(refusal_of(Handshake{}.set("Host", "")), 400);
  EXPECT_EQ(refusal_of(Handshake{}.drop("Upgrade")), 426);
  EXPECT_EQ(refusal_of(Handshake{}.set("Upgrade", "websocket2")), 426);
  EXPECT_EQ(refusal_of(Handshake{}.set("Upgrade", "h2c")), 426);
  EXPECT_EQ(refusal_of(Handshake{}.drop("Connection")), 400);
  EXPECT_EQ(refusal_of(Handshake{}.set("Connection", "keep-alive")), 400);
  EXPECT_EQ(refusal_of(Handshake{}.set("Connection", "xUpgrade")), 400);
  EXPECT_EQ(refusal_of(Handshake{}.add("Content-Length", "1"), "x"), 400);
}

TEST_F(Upgrades, OfAnotherVersionAreToldOurs) {
  for (const std::string_view version : {"8", "7", "0", "14", "013", "13, 8", ""}) {
    const auto refused = check(Handshake{}.set("Sec-WebSocket-Version", version));
    ASSERT_FALSE(refused) << version;
    EXPECT_EQ(refused.error().status, 426);
    ASSERT_EQ(refused.error().headers.size(), 1u);
    EXPECT_EQ(refused.error().headers[0].name, "Sec-WebSocket-Version");
    EXPECT_EQ(refused.error().headers[0].value, "13");
  }
  EXPECT_EQ(refusal_of(Handshake{}.drop("Sec-WebSocket-Version")), 426);
  EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Version", "13")), 426);
}

TEST_F(Upgrades, NeedAKeyOfSixteenBytes) {
  for (const std::string_view bad :
       {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub2 jZQ==", "dGhlIHNhbXBsZSBub2_jZQ==", "AAAA"})
    EXPECT_EQ(refusal_of(Handshake{}.set("Sec-WebSocket-Key", bad)), 400) << bad;
  for (const std::string_view good : {"AAAAAAAAAAAAAAAAAAAAAA==", "//////////////////////w=="})
    EXPECT_EQ(refusal_of(Handshake{}.set("Sec-WebSocket-Key", good)) == 0, good.size() == 24);
  EXPECT_EQ(refusal_of(Handshake{}.drop("Sec-WebSocket-Key")), 400);
  EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Key", key)), 400);
}

TEST_F(Upgrades, WithMalformedOffersAreRefused) {
  for (const std::string_view bad : {"", ",", "a,,b", "a,", "a b", "a/b", "a, a", "\"a\"", "a;b"})
    EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Protocol", bad)), 400) << bad;
  std::string offers = "p0";
  for (std::size_t i = 1; i < subprotocol_offers_max; ++i) offers += ",p" + std::to_string(i);
  EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Protocol", offers)), 0);
  EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Protocol", offers + ",more")), 400);
}

TEST_F(Upgrades, WithMalformedExtensionsAreRefused) {
  for (const std::string_view good :
       {"a", "a, b", "a;b", "a; b=c; d=\"e\", f", "a;b=\"\\c\"", "constructor", "a ; b = c"})
    EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Extensions", good)), 0) << good;
  for (const std::string_view bad :
       {"", ",", "a,", ";", "a;", "a;=b", "a;b=", "a;b=\"", "a;b=\"\\", "a;b=\"c d\"", "a;b=\"\"",
        "a b", "a;b=c d", "a=b", "\"a\"", "a;b=\"c\"d"})
    EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Extensions", bad)), 400) << bad;
}

// Each of these made another server spend minutes on one request.
TEST_F(Upgrades, WithHostileListsAreReadOnce) {
  const std::string blanks(8000, ' ');
  std::string escapes = "a;b=\"";
  for (int i = 0; i < 4000; ++i) escapes += "\\c";
  EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Protocol", "b" + blanks + "x")), 400);
  EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Extensions", "b" + blanks + "x")), 400);
  EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Extensions", escapes)), 400);
  EXPECT_EQ(refusal_of(Handshake{}.add("Sec-WebSocket-Extensions", std::string(8000, ','))), 400);
}

TEST_F(Upgrades, AreNotWantedByAPlainRequest) {
  Handshake plain;
  plain.fields = {{"Host", "h"}};
  EXPECT_EQ(refusal_of(plain), 426);
  EXPECT_FALSE(wants_);
  plain.fields = {{"Host", "h"}, {"Upgrade", "h2c"}, {"Connection", "Upgrade"}};
  EXPECT_EQ(refusal_of(plain), 426);
  EXPECT_FALSE(wants_);
}

TEST_F(Upgrades, AreAnsweredAsTheRfcShows) {
  const auto accept = accept_key(key);
  EXPECT_EQ(std::string_view(accept.data(), accept.size()), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

  alloc::BlockHeap heap(memory_);
  alloc::BlockBuilder out(heap);
  append_upgrade_response(out, key, "");
  EXPECT_EQ(out.text(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  out.clear();
  append_upgrade_response(out, key, "ringroom.v1.json");
  EXPECT_TRUE(out.text().ends_with("\r\nSec-WebSocket-Protocol: ringroom.v1.json\r\n\r\n"));
}

}  // namespace
}  // namespace ringroom::proto
