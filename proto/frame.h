#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "alloc/block.h"
#include "base/result.h"
#include "proto/close_code.h"

namespace ringroom::proto {

// One WebSocket frame (RFC 6455, 5.2): headers in both directions, and whole frames to send.
//
//    0               1               2 ..............
//   |F R R R opcode |M length7      | 0, 2 or 8 bytes of length | 4 bytes of mask | payload |
//
// Pure functions: no socket, no clock.
// Errors: every one is the peer's and maps to the close code we answer with (close_code_of).

enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};
constexpr bool is_control(Opcode opcode) { return (std::uint8_t(opcode) & 8) != 0; }

// How a data message's payload travels: as it is, or in a deflate stream with RSV1 set on its first
// frame (deflate.h), after permessage-deflate was agreed.
enum class Coding : std::uint8_t { plain, deflated };

struct FrameHeader {
  Opcode opcode;
  bool final;
  bool compressed;  // RSV1
  std::uint64_t payload_bytes;
};

inline constexpr std::size_t frame_header_bytes_max = 10;           // server frames carry no mask
inline constexpr std::size_t received_frame_header_bytes_max = 14;  // client frames do

enum class FrameError : std::uint8_t {
  need_more_bytes,
  reserved_bit,
  reserved_opcode,
  unmasked,
  control_frame,  // fragmented, or longer than 125 bytes
  length_form,    // not the shortest form, or 2^63 and more
  oversized
};
// `need_more_bytes` is no error of the peer and has no code.
CloseCode close_code_of(FrameError error);

// The header of a frame this server sends. Written once per publication and shared by every
// subscriber, which is why it does not know about sockets.
struct EncodedHeader {
  std::array<std::byte, frame_header_bytes_max> bytes;
  std::uint8_t size_bytes;
  std::span<const std::byte> view() const { return {bytes.data(), size_bytes}; }
};

EncodedHeader encode(const FrameHeader& header);

// The first header in `received`; bytes beyond it are not looked at.
struct DecodedHeader {
  FrameHeader header;
  std::size_t consumed_bytes;
  std::array<std::byte, 4> mask;
};
Result<DecodedHeader, FrameError> decode(std::span<const std::byte> received,
                                         std::uint64_t payload_bytes_max);

// Frames what is appended to `out` between the two calls:
//
//   const std::size_t begin = begin_frame(out);
//   encode(publication, out);
//   end_frame(out, begin, Opcode::text);
//
// A gap of four bytes is left for the header, which fits 126..65535 bytes of payload; any other
// length moves the payload once. Several frames may follow each other in one builder. Returns the
// payload, a view until the next append.
std::size_t begin_frame(alloc::BlockBuilder& out);
std::span<const std::byte> end_frame(alloc::BlockBuilder& out, std::size_t begin, Opcode opcode,
                                     Coding coding = Coding::plain);

// The first of several whole frames of ours, as append_frame and end_frame wrote them.
struct OwnFrame {
  Opcode opcode;
  std::span<const std::byte> payload;
  std::size_t frame_bytes;
};
OwnFrame first_frame(std::span<const std::byte> frames);

void append_frame(alloc::BlockBuilder& out, Opcode opcode, std::span<const std::byte> payload);
// The reason is cut at 123 bytes, between two characters. `no_status` gives an empty close frame.
void append_close(alloc::BlockBuilder& out, CloseCode code, std::string_view reason);

}  // namespace ringroom::proto
