#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringroom::realtime {

// What an operator can switch off (H7, option `off`), a row each. What is off is answered with
// `unavailable`, and stands in `features` of connection_ack.
enum class Feature : std::uint8_t {
  websocket,  // without it the server speaks HTTP only
  raw,
  binary,
  events,
  compression,
  history,
  state,
  presence,
  patterns,
  ephemeral,
  offline,
  batches,
  broadcast,
  quiet_hours
};
inline constexpr std::string_view feature_names[] = {
    "websocket", "raw",      "binary",    "events",  "compression", "history",   "state",
    "presence",  "patterns", "ephemeral", "offline", "batches",     "broadcast", "quiet-hours"};
static_assert(std::size(feature_names) == std::size_t(Feature::quiet_hours) + 1);

class Features {
 public:
  constexpr bool has(Feature feature) const { return (bits_ >> std::size_t(feature) & 1) != 0; }
  constexpr void add(Feature feature) {
    bits_ = static_cast<std::uint16_t>(bits_ | 1u << std::size_t(feature));
  }
  constexpr void clear() { bits_ = 0; }
  std::vector<std::string_view> names() const {
    std::vector<std::string_view> out;
    for (std::size_t i = 0; i < std::size(feature_names); ++i)
      if (has(Feature(i))) out.push_back(feature_names[i]);
    return out;
  }
  static std::optional<Feature> find(std::string_view name) {
    for (std::size_t i = 0; i < std::size(feature_names); ++i)
      if (feature_names[i] == name) return Feature(i);
    return std::nullopt;
  }

 private:
  std::uint16_t bits_ = 0;
  static_assert(std::size(feature_names) <= 16);
};

}  // namespace ringroom::realtime
