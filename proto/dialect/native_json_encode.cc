#include <cstring>

#include "proto/dialect/native_json.h"

namespace ringroom::proto::dialect::native_json {

namespace {

using alloc::BlockBuilder;

// One object: writes the commas, and leaves out what is empty where the protocol says so.
class ObjectWriter {
 public:
  explicit ObjectWriter(BlockBuilder& out) : out_(out) { out_.append('{'); }

  // Keys are ours and need no escaping.
  BlockBuilder& key(std::string_view name) {
    auto* at = reinterpret_cast<char*>(out_.reserve(name.size() + 4));
    char* end = at;
    if (!first_) *end++ = ',';
    first_ = false;
    *end++ = '"';
    std::memcpy(end, name.data(), name.size());
    end += name.size();
    *end++ = '"';
    *end++ = ':';
    out_.advance(static_cast<std::size_t>(end - at));
    return out_;
  }
  void text(std::string_view name, std::string_view value) { append_json_string(key(name), value); }
  void text_if_any(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number(std::string_view name, std::uint64_t value) { append_number(key(name), value); }
  void number_if_any(std::string_view name, std::uint64_t value) {
    if (value != 0) number(name, value);
  }
  void flag(std::string_view name, bool value) { key(name).append(value ? "true" : "false"); }
  void raw(std::string_view name, std::string_view json) { key(name).append(json); }
  void timestamp(std::uint64_t wall_ms) { append_timestamp(key("timestamp"), wall_ms); }
  void end() { out_.append('}'); }

 private:
  BlockBuilder& out_;
  bool first_ = true;
};

// {"type":...,"correlation_id":...,"room":...,"payload":{  and what `fill` writes  }}
template <class Fill>
void write_reply(BlockBuilder& out, std::string_view type, std::string_view correlation_id,
                 std::string_view room, const Fill& fill) {
  ObjectWriter envelope(out);
  envelope.text("type", type);
  envelope.text_if_any("correlation_id", correlation_id);
  envelope.text_if_any("room", room);
  ObjectWriter payload(envelope.key("payload"));
  fill(payload);
  payload.end();
  envelope.end();
}

template <class Fill>
void write_timed(BlockBuilder& out, std::string_view type, std::string_view correlation_id,
                 std::uint64_t timestamp_ms, const Fill& fill) {
  ObjectWriter envelope(out);
  envelope.text("type", type);
  envelope.text_if_any("correlation_id", correlation_id);
  envelope.timestamp(timestamp_ms);
  ObjectWriter payload(envelope.key("payload"));
  fill(payload);
  payload.end();
  envelope.end();
}

template <class Item, class Write>
void write_list(BlockBuilder& out, std::span<const Item> items, const Write& write) {
  out.append('[');
  bool first = true;
  for (const Item& item : items) {
    if (!first) out.append(',');
    first = false;
    write(item);
  }
  out.append(']');
}

void write_raw_list(BlockBuilder& out, std::span<const std::string_view> items) {
  write_list(out, items, [&out](std::string_view json) { out.append(json); });
}

}  // namespace

// The hot one: once per message of a room, whatever the number of its listeners.
void encode(const Publication& value, BlockBuilder& out) {
  ObjectWriter envelope(out);
  envelope.text("type", value.type);
  envelope.text_if_any("room", value.room);
  envelope.number_if_any("sequence", value.sequence);
  envelope.text_if_any("message_id", value.message_id);
  envelope.text_if_any("correlation_id", value.correlation_id);
  envelope.text_if_any("sender", value.sender);
  envelope.timestamp(value.timestamp_ms);
  if (!value.key.empty()) {
    envelope.text("key", value.key);
    if (value.removed) envelope.flag("removed", true);
    if (!value.patch.empty()) envelope.flag("patch", true);
  }
  envelope.raw("payload", value.patch.empty() ? value.payload : value.patch);
  envelope.end();
}

void encode(const Ack& value, BlockBuilder& out) {
  write_reply(out, "ack", value.correlation_id, {}, [&](ObjectWriter& payload) {
    payload.text_if_any("room", value.room);
    payload.number_if_any("sequence", value.sequence);
    payload.text_if_any("epoch", value.epoch);
  });
}

void encode(const Refusal& value, BlockBuilder& out) {
  const ErrorRow& row = row_of(value.code);
  write_reply(out, "error_message", value.correlation_id, value.room, [&](ObjectWriter& payload) {
    payload.text("code", row.name);
    payload.text("message", value.message);
    payload.flag("retryable", row.retryable);
    if (value.retry_after_ms) {
      append_timestamp(payload.key("retry_after"), *value.retry_after_ms);  // seconds, as all times
    } else {
      payload.raw("retry_after", "null");
    }
    if (value.version) payload.number("version", *value.version);
  });
}

void encode(const Invalid& value, BlockBuilder& out) {
  write_reply(out, "validation_error", value.correlation_id, {}, [&](ObjectWriter& payload) {
    payload.text("code", row_of(ErrorCode::invalid).name);
    write_list(payload.key("errors"), value.errors, [&out](const InvalidField& field) {
      ObjectWriter error(out);
      error.text("path", field.path);
      error.text("message", field.message);
      error.end();
    });
  });
}

void encode(const ConnectionAck& value, BlockBuilder& out) {
  write_timed(out, "connection_ack", value.correlation_id, value.timestamp_ms,
              [&](ObjectWriter& payload) {
                payload.text("connection_id", value.connection_id);
                payload.text("user_id", value.user_id);
                payload.number("heartbeat_interval", value.heartbeat_interval_s);
                payload.number("max_message_bytes", value.max_message_bytes);
                ObjectWriter rooms(payload.key("rooms"));
                for (const RoomPosition& position : value.rooms) {
                  // A room name is a key here, and not one of ours.
                  if (&position != value.rooms.data()) out.append(',');
                  append_json_string(out, position.room);
                  out.append(':');
                  ObjectWriter room(out);
                  room.number("sequence", position.sequence);
                  room.text("epoch", position.epoch);
                  room.end();
                }
                rooms.end();
              });
}

void encode(const RoomJoined& value, BlockBuilder& out) {
  write_reply(out, "room_joined", value.correlation_id, value.room, [&](ObjectWriter& payload) {
    payload.number_if_any("room_id", value.room_id);
    payload.number("sequence", value.sequence);
    payload.text("epoch", value.epoch);
    if (value.recovered) payload.flag("recovered", *value.recovered);
    write_raw_list(payload.key("messages"), value.messages);
    if (value.members) {
      write_list(payload.key("members"), *value.members,
                 [&out](std::string_view user) { append_json_string(out, user); });
    }
    if (value.member_count) payload.number("member_count", *value.member_count);
    if (value.state) {
      write_list(payload.key("state"), *value.state, [&out](const KeyValue& entry) {
        ObjectWriter object(out);
        object.text("key", entry.key);
        object.number("version", entry.version);
        object.raw("value", entry.json);
        object.end();
      });
    }
  });
}

void encode(const RoomLeft& value, BlockBuilder& out) {
  write_reply(out, "room_left", value.correlation_id, value.room,
              [&](ObjectWriter& payload) { payload.text_if_any("reason", value.reason); });
}

void encode(const RoomReset& value, BlockBuilder& out) {
  write_reply(out, "room_reset", {}, value.room, [&](ObjectWriter& payload) {
    payload.number("sequence", value.sequence);
    payload.text("epoch", value.epoch);
    payload.text_if_any("reason", value.reason);
  });
}

void encode(const PresenceList& value, BlockBuilder& out) {
  write_reply(out, "presence", value.correlation_id, value.room, [&](ObjectWriter& payload) {
    write_list(payload.key("members"), value.members, [&out](const PresenceMember& member) {
      ObjectWriter object(out);
      object.text("user_id", member.user_id);
      object.number("connections", member.connections);
      if (!member.info.empty()) object.raw("info", member.info);
      object.end();
    });
    payload.number("count", value.count);
  });
}

void encode(const HistoryPage& value, BlockBuilder& out) {
  write_reply(out, "history", value.correlation_id, value.room, [&](ObjectWriter& payload) {
    write_raw_list(payload.key("messages"), value.messages);
    payload.number("sequence", value.sequence);
    payload.text("epoch", value.epoch);
  });
}

void encode(const Pong& value, BlockBuilder& out) {
  write_timed(out, "pong", value.correlation_id, value.timestamp_ms, [](ObjectWriter&) {});
}

void encode(const Heartbeat& value, BlockBuilder& out) {
  write_timed(out, "heartbeat", value.correlation_id, value.timestamp_ms, [](ObjectWriter&) {});
}

void encode(const SystemMessage& value, BlockBuilder& out) {
  write_timed(out, value.type, {}, value.timestamp_ms, [&](ObjectWriter& payload) {
    payload.text_if_any("code", value.code);
    payload.text("message", value.message);
  });
}

void encode(const Reconnect& value, BlockBuilder& out) {
  write_reply(out, "reconnect", {}, {}, [&](ObjectWriter& payload) {
    payload.number("delay_ms", value.delay_ms);
    payload.text("reason", value.reason);
  });
}

void encode(const MessageBatch& value, BlockBuilder& out) {
  ObjectWriter envelope(out);
  envelope.text("type", "message_batch");
  envelope.text("batch_id", value.batch_id);
  envelope.timestamp(value.timestamp_ms);
  write_raw_list(envelope.key("messages"), value.messages);
  envelope.end();
}

}  // namespace ringroom::proto::dialect::native_json
