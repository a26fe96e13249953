#include "proto/dialect/translation.h"

#include <openssl/evp.h>

#include <cmath>
#include <iterator>
#include <optional>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/dialect/event_json.h"
#include "proto/dialect/native_binary.h"
#include "proto/frame.h"
#include "proto/json_object.h"

namespace ringroom::proto::dialect {

namespace {

using alloc::BlockBuilder;

// A payload as deep as clients may send them, within a message, within an answer.
constexpr std::size_t depth_max = json_depth_max + 8;

struct TextField {
  std::string_view name;
  std::string_view Publication::*field;
};
constexpr TextField text_fields[] = {
    {"type", &Publication::type},
    {"room", &Publication::room},
    {"message_id", &Publication::message_id},
    {"correlation_id", &Publication::correlation_id},
    {"sender", &Publication::sender},
    {"key", &Publication::key},
};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

struct Translator::Said {
  Publication message;
  std::optional<std::uint64_t> timestamp_ms;
  std::optional<JsonValue> payload;

  // What a room says is numbered or has an id of its own.
  bool is_answer() const { return message.message_id.empty() && message.sequence == 0; }
  ReplyHead head() const {
    return {message.type, message.correlation_id, message.room, timestamp_ms};
  }
  // Of an answer that brings some.
  std::optional<JsonValue> messages() const {
    if (message.type != "room_joined" && message.type != "history") return std::nullopt;
    const auto list = payload ? payload->find("messages") : std::nullopt;
    return list && list->size() > 0 ? list : std::nullopt;
  }
  // Of an answer, as it is but for its messages: `write` says them.
  void append_payload(BlockBuilder& out, const auto& write) const {
    const auto list = messages();
    if (!list) return out.append(message.payload);
    JsonObject object(out);
    for (const JsonField& field : payload->fields())
      field.name == "messages" ? write(object, *list) : object.raw(field.name, field.value.raw());
    object.end();
  }
};

Translator::Translator(alloc::BlockHeap& heap) : parser_(depth_max), message_(heap), bytes_(heap) {}

Translator::Said Translator::read(JsonValue envelope) {
  Said said;
  bool is_patch = false;
  for (const JsonField& field : envelope.fields()) {
    for (const TextField& known : text_fields)
      if (field.name == known.name) said.message.*known.field = field.value.string().value_or("");
    if (field.name == "sequence")
      said.message.sequence = field.value.unsigned_integer().value_or(0);
    else if (field.name == "previous")
      said.message.previous = field.value.unsigned_integer();
    else if (field.name == "timestamp")
      said.timestamp_ms = std::llround(field.value.number().value_or(0) * 1000);
    else if (field.name == "removed")
      said.message.removed = true;
    else if (field.name == "patch")
      is_patch = true;
    else if (field.name == "raw")
      said.message.payload_is_raw = true;
    else if (field.name == "payload")
      said.payload = field.value;
  }
  said.message.timestamp_ms = said.timestamp_ms.value_or(0);
  if (said.payload) (is_patch ? said.message.patch : said.message.payload) = said.payload->raw();
  return said;
}

std::string_view Translator::bytes_of(JsonValue payload, BlockBuilder& out) {
  const auto value = payload.find("base64");
  const std::string_view text = value ? value->string().value_or("") : std::string_view();
  if (text.empty()) return {};
  out.clear();
  auto* bytes = reinterpret_cast<unsigned char*>(out.reserve(text.size()));
  const int size = EVP_DecodeBlock(bytes, reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  RR_CHECK(size >= 0);  // our own writing
  // It counts the padding, as zeros.
  const std::size_t padding = text.size() - 1 - text.find_last_not_of('=');
  out.advance(static_cast<std::size_t>(size) - padding);
  return out.text();
}

void Translator::append_binary(const Said& said, std::uint32_t room_number, BlockBuilder& out) {
  Publication message = said.message;
  message.room_number = room_number;
  if (message.payload_is_raw && said.payload) message.payload = bytes_of(*said.payload, bytes_);
  native_binary::encode(message, out);
}

void Translator::append_batches(JsonValue messages, std::uint32_t room_number, BlockBuilder& out) {
  std::size_t begin = 0, count = 0;
  const auto end = [&] {
    if (count > 0) end_frame(out, begin, Opcode::binary);
  };
  for (const JsonValue& message : messages.items()) {
    if (count == batch_messages_max) {
      end();
      count = 0;
    }
    if (count++ == 0) {
      begin = begin_frame(out);
      native_binary::begin_batch(out);
    }
    message_.clear();
    append_binary(read(message), room_number, message_);
    native_binary::append_to_batch(message_.bytes(), out);
  }
  end();
}

bool Translator::each(std::span<const std::byte> frames, const auto& say) {
  while (!frames.empty()) {
    const OwnFrame frame = first_frame(frames);
    frames = frames.subspan(frame.frame_bytes);
    const auto root = parser_.parse_copy(text_of(frame.payload));
    if (!root) return false;
    say(read(*root));
  }
  return true;
}

bool Translator::to_binary(std::span<const std::byte> frames, std::uint32_t room_number,
                           BlockBuilder& out) {
  return each(frames, [&](const Said& said) {
    const std::size_t begin = begin_frame(out);
    if (!said.is_answer()) {
      append_binary(said, room_number, out);
    } else {
      native_binary::begin_reply(said.head(), out);
      said.append_payload(out, [](JsonObject& payload, JsonValue messages) {
        payload.raw("messages", "[]");
        payload.number("following", messages.size());
      });
      native_binary::end_reply(out);
    }
    end_frame(out, begin, Opcode::binary);
    if (const auto messages = said.messages()) append_batches(*messages, room_number, out);
  });
}

bool Translator::to_event(std::span<const std::byte> frames, const Hears& hears,
                          BlockBuilder& out) {
  return each(frames, [&](const Said& said) {
    if (!said.is_answer() && !hears(said.message.type)) return;
    const std::size_t begin = begin_frame(out);
    if (!said.is_answer()) {
      event_json::encode(said.message, out);
    } else {
      event_json::begin_reply(said.head(), out);
      said.append_payload(out, [&](JsonObject& payload, JsonValue messages) {
        payload.key("messages").append('[');
        bool is_first = true;
        for (const JsonValue& message : messages.items()) {
          const Said inner = read(message);
          if (!hears(inner.message.type)) continue;
          if (!is_first) out.append(',');
          is_first = false;
          event_json::encode(inner.message, out);
        }
        out.append(']');
      });
      event_json::end_reply(out);
    }
    end_frame(out, begin, Opcode::text);
  });
}

}  // namespace ringroom::proto::dialect
