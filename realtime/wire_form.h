#pragma once

#include <cstddef>
#include <cstdint>

namespace ringroom::realtime {

// What a listener gets: the dialect it speaks, and whether its connection agreed to compression.
enum class WireForm : std::uint8_t {
  json,
  raw,
  binary,         // proto/dialect/native_binary
  event,          // proto/dialect/event_json
  batched,        // JSON, several messages of a room in one message_batch
  json_deflated,  // the first of the same compressed: see deflated()
};
inline constexpr std::size_t wire_dialects = 5;
inline constexpr std::size_t wire_forms = 2 * wire_dialects;

constexpr WireForm deflated(WireForm plain) { return WireForm(std::size_t(plain) + wire_dialects); }
// Replies and everything else for one connection are in JSON.
constexpr bool is_json(WireForm dialect) {
  return dialect == WireForm::json || dialect == WireForm::batched;
}
constexpr WireForm dialect_of(WireForm form) { return WireForm(std::size_t(form) % wire_dialects); }
// Raw listeners hear payloads only: they are nobody to the others and get no answers.
constexpr bool is_raw(WireForm form) { return dialect_of(form) == WireForm::raw; }
// Event listeners hear of a batch what they have asked for.
constexpr bool is_event(WireForm form) { return dialect_of(form) == WireForm::event; }

}  // namespace ringroom::realtime
