#include "proto/upgrade.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "proto/extension_list.h"

namespace ringroom::proto {

namespace {

constexpr HttpHeader version_13[] = {{"Sec-WebSocket-Version", "13"}};
constexpr HttpHeader allow_get[] = {{"Allow", "GET"}};
// Connection is left to append_response, which closes or keeps.
constexpr HttpHeader upgrade_websocket[] = {{"Upgrade", "websocket"},
                                            {"Sec-WebSocket-Version", "13"}};

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Calls `each` with every element between commas, blanks gone, until it says no. One pass: no
// pattern is tried twice at any position.
template <class Each>
bool for_each_element(std::string_view list, const Each& each) {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (!each(trimmed(list.substr(0, comma)))) return false;
    if (comma == list.npos) return true;
    list.remove_prefix(comma + 1);
  }
}

bool has_token(const Request& request, std::string_view name, std::string_view token) {
  bool found = false;
  for (const HttpHeader& field : request.headers) {
    if (!equals_ignoring_case(field.name, name)) continue;
    for_each_element(field.value, [&](std::string_view element) {
      found = found || equals_ignoring_case(element, token);
      return true;
    });
  }
  return found;
}

// The only field of that name; empty if there is none, or more than one.
std::string_view only(const Request& request, std::string_view name) {
  std::string_view value;
  for (const HttpHeader& field : request.headers) {
    if (!equals_ignoring_case(field.name, name)) continue;
    if (value.data() != nullptr) return {};
    value = field.value;
  }
  return value;
}

// 16 bytes in base64: 22 digits and two pads. The last digit carries two bits, so it is one of
// four.
bool is_key(std::string_view key) {
  if (key.size() != 24 || key.substr(22) != "==") return false;
  const auto is_digit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '/';
  };
  return std::all_of(key.begin(), key.begin() + 22, is_digit) &&
         std::string_view("AQgw").find(key[21]) != std::string_view::npos;
}

bool read_offers(const Request& request, Upgrade& upgrade) {
  for (const HttpHeader& field : request.headers) {
    if (!equals_ignoring_case(field.name, "sec-websocket-protocol")) continue;
    const bool good = for_each_element(field.value, [&](std::string_view offer) {
      const auto before = upgrade.subprotocols();
      if (!is_token(offer) || before.size() == subprotocol_offers_max) return false;
      if (std::find(before.begin(), before.end(), offer) != before.end()) return false;
      upgrade.offers[upgrade.offer_count++] = offer;
      return true;
    });
    if (!good) return false;
  }
  return true;
}

bool read_extensions(const Request& request, Upgrade& upgrade) {
  for (const HttpHeader& field : request.headers) {
    if (!equals_ignoring_case(field.name, "sec-websocket-extensions")) continue;
    if (!agree_on_deflate(field.value, upgrade.deflate)) return false;
  }
  return true;
}

}  // namespace

bool wants_upgrade(const Request& request) {
  return has_token(request, "upgrade", "websocket") || request.has_header("sec-websocket-key") ||
         request.has_header("sec-websocket-version");
}

Result<Upgrade, UpgradeRefusal> check_upgrade(const Request& request) {
  const auto refuse = [](int status, std::string_view sentence,
                         std::span<const HttpHeader> headers = {}) {
    return fail(UpgradeRefusal{.status = status, .sentence = sentence, .headers = headers});
  };

  if (request.method != "GET")
    return refuse(405, "a WebSocket handshake is a GET request", allow_get);
  if (request.version_minor < 1) return refuse(400, "a WebSocket handshake needs HTTP/1.1");
  if (request.header("host").empty()) return refuse(400, "the header Host is required");
  if (!has_token(request, "upgrade", "websocket"))
    return refuse(426, "connect with a WebSocket: the header `Upgrade: websocket` is missing",
                  upgrade_websocket);
  if (!has_token(request, "connection", "upgrade"))
    return refuse(400,
                  "the header `Connection: Upgrade` is missing; a proxy on the way may not pass it "
                  "on");
  if (only(request, "sec-websocket-version") != "13")
    return refuse(426, "the header `Sec-WebSocket-Version: 13` is required, once", version_13);
  if (!request.body.empty() || request.has_header("transfer-encoding"))
    return refuse(400, "a WebSocket handshake has no body");

  Upgrade upgrade{.key = only(request, "sec-websocket-key"),
                  .origin = request.header("origin"),
                  .deflate = {},
                  .offers = {},
                  .offer_count = 0};
  if (!is_key(upgrade.key))
    return refuse(400, "Sec-WebSocket-Key must be 16 bytes in base64, once");
  if (!read_offers(request, upgrade))
    return refuse(400, "Sec-WebSocket-Protocol must be 1 to 16 different names between commas");
  if (!read_extensions(request, upgrade))
    return refuse(400, "Sec-WebSocket-Extensions is malformed (RFC 6455, 9.1)");
  return upgrade;
}

std::array<char, 28> accept_key(std::string_view key) {
  constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  constexpr std::size_t key_bytes = 24;
  RR_CHECK(key.size() == key_bytes);
  // Looking the algorithm up costs more than using it, so it is done once.
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  RR_CHECK(sha1 != nullptr);

  std::array<char, key_bytes + guid.size()> text;
  std::memcpy(text.data(), key.data(), key_bytes);
  std::memcpy(text.data() + key_bytes, guid.data(), guid.size());
  unsigned char digest[20];
  unsigned int digest_bytes = 0;
  RR_CHECK(EVP_Digest(text.data(), text.size(), digest, &digest_bytes, sha1, nullptr) == 1);
  RR_CHECK(digest_bytes == sizeof digest);

  unsigned char encoded[29];  // and a zero that EVP_EncodeBlock writes
  RR_CHECK(EVP_EncodeBlock(encoded, digest, sizeof digest) == 28);
  std::array<char, 28> out;
  std::memcpy(out.data(), encoded, out.size());
  return out;
}

void append_upgrade_response(alloc::BlockBuilder& out, std::string_view key,
                             std::string_view subprotocol,
                             const std::optional<DeflateAgreement>& deflate) {
  RR_CHECK(subprotocol.empty() || is_token(subprotocol));
  const std::array<char, 28> accept = accept_key(key);
  out.append(
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ");
  out.append(std::string_view(accept.data(), accept.size()));
  if (!subprotocol.empty()) {
    out.append("\r\nSec-WebSocket-Protocol: ");
    out.append(subprotocol);
  }
  if (deflate) {
    out.append("\r\nSec-WebSocket-Extensions: ");
    append(out, *deflate);
  }
  out.append("\r\n\r\n");
}

}  // namespace ringroom::proto
