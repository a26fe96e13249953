#include "tools/load/upgrade.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tools/load/bounds.h"

namespace ringroom::load {
namespace {

const std::string answer =
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nConnection: Upgrade\r\n"
    "SEC-WEBSOCKET-ACCEPT:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n\r\n";

TEST(Upgrade, AsksForAWebSocketWithTheKeyOfTheRfc) {
  EXPECT_EQ(upgrade_request("127.0.0.1:8000", "/ws?user=ann", "ringroom.v1.json"),
            "GET /ws?user=ann HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: ringroom.v1.json\r\n\r\n");
  EXPECT_EQ(upgrade_request("h", "/", "").find("Protocol"), std::string::npos);
}

TEST(Upgrade, EndsWhereTheFirstFrameMayBegin) {
  const auto head = read_upgrade_response(answer + "\x81\x02hi");
  ASSERT_TRUE(head);
  EXPECT_EQ(*head, answer.size());
}

TEST(Upgrade, WaitsForTheWholeHead) {
  for (std::size_t prefix = 0; prefix < answer.size(); ++prefix) {
    const auto head = read_upgrade_response(std::string_view(answer).substr(0, prefix));
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error(), UpgradeError::need_more_bytes);
  }
}

TEST(Upgrade, IsRefusedByAnyOtherStatus) {
  const auto head = read_upgrade_response("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error(), UpgradeError::refused);
}

TEST(Upgrade, NeedsTheAcceptOfItsKey) {
  for (const std::string_view header :
       {"", "Sec-WebSocket-Accept: other\r\n", "Sec-WebSocket-Accept\r\n"}) {
    const auto head =
        read_upgrade_response("HTTP/1.1 101 Switching\r\n" + std::string(header) + "\r\n");
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error(), UpgradeError::wrong_accept);
  }
}

TEST(Upgrade, TakesNoExtensionThatItDidNotOffer) {
  std::string extended = answer;
  extended.insert(extended.size() - 2, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  const auto head = read_upgrade_response(extended);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error(), UpgradeError::not_asked_for);
}

std::string answer_with(const std::string& extensions) {
  std::string extended = answer;
  return extended.insert(extended.size() - 2, "Sec-WebSocket-Extensions: " + extensions + "\r\n");
}

TEST(Upgrade, OffersCompressionWithoutContextTakeover) {
  EXPECT_NE(upgrade_request("h", "/", "", Offer::deflate)
                .find("\r\nSec-WebSocket-Extensions: permessage-deflate; "
                      "server_no_context_takeover; client_no_context_takeover\r\n"),
            std::string::npos);
  EXPECT_EQ(upgrade_request("h", "/", "").find("Extensions"), std::string::npos);
}

TEST(Upgrade, InsistsOnTheCompressionItOffered) {
  struct Row {
    std::string head;
    bool taken;
  };
  const Row rows[] = {
      {answer_with("permessage-deflate; server_no_context_takeover"), true},
      {answer_with("permessage-deflate;client_no_context_takeover;server_no_context_takeover"),
       true},
      {answer_with("permessage-deflate"), false},  // it would refer to earlier messages
      {answer_with("x-webkit-deflate-frame; server_no_context_takeover"), false},
      {answer_with("permessage-deflate; server_no_context_takeover, x"), false},
      {answer_with(""), false},
      {answer, false},
  };
  for (const Row& row : rows) {
    const auto head = read_upgrade_response(row.head, Offer::deflate);
    ASSERT_EQ(head.has_value(), row.taken) << row.head;
    if (!row.taken) {
      EXPECT_EQ(head.error(), UpgradeError::declined);
    }
  }
}

TEST(Upgrade, DoesNotReadForEver) {
  const std::string endless(upgrade_response_bytes_max, 'x');
  EXPECT_EQ(read_upgrade_response(endless).error(), UpgradeError::need_more_bytes);
  EXPECT_EQ(read_upgrade_response(endless + "x").error(), UpgradeError::oversized);
}

}  // namespace
}  // namespace ringroom::load
