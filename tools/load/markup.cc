#include "tools/load/markup.h"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ringroom::load {
namespace {

// Bytes of the character at the front of `text`; 0 when it is not UTF-8.
std::size_t character_bytes(std::string_view text) {
  const auto first = static_cast<std::uint8_t>(text[0]);
  if (first < 0x80) return 1;
  const auto bytes = static_cast<std::size_t>(std::countl_one(first));
  if (bytes < 2 || bytes > 4 || bytes > text.size()) return 0;
  std::uint32_t code = first & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) return 0;
    code = code << 6 | (next & 0x3Fu);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  const bool unwritable = code == 0xFFFE || code == 0xFFFF || (code >= 0x80 && code < 0xA0);
  if (code < smallest[bytes] || code > 0x10FFFF || surrogate || unwritable) return 0;
  return bytes;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    const char c = text[0];
    if (bytes == 0 || (bytes == 1 && static_cast<std::uint8_t>(c) < 0x20 && c != '\n') ||
        c == 0x7F) {
      out += c == '\t' ? ' ' : '?';
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return out;
}

}  // namespace ringroom::load
