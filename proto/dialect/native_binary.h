#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "alloc/block.h"
#include "base/result.h"
#include "proto/command.h"
#include "proto/dialect/reply.h"
#include "proto/json.h"

namespace ringroom::proto::dialect::native_binary {

// The native protocol in binary, subprotocol `ringroom.v1.bin`: a compact envelope around the same
// payloads, or around bytes that mean nothing to us. One message per binary frame:
//
//   u8      0x10 | kind    version 1; kind 1: a message, 2: a batch (u32le length and message, ...)
//   u8      flags          what follows, see Flag
//   varint  room_id        the number that room_joined gave; 0: none
//   varint  type           index in `types`; 0: varint length and the name follow
//   [varint sequence]
//   [16 bytes message_id, a UUID]     or  [varint length, message_id]
//   [varint length, correlation_id]       length 0: 16 bytes follow, a UUID
//   [varint length, sender]
//   [u48be milliseconds since 1970]
//   [varint length, JSON object]          the rarer fields of the envelope: room, key, ...
//   payload                the rest: a JSON object, nothing (an empty object), or raw bytes
//
// Errors: all the sender's; each says what is wrong and what to do.

enum Flag : std::uint8_t {
  has_sequence = 1,
  has_message_id = 2,
  has_correlation_id = 4,
  has_sender = 8,
  has_timestamp = 16,
  payload_is_raw = 32,
  message_id_is_text = 64,  // with has_message_id
  has_fields = 128,
};

inline constexpr std::uint8_t message_kind = 0x11;
inline constexpr std::uint8_t batch_kind = 0x12;

// Types by number, from 1 on. Clients know the numbers: append, never reorder or remove. It stands
// in docs/protocol.md too.
inline constexpr std::string_view types[] = {
    "room_message",
    "typing_indicator",
    "cursor_position",
    "user_joined",
    "user_left",
    "presence_diff",
    "ack",
    "error_message",
    "validation_error",
    "connect",
    "connection_ack",
    "join_room",
    "room_joined",
    "leave_room",
    "room_left",
    "ping",
    "pong",
    "heartbeat",
    "presence",
    "update_presence",
    "history",
    "room_reset",
    "subscribe",
    "unsubscribe",
    "refresh_token",
    "request_metrics",
    "query_request",
    "query_cancel",
    "query_progress",
    "query_result",
    "query_cancelled",
    "create_room",
    "room_created",
    "delete_room",
    "room_deleted",
    "list_rooms",
    "room_list",
    "room_info",
    "acknowledge",
    "system_message",
    "notification",
    "service_degradation",
    "reconnect",
    "ontology_suggestion",
    "ontology_search",
    "endpoint_status",
    "endpoint_health",
    "subscribed",
    "unsubscribed",
};
static_assert(types[6] == "ack" && types[30] == "query_cancelled" && std::size(types) == 49 &&
                  types[48] == "unsubscribed",
              "a number never changes its meaning");
static_assert(std::size(types) < 128, "one byte each");

// `message` may be changed: line ends in its JSON become blanks. 64 bytes behind it must be
// readable. The command is views into the message and the parsers, and ends with any of them.
Result<Command, DecodeError> decode(std::span<std::byte> message, JsonParser& parser,
                                    JsonParser& fields_parser);

constexpr bool is_batch(std::span<const std::byte> message) {
  return !message.empty() && message.front() == std::byte(batch_kind);
}

// The messages of a batch, in order. That all of them are there is known from open() on; what they
// hold is not.
class BatchReader {
 public:
  static Result<BatchReader, DecodeError> open(std::span<std::byte> batch);
  std::optional<std::span<std::byte>> next();

 private:
  explicit BatchReader(std::span<std::byte> rest) : rest_(rest) {}
  std::span<std::byte> rest_;
};

// What many hear, encoded once for all of them.
void encode(const Publication& value, alloc::BlockBuilder& out);

// A batch: the kind, and then each message behind its length.
void begin_batch(alloc::BlockBuilder& out);
void append_to_batch(std::span<const std::byte> message, alloc::BlockBuilder& out);

// What one client is told. The room is named, not numbered: only a listener knows the number.
void begin_reply(const ReplyHead& head, alloc::BlockBuilder& out);
inline void end_reply(alloc::BlockBuilder&) {}  // the payload is the rest

template <Reply Value>
void encode(const Value& value, alloc::BlockBuilder& out) {
  begin_reply(head_of(value), out);
  write_payload(value, out);
  end_reply(out);
}

}  // namespace ringroom::proto::dialect::native_binary
