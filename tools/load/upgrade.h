#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ringroom::load {

// The client's half of the WebSocket handshake (RFC 6455, 4.1). Pure: strings in, strings out.
// Every request carries the key of the RFC's own example, so the one right answer is a constant.

enum class UpgradeError : std::uint8_t {
  need_more_bytes,
  refused,        // a status other than 101
  wrong_accept,   // no Sec-WebSocket-Accept, or not the one of our key
  not_asked_for,  // an extension that was not offered
  declined,       // permessage-deflate was offered and not taken as offered
  oversized,
};

// permessage-deflate without context takeover in either direction: what one message says of another
// would have to be kept for each connection, here as well as on the server.
enum class Offer : std::uint8_t { nothing, deflate };

std::string upgrade_request(std::string_view host, std::string_view path,
                            std::string_view subprotocol, Offer offer = Offer::nothing);

// The length of the response head at the start of `bytes`; frames may follow it at once.
Result<std::size_t, UpgradeError> read_upgrade_response(std::string_view bytes,
                                                        Offer offer = Offer::nothing);

}  // namespace ringroom::load
