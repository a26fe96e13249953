#include "proto/dialect/native_json.h"
#include "proto/json_object.h"

namespace ringroom::proto::dialect::native_json {

using alloc::BlockBuilder;

// The hot one: once per message of a room, whatever the number of its listeners.
void encode(const Publication& value, BlockBuilder& out) {
  JsonObject envelope(out);
  envelope.text("type", value.type);
  envelope.text_if_any("room", value.room);
  envelope.number_if_any("sequence", value.sequence);
  if (value.previous) envelope.number("previous", *value.previous);
  envelope.text_if_any("message_id", value.message_id);
  envelope.text_if_any("correlation_id", value.correlation_id);
  envelope.text_if_any("sender", value.sender);
  envelope.seconds("timestamp", value.timestamp_ms);
  if (!value.key.empty()) {
    envelope.text("key", value.key);
    if (value.removed) envelope.flag("removed", true);
    if (!value.patch.empty()) envelope.flag("patch", true);
  }
  if (value.payload_is_raw) envelope.flag("raw", true);
  envelope.raw("payload", value.patch.empty() ? value.payload : value.patch);
  envelope.end();
}

void encode(const MessageBatch& value, BlockBuilder& out) {
  JsonObject envelope(out);
  envelope.text("type", "message_batch");
  envelope.text("batch_id", value.batch_id);
  envelope.seconds("timestamp", value.timestamp_ms);
  append_raw_list(envelope.key("messages"), value.messages);
  envelope.end();
}

void begin_reply(const ReplyHead& head, BlockBuilder& out) {
  JsonObject envelope(out);
  envelope.text("type", head.type);
  envelope.text_if_any("correlation_id", head.correlation_id);
  envelope.text_if_any("room", head.room);
  if (head.timestamp_ms) envelope.seconds("timestamp", *head.timestamp_ms);
  envelope.key("payload");
}

void end_reply(BlockBuilder& out) { out.append('}'); }

}  // namespace ringroom::proto::dialect::native_json
