#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "proto/command.h"
#include "proto/json.h"

namespace ringroom::proto::dialect {

// What the native dialects ask for alike: how a type is read, what its payload must hold, which
// sentence says what is wrong. A dialect finds the fields of the envelope in its own way, and
// leaves the rest to read_command().

// What was wrong: the place and the sentence. The dialect adds the correlation_id.
struct Fault {
  std::string_view path, message;
};
using Verdict = std::optional<Fault>;
constexpr Verdict good = std::nullopt;

// The fields of the envelope that we read, as found. `null` counts as absent: clients in JavaScript
// write it for optional fields they do not use.
struct Envelope {
  std::optional<JsonValue> type, message_id, correlation_id, timestamp, room, payload, messages,
      key, expected_version, remove, priority, required_permission, event_types;
};

// The fields of an object; each at most once.
Verdict read_envelope(JsonValue object, Envelope& envelope);

// The rest of a command of which the type is known, and the message_id if it has one. What a binary
// envelope says outside its JSON (correlation_id, room_number, payload_is_raw with the payload) is
// in the command already. `parser` lends the room for lists.
Verdict read_command(const Envelope& envelope, JsonParser& parser, Command& command);

// The message_id alone, first, so that every later complaint can be matched by its sender.
Verdict read_message_id(const std::optional<JsonValue>& value, Command& command);

DecodeError no_json(JsonError error);

// 1 to `bytes_max` bytes of UTF-8 without control characters. What comes out of a JSON text need
// not be asked about its UTF-8 again.
bool is_name(std::string_view text, std::size_t bytes_max);
// 1..255 bytes of UTF-8 without control characters. For every place a room name comes from.
bool is_room_name(std::string_view name);
// [a-z][a-z0-9_.:]{0,63}
bool is_type_name(std::string_view name);
// A type that only the server may send, such as `ack`.
bool is_server_type(std::string_view type);

// Replaces CR and LF by blanks; only for valid JSON, where they can be nothing but white space.
void blank_line_ends(std::span<std::byte> json);

}  // namespace ringroom::proto::dialect
