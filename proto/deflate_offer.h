#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "alloc/block.h"

namespace ringroom::proto {

// The negotiation of permessage-deflate (RFC 7692, 7): which offer of a client is taken, and how it
// is answered.
//
//   offer, offer, ...  --agree_on_deflate()-->  the first that we can keep  --append()-->  answer
//
// Both sides start every message afresh: the answer always says server_no_context_takeover, so that
// one compressed message serves every listener, and client_no_context_takeover, so that a
// connection holds no window of ours (7.1.1.2 lets a server say it to a client that did not).
//
// Declined, so that the next offer is looked at: a parameter that is unknown, given twice or has a
// value that it may not have, and server_max_window_bits=8, which zlib's raw deflate does not do
// (it answers 9 and lies).

inline constexpr std::uint8_t whole_window_bits = 15;

struct DeflateAgreement {
  std::uint8_t server_window_bits =
      whole_window_bits;         // 9 or more: no distance of ours is longer than 2^bits
  bool window_is_asked = false;  // then the answer repeats it

  bool operator==(const DeflateAgreement&) const = default;
};

// Reads one Sec-WebSocket-Extensions field; `agreed` stays as it is once it has a value, so several
// fields are one list. False: the field is malformed.
bool agree_on_deflate(std::string_view field, std::optional<DeflateAgreement>& agreed);

// The value of our Sec-WebSocket-Extensions.
void append(alloc::BlockBuilder& out, const DeflateAgreement& agreement);

}  // namespace ringroom::proto
