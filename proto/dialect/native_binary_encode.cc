#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "proto/dialect/native_binary.h"
#include "proto/json_object.h"
#include "proto/uuid.h"

namespace ringroom::proto::dialect::native_binary {

namespace {

using alloc::BlockBuilder;

constexpr std::size_t varint_bytes_max = 10;

void append_varint(BlockBuilder& out, std::uint64_t value) {
  std::byte* const at = out.reserve(varint_bytes_max);
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) at[size++] = std::byte(value | 0x80);
  at[size++] = std::byte(value);
  out.advance(size);
}

void append_sized(BlockBuilder& out, std::string_view text) {
  append_varint(out, text.size());
  out.append(text);
}

void append_type(BlockBuilder& out, std::string_view type) {
  const auto* const found = std::find(std::begin(types), std::end(types), type);
  if (found != std::end(types))
    return append_varint(out, static_cast<std::uint64_t>(found - std::begin(types)) + 1);
  append_varint(out, 0);
  append_sized(out, type);
}

void append_milliseconds(BlockBuilder& out, std::uint64_t wall_ms) {
  std::byte* const at = out.reserve(6);
  for (std::size_t i = 0; i < 6; ++i) at[i] = std::byte(wall_ms >> (40 - 8 * i));
  out.advance(6);
}

// `fill` writes one JSON object; its length goes before it.
template <class Fill>
void append_fields(BlockBuilder& out, const Fill& fill) {
  const std::size_t begin = out.size();
  out.append('\0');  // enough for a length of less than 128
  JsonObject object(out);
  fill(object);
  object.end();
  const std::size_t bytes = out.size() - begin - 1;
  if (bytes < 0x80) {
    out.data()[begin] = std::byte(bytes);
    return;
  }
  // A room name is at most 255 bytes and a key 128; escaped they still fit into two bytes' worth.
  RR_CHECK(bytes < 0x4000);
  out.append('\0');
  std::byte* const text = out.data() + begin + 1;
  std::memmove(text + 1, text, bytes);
  out.data()[begin] = std::byte(bytes | 0x80);
  out.data()[begin + 1] = std::byte(bytes >> 7);
}

// Appends what is there, and remembers it in the flags, which it rewrites at the end.
class EnvelopeWriter {
 public:
  EnvelopeWriter(BlockBuilder& out, std::uint32_t room_number, std::string_view type)
      : out_(out), begin_(out.size()) {
    out_.append(char(message_kind));
    out_.append('\0');
    append_varint(out_, room_number);
    append_type(out_, type);
  }
  void sequence(std::uint64_t value) {
    if (value == 0) return;
    flags_ |= has_sequence;
    append_varint(out_, value);
  }
  void message_id(std::string_view id) {
    if (id.empty()) return;
    flags_ |= has_message_id;
    if (const auto uuid = parse_uuid(id)) {
      out_.append(std::span<const std::byte>(*uuid));
    } else {
      flags_ |= message_id_is_text;
      append_sized(out_, id);
    }
  }
  void correlation_id(std::string_view id) {
    if (id.empty()) return;
    flags_ |= has_correlation_id;
    if (const auto uuid = parse_uuid(id)) {
      append_varint(out_, 0);
      out_.append(std::span<const std::byte>(*uuid));
    } else {
      append_sized(out_, id);
    }
  }
  void sender(std::string_view user) {
    if (user.empty()) return;
    flags_ |= has_sender;
    append_sized(out_, user);
  }
  void timestamp(std::uint64_t wall_ms) {
    flags_ |= has_timestamp;
    append_milliseconds(out_, wall_ms);
  }
  template <class Fill>
  void fields(const Fill& fill) {
    flags_ |= has_fields;
    append_fields(out_, fill);
  }
  void raw_payload() { flags_ |= payload_is_raw; }
  void end() { out_.data()[begin_ + 1] = std::byte(flags_); }

 private:
  BlockBuilder& out_;
  std::size_t begin_;
  std::uint8_t flags_ = 0;
};

}  // namespace

void encode(const Publication& value, BlockBuilder& out) {
  EnvelopeWriter envelope(out, value.room_number, value.type);
  envelope.sequence(value.sequence);
  envelope.message_id(value.message_id);
  envelope.correlation_id(value.correlation_id);
  envelope.sender(value.sender);
  envelope.timestamp(value.timestamp_ms);
  const std::string_view room = value.room_number == 0 ? value.room : std::string_view();
  if (!room.empty() || !value.key.empty() || value.previous) {
    envelope.fields([&](JsonObject& fields) {
      fields.text_if_any("room", room);
      if (value.previous) fields.number("previous", *value.previous);
      fields.text_if_any("key", value.key);
      if (value.removed) fields.flag("removed", true);
      if (!value.patch.empty()) fields.flag("patch", true);
    });
  }
  if (value.payload_is_raw) envelope.raw_payload();
  envelope.end();
  out.append(value.patch.empty() ? value.payload : value.patch);
}

void begin_batch(BlockBuilder& out) { out.append(char(batch_kind)); }

void append_to_batch(std::span<const std::byte> message, BlockBuilder& out) {
  std::byte* const at = out.reserve(4);
  for (std::size_t i = 0; i < 4; ++i) at[i] = std::byte(message.size() >> (8 * i));
  out.advance(4);
  out.append(message);
}

void begin_reply(const ReplyHead& head, BlockBuilder& out) {
  EnvelopeWriter envelope(out, 0, head.type);
  envelope.correlation_id(head.correlation_id);
  if (head.timestamp_ms) envelope.timestamp(*head.timestamp_ms);
  if (!head.room.empty())
    envelope.fields([&](JsonObject& fields) { fields.text("room", head.room); });
  envelope.end();
}

}  // namespace ringroom::proto::dialect::native_binary
