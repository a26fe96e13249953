#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringroom::proto {

// Is a text UTF-8 (RFC 3629: shortest form, no surrogates, at most U+10FFFF)?

// The whole of a text at once, with SIMD.
bool is_utf8(std::span<const std::byte> text);
inline bool is_utf8(std::string_view text) { return is_utf8(std::as_bytes(std::span(text))); }

// A text that arrives in pieces. Fails at the first byte that no continuation can save, as
// Autobahn's fail-fast cases want it, even in the middle of a character.
class Utf8Stream {
 public:
  // False: the text is not UTF-8, whatever follows. Stays false.
  bool add(std::span<const std::byte> piece);
  // True if nothing is missing: the pieces so far end between two characters.
  bool is_complete() const { return state_ == 0; }
  void reset() { state_ = 0; }

 private:
  std::uint8_t state_ = 0;  // what the next byte may be; see the table in utf8.cc
};

// The longest prefix of at most `bytes_max` bytes that does not cut a character. `text` is UTF-8.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max);

}  // namespace ringroom::proto
