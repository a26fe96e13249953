#pragma once

#include "alloc/block.h"
#include "proto/command.h"
#include "proto/dialect/reply.h"

namespace ringroom::proto::dialect::event_json {

// The event dialect: what happens in a workspace, for those who asked for its kind.
//
//   {"event":"metrics_update","data":{..},"sequence":1,"timestamp":"2023-10-02T10:40:00.000Z"}
//
// It is a way of hearing; what its clients say is read as native JSON.

// The greeting: {"event":"connected","connection_id":..,"workspace_id":..}
void encode(const ConnectionAck& value, alloc::BlockBuilder& out);

// What many hear, encoded once for all of them. A room that is not a workspace is named.
void encode(const Publication& value, alloc::BlockBuilder& out);

// What one client is told: {"event":..,"correlation_id":..,"room":..,"timestamp":..,"data": and,
// behind the payload, the end.
void begin_reply(const ReplyHead& head, alloc::BlockBuilder& out);
void end_reply(alloc::BlockBuilder& out);

template <Reply Value>
void encode(const Value& value, alloc::BlockBuilder& out) {
  begin_reply(head_of(value), out);
  write_payload(value, out);
  end_reply(out);
}

// The rooms whose events need no room: `workspace:<id>`.
inline constexpr std::string_view workspace_prefix = "workspace:";

}  // namespace ringroom::proto::dialect::event_json
