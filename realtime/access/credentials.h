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

}  // namespace ringroom::realtime
