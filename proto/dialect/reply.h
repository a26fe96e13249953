#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

#include "alloc/block.h"
#include "proto/command.h"

namespace ringroom::proto::dialect {

// What the dialects share. All that the server says to one client is a head and a payload; the
// payload is the same JSON object in every dialect, the head is written by each in its own way:
//
//   value --head_of()-------> ReplyHead --begin_reply() of a dialect--> bytes
//         --write_payload()-> JSON      --------- the same ----------> bytes
//                                       --end_reply() of the dialect--> bytes
struct ReplyHead {
  std::string_view type;
  std::string_view correlation_id = {};  // empty: none
  std::string_view room = {};            // empty: none
  std::optional<std::uint64_t> timestamp_ms = {};
};

// One overload of each per value. Payloads are complete JSON objects without line ends.
ReplyHead head_of(const Ack& value);
ReplyHead head_of(const Refusal& value);
ReplyHead head_of(const Invalid& value);
ReplyHead head_of(const ConnectionAck& value);
ReplyHead head_of(const RoomJoined& value);
ReplyHead head_of(const RoomLeft& value);
ReplyHead head_of(const RoomReset& value);
ReplyHead head_of(const RoomCreated& value);
ReplyHead head_of(const RoomDeleted& value);
ReplyHead head_of(const RoomInfo& value);
ReplyHead head_of(const RoomList& value);
ReplyHead head_of(const Subscribed& value);
ReplyHead head_of(const Unsubscribed& value);
ReplyHead head_of(const PresenceList& value);
ReplyHead head_of(const PresenceDiff& value);
ReplyHead head_of(const HistoryPage& value);
ReplyHead head_of(const Pong& value);
ReplyHead head_of(const Heartbeat& value);
ReplyHead head_of(const SystemMessage& value);
ReplyHead head_of(const Reconnect& value);

void write_payload(const Ack& value, alloc::BlockBuilder& out);
void write_payload(const Refusal& value, alloc::BlockBuilder& out);
void write_payload(const Invalid& value, alloc::BlockBuilder& out);
void write_payload(const ConnectionAck& value, alloc::BlockBuilder& out);
void write_payload(const RoomJoined& value, alloc::BlockBuilder& out);
void write_payload(const RoomLeft& value, alloc::BlockBuilder& out);
void write_payload(const RoomReset& value, alloc::BlockBuilder& out);
void write_payload(const RoomCreated& value, alloc::BlockBuilder& out);
void write_payload(const RoomDeleted& value, alloc::BlockBuilder& out);
void write_payload(const RoomInfo& value, alloc::BlockBuilder& out);
void write_payload(const RoomList& value, alloc::BlockBuilder& out);
void write_payload(const Subscribed& value, alloc::BlockBuilder& out);
void write_payload(const Unsubscribed& value, alloc::BlockBuilder& out);
void write_payload(const PresenceList& value, alloc::BlockBuilder& out);
// Also the payload of a Publication: a diff is told to a whole room.
void write_payload(const PresenceDiff& value, alloc::BlockBuilder& out);
void write_payload(const HistoryPage& value, alloc::BlockBuilder& out);
void write_payload(const Pong& value, alloc::BlockBuilder& out);
void write_payload(const Heartbeat& value, alloc::BlockBuilder& out);
void write_payload(const SystemMessage& value, alloc::BlockBuilder& out);
void write_payload(const Reconnect& value, alloc::BlockBuilder& out);

template <class Value>
concept Reply = requires(const Value& value, alloc::BlockBuilder& out) {
  { head_of(value) } -> std::same_as<ReplyHead>;
  write_payload(value, out);
};

}  // namespace ringroom::proto::dialect
