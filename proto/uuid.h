#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ringroom::proto {

// A UUID as 16 bytes and as the one text we write for it (RFC 9562, 4): 36 characters, lower case.
// Other spellings are texts of their own, so that what was said comes back as it was said.

inline constexpr std::size_t uuid_bytes = 16;
inline constexpr std::size_t uuid_text_bytes = 36;

constexpr bool is_uuid_dash(std::size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

inline std::optional<std::array<std::byte, uuid_bytes>> parse_uuid(std::string_view text) {
  if (text.size() != uuid_text_bytes) return std::nullopt;
  std::array<std::byte, uuid_bytes> bytes{};
  std::size_t digit = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_uuid_dash(i)) {
      if (c != '-') return std::nullopt;
      continue;
    }
    int value = 0;
    if (c >= '0' && c <= '9') {
      value = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      value = c - 'a' + 10;
    } else {
      return std::nullopt;
    }
    bytes[digit / 2] |= std::byte(digit % 2 == 0 ? value << 4 : value);
    ++digit;
  }
  return bytes;
}

inline void write_uuid(std::span<const std::byte, uuid_bytes> bytes,
                       std::span<char, uuid_text_bytes> text) {
  std::size_t digit = 0;
  for (std::size_t i = 0; i < uuid_text_bytes; ++i) {
    if (is_uuid_dash(i)) {
      text[i] = '-';
      continue;
    }
    const unsigned byte = std::to_integer<unsigned>(bytes[digit / 2]);
    text[i] = "0123456789abcdef"[digit % 2 == 0 ? byte >> 4 : byte & 0xf];
    ++digit;
  }
}

}  // namespace ringroom::proto
