#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "proto/command.h"
#include "proto/dialect/native_command.h"
#include "proto/json.h"

namespace ringroom::proto::dialect {

// What each kind of command has to say besides its type and room: one function per kind, for the
// table in native_command.cc. Most of it is in the payload, hence the name.

// Everything such a function may look at. `parser` lends the room for lists.
struct Reading {
  const Envelope& envelope;
  const std::optional<JsonValue>& payload;
  JsonParser& parser;

  std::optional<JsonValue> find(std::string_view name) const {
    return payload ? payload->find(name) : std::nullopt;
  }
};

Verdict read_connect(const Reading& in, Command& command);
Verdict read_refresh_token(const Reading& in, Command& command);
Verdict read_join(const Reading& in, Command& command);
Verdict read_history(const Reading& in, Command& command);
Verdict read_event_types(const Reading& in, Command& command);
Verdict read_batch(const Reading& in, Command& command);
Verdict read_reach(const Reading& in, Command& command);
Verdict read_publish(const Reading& in, Command& command);
Verdict read_presence(const Reading& in, Command& command);
Verdict read_update_presence(const Reading& in, Command& command);
Verdict read_create_room(const Reading& in, Command& command);
Verdict read_list_rooms(const Reading& in, Command& command);
Verdict read_acknowledge(const Reading& in, Command& command);
Verdict read_query_request(const Reading& in, Command& command);
Verdict read_query_cancel(const Reading& in, Command& command);

// Without control characters, and not empty.
inline bool is_plain(std::string_view text, std::size_t bytes_max) {
  if (text.empty() || text.size() > bytes_max) return false;
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// An optional string: absent leaves `to` empty.
inline Verdict read_text(const std::optional<JsonValue>& value, std::size_t bytes_max, Fault fault,
                         std::string_view& to) {
  if (!value || value->is_null()) return good;
  const auto text = value->string();
  if (!text || !is_plain(*text, bytes_max)) return fault;
  to = *text;
  return good;
}

}  // namespace ringroom::proto::dialect
