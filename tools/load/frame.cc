#include "tools/load/frame.h"

#include <cstring>

namespace ringroom::load {
namespace {

constexpr std::byte mask_bytes[4] = {std::byte{0x37}, std::byte{0xfa}, std::byte{0x21},
                                     std::byte{0x3d}};

std::uint64_t read_big_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint64_t>(byte);
  return value;
}

void write_big_endian(std::byte* to, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) to[i] = static_cast<std::byte>(value >> 8 * (bytes - 1 - i));
}

constexpr bool known(unsigned opcode) { return opcode <= 0x2 || (opcode >= 0x8 && opcode <= 0xA); }

}  // namespace

Result<ServerFrame, FrameError> read_server_frame(std::span<const std::byte> bytes, Rsv1 rsv1) {
  if (bytes.size() < 2) return fail(FrameError::need_more_bytes);
  const unsigned first = std::to_integer<unsigned>(bytes[0]);
  const unsigned second = std::to_integer<unsigned>(bytes[1]);
  const bool compressed = (first & 0x40) != 0;
  if ((first & 0x30) != 0) return fail(FrameError::reserved_bit);
  if (!known(first & 0x0f)) return fail(FrameError::reserved_opcode);
  // Only the first frame of a message carries it.
  const bool begins = (first & 0x0f) == 0x1 || (first & 0x0f) == 0x2;
  if (compressed && (rsv1 == Rsv1::reserved || !begins)) return fail(FrameError::reserved_bit);
  if ((second & 0x80) != 0) return fail(FrameError::masked);

  ServerFrame frame{.opcode = static_cast<Opcode>(first & 0x0f),
                    .final = (first & 0x80) != 0,
                    .compressed = compressed,
                    .header_bytes = 2,
                    .payload_bytes = second};
  const bool control = (first & 0x08) != 0;
  if (control && (!frame.final || second > 125)) return fail(FrameError::broken_control);
  if (second < 126) return frame;

  const std::size_t length_bytes = second == 126 ? 2 : 8;
  if (bytes.size() < 2 + length_bytes) return fail(FrameError::need_more_bytes);
  frame.header_bytes = 2 + length_bytes;
  frame.payload_bytes = read_big_endian(bytes.subspan(2, length_bytes));
  const bool minimal = frame.payload_bytes >= (second == 126 ? 126u : 65536u);
  if (!minimal || frame.payload_bytes >> 63 != 0) return fail(FrameError::long_length);
  return frame;
}

void write_client_header(std::byte* to, Opcode opcode, std::uint64_t payload_bytes) {
  to[0] = static_cast<std::byte>(0x80u | static_cast<unsigned>(opcode));
  const std::size_t header = server_header_bytes(payload_bytes);
  if (header == 2) {
    to[1] = static_cast<std::byte>(0x80u | payload_bytes);
  } else {
    to[1] = static_cast<std::byte>(header == 4 ? 0x80u | 126u : 0x80u | 127u);
    write_big_endian(to + 2, payload_bytes, header == 4 ? 2 : 8);
  }
  std::memcpy(to + header, mask_bytes, sizeof mask_bytes);
}

void mask(std::span<std::byte> payload) {
  std::uint64_t eight = 0;
  std::memcpy(&eight, mask_bytes, 4);
  eight |= eight << 32;
  std::size_t at = 0;
  for (; at + 8 <= payload.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload.data() + at, 8);
    word ^= eight;
    std::memcpy(payload.data() + at, &word, 8);
  }
  for (; at < payload.size(); ++at) payload[at] ^= mask_bytes[at % 4];
}

}  // namespace ringroom::load
