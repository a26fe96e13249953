#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace ringroom::load {

// The client's half of RFC 6455 framing. Written apart from proto/ on purpose: a mistake that the
// server's codec makes in both directions would otherwise go unnoticed.
// Pure functions: no socket, no clock, no allocation.

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

enum class FrameError : std::uint8_t {
  need_more_bytes,
  masked,  // a server must not
  reserved_bit,
  reserved_opcode,
  broken_control,  // fragmented, or longer than 125 bytes
  long_length,     // a length in more bytes than it needs, or with its top bit set
};

struct ServerFrame {
  Opcode opcode;
  bool final;
  bool compressed;  // the whole message that this frame begins
  std::size_t header_bytes;
  std::uint64_t payload_bytes;
};

// What the first reserved bit means: nothing, or permessage-deflate (RFC 7692, 6) was agreed to.
enum class Rsv1 : std::uint8_t { reserved, compressed };

// The header at the start of `bytes`; the payload may still be on its way.
Result<ServerFrame, FrameError> read_server_frame(std::span<const std::byte> bytes,
                                                  Rsv1 rsv1 = Rsv1::reserved);

inline constexpr std::size_t client_header_bytes_max = 14;

constexpr std::size_t server_header_bytes(std::uint64_t payload_bytes) {
  return payload_bytes < 126 ? 2 : payload_bytes < 65536 ? 4 : 10;
}
constexpr std::size_t client_header_bytes(std::uint64_t payload_bytes) {
  return server_header_bytes(payload_bytes) + 4;
}

// Writes the header of a final frame to the first client_header_bytes(payload_bytes) bytes of `to`.
void write_client_header(std::byte* to, Opcode opcode, std::uint64_t payload_bytes);

// Applies the mask that every client frame here carries. One fixed mask for all: a mask guards
// intermediaries against chosen bytes, and there are none here. It is not zero, so the server has
// the same work as with a browser's.
void mask(std::span<std::byte> payload);

}  // namespace ringroom::load
