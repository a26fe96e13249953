#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "alloc/block.h"
#include "base/result.h"
#include "proto/bounds.h"
#include "proto/deflate_offer.h"
#include "proto/http.h"

namespace ringroom::proto {

// The opening handshake (RFC 6455, 4.2): is this request one, and what does it offer?
// Views into the request; valid as long as it is.

struct Upgrade {
  std::string_view key;                     // 24 characters of base64
  std::string_view origin;                  // empty: not a browser
  std::optional<DeflateAgreement> deflate;  // what to answer if compression is wanted
  std::array<std::string_view, subprotocol_offers_max> offers;
  std::uint32_t offer_count;

  std::span<const std::string_view> subprotocols() const { return {offers.data(), offer_count}; }
};

// Nobody but the client is to blame; the sentence says what to change.
struct UpgradeRefusal {
  int status;
  std::string_view sentence;
  // What the answer must carry besides: for 426 `Sec-WebSocket-Version: 13`, for 405 `Allow: GET`.
  std::span<const HttpHeader> headers;
};

// Does it ask to leave HTTP at all? If not, a route may answer it as a plain request.
bool wants_upgrade(const Request& request);

Result<Upgrade, UpgradeRefusal> check_upgrade(const Request& request);

// The 28 characters that prove we read the key.
std::array<char, 28> accept_key(std::string_view key);

// 101. `subprotocol` is one of the offers, or empty for none; `deflate` the agreement, or nothing.
void append_upgrade_response(alloc::BlockBuilder& out, std::string_view key,
                             std::string_view subprotocol,
                             const std::optional<DeflateAgreement>& deflate = std::nullopt);

}  // namespace ringroom::proto
