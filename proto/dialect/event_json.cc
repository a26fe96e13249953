#include "proto/dialect/event_json.h"

#include "proto/json_object.h"

namespace ringroom::proto::dialect::event_json {

using alloc::BlockBuilder;

void encode(const ConnectionAck& value, BlockBuilder& out) {
  JsonObject greeting(out);
  greeting.text("event", "connected");
  greeting.text_if_any("correlation_id", value.correlation_id);
  greeting.text("connection_id", value.connection_id);
  greeting.text("workspace_id", value.workspace_id);
  greeting.end();
}

void encode(const Publication& value, BlockBuilder& out) {
  JsonObject event(out);
  event.text("event", value.type);
  if (!value.room.starts_with(workspace_prefix)) event.text_if_any("room", value.room);
  if (!value.key.empty()) {
    event.text("key", value.key);
    if (value.removed) event.flag("removed", true);
    if (!value.patch.empty()) event.flag("patch", true);
  }
  if (value.payload_is_raw) event.flag("raw", true);
  event.raw("data", value.patch.empty() ? value.payload : value.patch);
  event.number_if_any("sequence", value.sequence);
  append_iso_timestamp(event.key("timestamp"), value.timestamp_ms);
  event.end();
}

void begin_reply(const ReplyHead& head, BlockBuilder& out) {
  JsonObject event(out);
  event.text("event", head.type);
  event.text_if_any("correlation_id", head.correlation_id);
  event.text_if_any("room", head.room);
  if (head.timestamp_ms) append_iso_timestamp(event.key("timestamp"), *head.timestamp_ms);
  event.key("data");
}

void end_reply(BlockBuilder& out) { out.append('}'); }

}  // namespace ringroom::proto::dialect::event_json
