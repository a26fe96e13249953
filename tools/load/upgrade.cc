#include "tools/load/upgrade.h"

#include <strings.h>

#include "tools/load/bounds.h"

namespace ringroom::load {
namespace {

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view deflate_offer =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
constexpr std::string_view accept_of_key = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// One extension, and the server keeps no window for us: we have none either.
bool takes_deflate(std::string_view answer) {
  answer = trimmed(answer);
  return answer.starts_with("permessage-deflate") && answer.find(',') == std::string_view::npos &&
         answer.find("server_no_context_takeover") != std::string_view::npos;
}

}  // namespace

std::string upgrade_request(std::string_view host, std::string_view path,
                            std::string_view subprotocol, Offer offer) {
  std::string request = "GET ";
  request.append(path).append(" HTTP/1.1\r\nHost: ").append(host);
  request.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
  request.append("Sec-WebSocket-Key: ").append(key).append("\r\n");
  if (!subprotocol.empty()) {
    request.append("Sec-WebSocket-Protocol: ").append(subprotocol).append("\r\n");
  }
  if (offer == Offer::deflate) {
    request.append("Sec-WebSocket-Extensions: ").append(deflate_offer).append("\r\n");
  }
  return request.append("\r\n");
}

Result<std::size_t, UpgradeError> read_upgrade_response(std::string_view bytes, Offer offer) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return fail(bytes.size() > upgrade_response_bytes_max ? UpgradeError::oversized
                                                          : UpgradeError::need_more_bytes);
  }
  if (bytes.substr(0, 12) != "HTTP/1.1 101") return fail(UpgradeError::refused);

  bool accepted = false;
  bool deflate = false;
  std::size_t line = bytes.find("\r\n") + 2;
  while (line < end + 2) {
    const std::size_t line_end = bytes.find("\r\n", line);
    const std::string_view header = bytes.substr(line, line_end - line);
    const std::size_t colon = header.find(':');
    const std::string_view name = header.substr(0, colon);
    if (same_name(name, "sec-websocket-extensions")) {
      if (offer == Offer::nothing) return fail(UpgradeError::not_asked_for);
      const std::string_view answer = colon < header.size() ? header.substr(colon + 1) : "";
      if (!takes_deflate(answer)) return fail(UpgradeError::declined);
      deflate = true;
    }
    if (colon != std::string_view::npos && same_name(name, "sec-websocket-accept")) {
      accepted = trimmed(header.substr(colon + 1)) == accept_of_key;
    }
    line = line_end + 2;
  }
  if (!accepted) return fail(UpgradeError::wrong_accept);
  if (offer == Offer::deflate && !deflate) return fail(UpgradeError::declined);
  return end + 4;
}

}  // namespace ringroom::load
