#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/http.h"

namespace ringroom::realtime {

// Where a handshake may carry its token. The first that is there counts:
//
//   Authorization: Bearer JWT               servers and programs
//   Sec-WebSocket-Protocol: ..., ringroom.token.JWT     browsers: it stands in no address
//   ?token=JWT                              where nothing else can be set
//   Cookie: NAME=JWT                        if token-cookie names it
//
// A browser sends a cookie whoever asked it to: it counts only without an Origin or with our own.
std::optional<std::string> token_of(const proto::Request& request,
                                    std::string_view cookie_name = {});

// Of a subprotocol that is none, but a token. It is never chosen, and never repeated in an answer.
inline constexpr std::string_view token_subprotocol_prefix = "ringroom.token.";

// A key of the API in a subprotocol of its own, likewise: ringroom.key.KEY. For pages of who looks
// after the server; a key that is to be said so is of letters, digits and !#$%&'*+-.^_`|~ only.
// Empty: there is none.
std::string key_in_subprotocols(const proto::Request& request);
inline constexpr std::string_view key_subprotocol_prefix = "ringroom.key.";
inline constexpr std::string_view encoded_key_subprotocol_prefix = "ringroom.key64.";

}  // namespace ringroom::realtime
