#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/bounds.h"
#include "proto/frame.h"

namespace ringroom::proto {

// Bytes as a client would send them, written independently of the code under test.

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct ClientFrame {
  int first = 0x81;  // FIN, RSV, opcode
  std::string payload = {};
  std::array<unsigned char, 4> mask{0x11, 0xa2, 0x37, 0xfe};
  bool masked = true;
  int length_form = 0;  // 0 shortest; else 7, 16 or 64 bits, whether it fits or not
};

inline void operator+=(Bytes& to, const Bytes& more) {
  to.insert(to.end(), more.begin(), more.end());
}

inline Bytes encoded(const ClientFrame& frame) {
  Bytes out;
  const auto put = [&out](std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out.push_back(std::byte(value >> (8 * i) & 0xff));
  };
  const std::uint64_t length = frame.payload.size();
  const int form = frame.length_form != 0 ? frame.length_form
                   : length < 126         ? 7
                   : length < 65536       ? 16
                                          : 64;
  const unsigned mask_bit = frame.masked ? 0x80 : 0;
  put(unsigned(frame.first), 1);
  if (form == 7) put(mask_bit | length, 1);
  if (form == 16) put(mask_bit | 126, 1), put(length, 2);
  if (form == 64) put(mask_bit | 127, 1), put(length, 8);
  if (frame.masked)
    for (const unsigned char byte : frame.mask) out.push_back(std::byte(byte));
  for (std::size_t i = 0; i < frame.payload.size(); ++i) {
    const auto byte = static_cast<unsigned char>(frame.payload[i]);
    out.push_back(std::byte(frame.masked ? byte ^ frame.mask[i % 4] : byte));
  }
  return out;
}

inline Bytes text_frame(std::string_view payload) {
  return encoded({.first = 0x81, .payload = std::string(payload)});
}

}  // namespace ringroom::proto
