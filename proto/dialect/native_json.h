#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "alloc/block.h"
#include "base/result.h"
#include "proto/command.h"
#include "proto/dialect/native_command.h"
#include "proto/dialect/reply.h"
#include "proto/frame.h"
#include "proto/json.h"

namespace ringroom::proto::dialect::native_json {

// The native protocol as JSON text, one object per message: docs/protocol.md.
//
//   text --decode()--> Command      Publication, Ack, ... --encode()--> text, without the frame
//
// Errors: all the sender's; each says what is wrong and what to do.

// `text` may be changed: line ends in it become blanks. 64 bytes behind it must be readable. The
// command is views into the text and the parser; it ends with either.
Result<Command, DecodeError> decode(std::span<std::byte> text, JsonParser& parser);
// One of Command::messages, whose line ends are blanks already. `parser` is not the one that
// decoded the batch. It may be another batch; how deep that may go is the caller's decision.
Result<Command, DecodeError> decode_inner(std::string_view text, JsonParser& parser);

using dialect::blank_line_ends;
using dialect::is_room_name;
using dialect::is_server_type;
using dialect::is_type_name;

// What many hear, encoded once for all of them.
void encode(const Publication& value, alloc::BlockBuilder& out);
void encode(const MessageBatch& value, alloc::BlockBuilder& out);

// What one client is told: {"type":..,"correlation_id":..,"room":..,"timestamp":..,"payload": and,
// behind the payload, the end.
void begin_reply(const ReplyHead& head, alloc::BlockBuilder& out);
void end_reply(alloc::BlockBuilder& out);

template <Reply Value>
void encode(const Value& value, alloc::BlockBuilder& out) {
  begin_reply(head_of(value), out);
  write_payload(value, out);
  end_reply(out);
}

// The same as a frame of its own.
void append_frame(const auto& value, alloc::BlockBuilder& out) {
  const std::size_t begin = begin_frame(out);
  encode(value, out);
  end_frame(out, begin, Opcode::text);
}

}  // namespace ringroom::proto::dialect::native_json
