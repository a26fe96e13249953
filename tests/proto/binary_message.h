#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/dialect/native_binary.h"

namespace ringroom::proto::dialect::native_binary {

// What a client sends, written down independently of our encoder. Empty: not there.
struct ClientMessage {
  std::uint64_t room_id = 0;
  std::string_view type;  // in the table or not
  std::string_view uuid = {};
  std::string_view message_id = {};
  std::string_view correlation_id = {};
  std::string_view correlation_uuid = {};
  std::string_view fields = {};
  std::string_view payload = {};
  bool raw = false;
  bool with_what_only_the_server_says = false;
};

inline std::string varint(std::uint64_t value) {
  std::string out;
  for (; value > 127; value /= 128) out += static_cast<char>(value % 128 + 128);
  return out += static_cast<char>(value);
}
inline std::string sized(std::string_view text) { return varint(text.size()) + std::string(text); }

inline std::string written(const ClientMessage& message) {
  std::uint8_t flags = 0;
  std::string out = varint(message.room_id);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < std::size(types); ++i)
    if (types[i] == message.type) number = i + 1;
  out += number != 0 ? varint(number) : varint(0) + sized(message.type);
  if (message.with_what_only_the_server_says) {
    flags |= 1;
    out += varint(~std::uint64_t{0});
  }
  if (!message.uuid.empty()) {
    flags |= 2;
    out += message.uuid;
  } else if (!message.message_id.empty()) {
    flags |= 2 | 64;
    out += sized(message.message_id);
  }
  if (!message.correlation_uuid.empty()) {
    flags |= 4;
    out += varint(0) + std::string(message.correlation_uuid);
  } else if (!message.correlation_id.empty()) {
    flags |= 4;
    out += sized(message.correlation_id);
  }
  if (message.with_what_only_the_server_says) {
    flags |= 8 | 16;
    out += sized("mallory") + "\1\2\3\4\5\6";
  }
  if (!message.fields.empty()) {
    flags |= 128;
    out += sized(message.fields);
  }
  if (message.raw) flags |= 32;
  return std::string("\x11") + static_cast<char>(flags) + out + std::string(message.payload);
}

}  // namespace ringroom::proto::dialect::native_binary
