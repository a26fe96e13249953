#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "realtime/connection_id.h"

namespace ringroom::realtime {

// A connection id as clients and the API write it: 20 hex digits, core, generation and slot. It
// says where the connection is, so an answer needs no table; it is no secret.
class ConnectionText {
 public:
  explicit ConnectionText(const ConnectionId& id);
  operator std::string_view() const { return {digits_.data(), digits_.size()}; }

  // nullopt: not in the form that we give out.
  static std::optional<ConnectionId> parse(std::string_view text);

 private:
  static constexpr std::size_t core_digits = 4, number_digits = 8;
  std::array<char, core_digits + 2 * number_digits> digits_;
};

inline ConnectionText::ConnectionText(const ConnectionId& id) {
  char* out = digits_.data();
  const auto put = [&out](std::uint32_t value, std::size_t digits) {
    for (std::size_t i = digits; i-- > 0;) *out++ = "0123456789abcdef"[value >> 4 * i & 0xf];
  };
  put(id.core, core_digits);
  put(id.generation, number_digits);
  put(id.slot, number_digits);
}

inline std::optional<ConnectionId> ConnectionText::parse(std::string_view text) {
  if (text.size() != core_digits + 2 * number_digits) return std::nullopt;
  const auto take = [&text](std::size_t digits) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    for (const char c : text.substr(0, digits)) {
      const auto digit = std::string_view("0123456789abcdef").find(c);
      if (digit == std::string_view::npos) return std::nullopt;
      value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    text.remove_prefix(digits);
    return value;
  };
  const auto core = take(core_digits), generation = take(number_digits), slot = take(number_digits);
  if (!core || !generation || !slot) return std::nullopt;
  return ConnectionId{
      .core = static_cast<std::uint16_t>(*core), .slot = *slot, .generation = *generation};
}

}  // namespace ringroom::realtime
