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
  not_asked_for,  // an extension, though none was offered
  oversized,
};

std::string upgrade_request(std::string_view host, std::string_view path,
                            std::string_view subprotocol);

// The length of the response head at the start of `bytes`; frames may follow it at once.
Result<std::size_t, UpgradeError> read_upgrade_response(std::string_view bytes);

}  // namespace ringroom::load
