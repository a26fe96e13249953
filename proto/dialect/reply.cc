#include "proto/dialect/reply.h"

#include "proto/json_object.h"

namespace ringroom::proto::dialect {

namespace {

using alloc::BlockBuilder;

void write_members(BlockBuilder& out, std::span<const PresenceMember> members) {
  append_list(out, members, [&out](const PresenceMember& member) {
    JsonObject object(out);
    object.text("user_id", member.user_id);
    if (member.connections) object.number("connections", *member.connections);
    object.raw_if_any("info", member.info);
    object.end();
  });
}

void write_event_types(BlockBuilder& out, std::span<const std::string_view> event_types) {
  JsonObject payload(out);
  append_text_list(payload.key("event_types"), event_types);
  payload.end();
}

void write_position(JsonObject& object, std::uint64_t sequence, std::string_view epoch) {
  object.number("sequence", sequence);
  object.text("epoch", epoch);
}

void write_room(JsonObject& object, const RoomDescription& room) {
  object.text("room", room.room);
  object.text_if_any("owner", room.owner);
  object.number_if_any("max_members", room.max_members);
  object.flag("public", room.is_public);
  object.raw("metadata", room.metadata);
  object.number("members", room.members);
  write_position(object, room.sequence, room.epoch);
  object.seconds("created", room.created_ms);
}

void write_room(BlockBuilder& out, const RoomDescription& room) {
  JsonObject object(out);
  write_room(object, room);
  object.end();
}

}  // namespace

ReplyHead head_of(const Ack& value) { return {"ack", value.correlation_id}; }

void write_payload(const Ack& value, BlockBuilder& out) {
  JsonObject payload(out);
  payload.text_if_any("room", value.room);
  payload.number_if_any("sequence", value.sequence);
  payload.text_if_any("epoch", value.epoch);
  payload.text_if_any("level", value.level);
  if (value.duplicate) payload.flag("duplicate", true);
  if (value.replaced) payload.flag("replaced", true);
  payload.end();
}

ReplyHead head_of(const Refusal& value) {
  return {"error_message", value.correlation_id, value.room};
}

void write_payload(const Refusal& value, BlockBuilder& out) {
  const ErrorRow& row = row_of(value.code);
  JsonObject payload(out);
  payload.text("code", row.name);
  payload.text("message", value.message);
  payload.flag("retryable", row.retryable);
  if (value.retry_after_ms) {
    payload.seconds("retry_after", *value.retry_after_ms);
  } else {
    payload.raw("retry_after", "null");
  }
  if (value.version) payload.number("version", *value.version);
  payload.end();
}

ReplyHead head_of(const Invalid& value) { return {"validation_error", value.correlation_id}; }

void write_payload(const Invalid& value, BlockBuilder& out) {
  JsonObject payload(out);
  payload.text("code", row_of(ErrorCode::invalid).name);
  append_list(payload.key("errors"), value.errors, [&out](const InvalidField& field) {
    JsonObject error(out);
    error.text("path", field.path);
    error.text("message", field.message);
    error.end();
  });
  payload.end();
}

ReplyHead head_of(const ConnectionAck& value) {
  return {"connection_ack", value.correlation_id, {}, value.timestamp_ms};
}

void write_payload(const ConnectionAck& value, BlockBuilder& out) {
  JsonObject payload(out);
  payload.text("connection_id", value.connection_id);
  payload.text("user_id", value.user_id);
  payload.number("heartbeat_interval", value.heartbeat_interval_s);
  payload.number("max_message_bytes", value.max_message_bytes);
  JsonObject rooms(payload.key("rooms"));
  for (const RoomPosition& position : value.rooms) {
    JsonObject room(rooms.foreign_key(position.room));
    write_position(room, position.sequence, position.epoch);
    room.number_if_any("room_id", position.room_id);
    room.end();
  }
  rooms.end();
  if (!value.features_off.empty()) {
    JsonObject features(payload.key("features"));
    for (const std::string_view name : value.features_off) features.flag(name, false);
    features.end();
  }
  payload.end();
}

ReplyHead head_of(const RoomJoined& value) {
  return {"room_joined", value.correlation_id, value.room};
}

void write_payload(const RoomJoined& value, BlockBuilder& out) {
  JsonObject payload(out);
  payload.number_if_any("room_id", value.room_id);
  write_position(payload, value.sequence, value.epoch);
  if (value.recovered) payload.flag("recovered", *value.recovered);
  append_raw_list(payload.key("messages"), value.messages);
  if (value.members) append_text_list(payload.key("members"), *value.members);
  if (value.member_count) payload.number("member_count", *value.member_count);
  if (value.state) {
    append_list(payload.key("state"), *value.state, [&out](const KeyValue& entry) {
      JsonObject object(out);
      object.text("key", entry.key);
      object.number("version", entry.version);
      object.raw("value", entry.json);
      object.end();
    });
  }
  payload.end();
}

ReplyHead head_of(const RoomLeft& value) { return {"room_left", value.correlation_id, value.room}; }

void write_payload(const RoomLeft& value, BlockBuilder& out) {
  JsonObject payload(out);
  payload.text_if_any("reason", value.reason);
  payload.end();
}

ReplyHead head_of(const RoomReset& value) { return {"room_reset", {}, value.room}; }

void write_payload(const RoomReset& value, BlockBuilder& out) {
  JsonObject payload(out);
  write_position(payload, value.sequence, value.epoch);
  payload.text_if_any("reason", value.reason);
  payload.end();
}

ReplyHead head_of(const RoomCreated& value) {
  return {"room_created", value.correlation_id, value.room.room};
}

void write_payload(const RoomCreated& value, BlockBuilder& out) { write_room(out, value.room); }

ReplyHead head_of(const RoomDeleted& value) {
  return {"room_deleted", value.correlation_id, value.room};
}

void write_payload(const RoomDeleted&, BlockBuilder& out) { JsonObject(out).end(); }

ReplyHead head_of(const RoomInfo& value) {
  return {"room_info", value.correlation_id, value.room.room};
}

void write_payload(const RoomInfo& value, BlockBuilder& out) { write_room(out, value.room); }

ReplyHead head_of(const RoomList& value) { return {"room_list", value.correlation_id}; }

void write_payload(const RoomList& value, BlockBuilder& out) {
  JsonObject payload(out);
  append_list(payload.key("rooms"), value.rooms,
              [&out](const RoomDescription& room) { write_room(out, room); });
  payload.number("count", value.count);
  payload.end();
}

ReplyHead head_of(const Subscribed& value) { return {"subscribed", value.correlation_id}; }

void write_payload(const Subscribed& value, BlockBuilder& out) {
  write_event_types(out, value.event_types);
}

ReplyHead head_of(const Unsubscribed& value) { return {"unsubscribed", value.correlation_id}; }

void write_payload(const Unsubscribed& value, BlockBuilder& out) {
  write_event_types(out, value.event_types);
}

ReplyHead head_of(const PresenceList& value) {
  return {"presence", value.correlation_id, value.room};
}

void write_payload(const PresenceList& value, BlockBuilder& out) {
  JsonObject payload(out);
  if (value.members) write_members(payload.key("members"), *value.members);
  payload.number("count", value.count);
  payload.number("connections", value.connections);
  payload.end();
}

ReplyHead head_of(const PresenceDiff& value) { return {"presence_diff", {}, value.room}; }

void write_payload(const PresenceDiff& value, BlockBuilder& out) {
  JsonObject payload(out);
  if (value.names) {
    write_members(payload.key("joined"), value.names->joined);
    append_text_list(payload.key("left"), value.names->left);
    write_members(payload.key("updated"), value.names->updated);
  }
  payload.number("count", value.count);
  payload.end();
}

ReplyHead head_of(const HistoryPage& value) {
  return {"history", value.correlation_id, value.room};
}

void write_payload(const HistoryPage& value, BlockBuilder& out) {
  JsonObject payload(out);
  append_raw_list(payload.key("messages"), value.messages);
  write_position(payload, value.sequence, value.epoch);
  payload.end();
}

ReplyHead head_of(const Pong& value) {
  return {"pong", value.correlation_id, {}, value.timestamp_ms};
}

void write_payload(const Pong&, BlockBuilder& out) { JsonObject(out).end(); }

ReplyHead head_of(const Heartbeat& value) {
  return {"heartbeat", value.correlation_id, {}, value.timestamp_ms};
}

void write_payload(const Heartbeat&, BlockBuilder& out) { JsonObject(out).end(); }

ReplyHead head_of(const SystemMessage& value) { return {value.type, {}, {}, value.timestamp_ms}; }

void write_payload(const SystemMessage& value, BlockBuilder& out) {
  JsonObject payload(out);
  payload.text_if_any("code", value.code);
  payload.text("message", value.message);
  if (value.count) payload.number("count", *value.count);
  payload.end();
}

ReplyHead head_of(const Reconnect&) { return {"reconnect"}; }

void write_payload(const Reconnect& value, BlockBuilder& out) {
  JsonObject payload(out);
  payload.number("delay_ms", value.delay_ms);
  payload.text("reason", value.reason);
  payload.end();
}

}  // namespace ringroom::proto::dialect
