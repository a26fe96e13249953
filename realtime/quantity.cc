#include "realtime/quantity.h"

#include <charconv>
#include <span>

namespace ringroom::realtime {

namespace {

struct Suffix {
  std::string_view name;
  std::uint64_t factor;
  bool printed;
};

// Largest first: printing takes the first that divides the value.
constexpr Suffix byte_suffixes[] = {
    {"GiB", 1u << 30, true},  {"MiB", 1u << 20, true},
    {"KiB", 1u << 10, true},  {"GB", 1'000'000'000, false},
    {"MB", 1'000'000, false}, {"kB", 1'000, false},
    {"B", 1, true},
};
constexpr Suffix time_suffixes[] = {
    {"h", 3'600'000, true}, {"min", 60'000, true}, {"m", 60'000, false},
    {"s", 1'000, true},     {"ms", 1, true},
};
constexpr Suffix count_suffixes[] = {{"", 1, true}};

std::span<const Suffix> suffixes_of(Unit unit) {
  switch (unit) {
    case Unit::bytes:
      return byte_suffixes;
    case Unit::milliseconds:
      return time_suffixes;
    case Unit::count:
      break;
  }
  return count_suffixes;
}

}  // namespace

std::optional<std::uint64_t> parse_quantity(std::string_view text, Unit unit) {
  std::uint64_t number = 0;
  const auto digits = std::from_chars(text.data(), text.data() + text.size(), number);
  if (digits.ec != std::errc{}) return std::nullopt;
  std::string_view rest = text.substr(static_cast<std::size_t>(digits.ptr - text.data()));
  if (rest.empty()) return number;
  if (rest.front() == ' ') rest.remove_prefix(1);
  for (const Suffix& suffix : suffixes_of(unit)) {
    if (rest != suffix.name || rest.empty()) continue;
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(number, suffix.factor, &product)) return std::nullopt;
    return product;
  }
  return std::nullopt;
}

std::string print_quantity(std::uint64_t value, Unit unit) {
  for (const Suffix& suffix : suffixes_of(unit)) {
    if (!suffix.printed || value < suffix.factor || value % suffix.factor != 0) continue;
    return std::to_string(value / suffix.factor) + std::string(suffix.name);
  }
  return std::to_string(value);
}

}  // namespace ringroom::realtime
