#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringroom::realtime {

// Amounts as an operator writes them: "64KiB", "25s", "1200". A bare number is in the unit of the
// option: bytes, milliseconds or pieces. Pure.
enum class Unit : std::uint8_t { count, bytes, milliseconds };

// Nothing if it is not an amount of that unit, or larger than 64 bits hold.
std::optional<std::uint64_t> parse_quantity(std::string_view text, Unit unit);

// In the largest unit that shows it exactly: 65536 bytes are "64KiB", 1500 milliseconds "1500ms".
std::string print_quantity(std::uint64_t value, Unit unit);

}  // namespace ringroom::realtime
