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
// Both sides start every message afresh: the answer says server_no_context_takeover, so that one
// compressed message serves every listener, and client_no_context_takeover, so that a connection
// holds no window of ours (7.1.1.2 lets a server say it to a client that did not). Unless the
// caller keeps the context, which it may if the client did not ask for the first of the two: then
// neither is said, and the client is asked to write with a small window if it leaves that to us.
//
// Declined, so that the next offer is looked at: a parameter that is unknown, given twice or has a
// value that it may not have.

inline constexpr std::uint8_t whole_window_bits = 15;
// zlib's raw deflate makes 9 of 8. Messages that start afresh are written by libdeflate and keep
// within any window by their length; a context with a window of 8 is not kept.
inline constexpr std::uint8_t zlib_window_bits_min = 9;
// A context that is kept is worth 8 KiB: with messages around 1 KiB the whole 32 KiB would save 5 %
// of the bytes (decisions/0013).
inline constexpr std::uint8_t kept_window_bits = 13;

struct DeflateAgreement {
  std::uint8_t server_window_bits =
      whole_window_bits;                // 8 or more: no distance of ours is longer than 2^bits
  bool window_is_asked = false;         // then the answer repeats it
  bool server_starts_afresh = false;    // the client asks for it
  bool client_starts_afresh = false;    // the client says that it will
  std::uint8_t client_window_bits = 0;  // 9..15: the client takes any up to this; 0: it chooses
  bool keeps_context = false;           // our choice, if the client does not ask for the contrary

  bool operator==(const DeflateAgreement&) const = default;
};

// Reads one Sec-WebSocket-Extensions field; `agreed` stays as it is once it has a value, so several
// fields are one list. False: the field is malformed.
bool agree_on_deflate(std::string_view field, std::optional<DeflateAgreement>& agreed);

// Whether we may choose to keep the context.
constexpr bool allows_context(const DeflateAgreement& agreement) {
  return !agreement.server_starts_afresh && agreement.server_window_bits >= zlib_window_bits_min;
}
// The window that the client writes with, at most, once it has our answer that keeps the context.
std::uint8_t read_window_bits(const DeflateAgreement& agreement);

// The value of our Sec-WebSocket-Extensions.
void append(alloc::BlockBuilder& out, const DeflateAgreement& agreement);

}  // namespace ringroom::proto
