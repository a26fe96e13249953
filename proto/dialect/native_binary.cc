#include "proto/dialect/native_binary.h"

#include <algorithm>

#include "proto/bounds.h"
#include "proto/dialect/native_command.h"
#include "proto/uuid.h"

namespace ringroom::proto::dialect::native_binary {

namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Takes pieces off the front of a message. Once a piece was not there, nothing is: the pieces that
// follow are empty, and the end sees that it was cut.
class Cursor {
 public:
  explicit Cursor(std::span<std::byte> bytes) : rest_(bytes) {}

  bool is_cut() const { return is_cut_; }
  std::span<std::byte> rest() const { return rest_; }

  std::span<std::byte> take(std::uint64_t bytes) {
    if (bytes > rest_.size()) {
      is_cut_ = true;
      rest_ = {};
      return {};
    }
    const std::span<std::byte> piece = rest_.first(static_cast<std::size_t>(bytes));
    rest_ = rest_.subspan(static_cast<std::size_t>(bytes));
    return piece;
  }
  std::uint8_t byte() {
    const auto piece = take(1);
    return piece.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(piece.front());
  }
  // LEB128. A number of more than 64 bits counts as cut.
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t next = byte();
      if (shift == 63 && next > 1) break;
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    is_cut_ = true;
    rest_ = {};
    return 0;
  }
  std::span<std::byte> sized() { return take(varint()); }

 private:
  std::span<std::byte> rest_;
  bool is_cut_ = false;
};

// The envelope as it was found.
struct Header {
  std::uint8_t flags;
  std::uint64_t room_id;
  std::uint64_t type;
  std::span<std::byte> type_name;  // if `type` is 0
  std::span<std::byte> message_id, message_uuid;
  std::span<std::byte> correlation_id, correlation_uuid;
  std::span<std::byte> fields;
  std::span<std::byte> payload;
};

DecodeError bad_request(std::string_view sentence) {
  return {.code = ErrorCode::bad_request, .correlation_id = {}, .path = {}, .message = sentence};
}

Result<Header, DecodeError> read_header(std::span<std::byte> message) {
  if (message.empty() || message.front() != std::byte(message_kind))
    return fail(bad_request(
        is_batch(message)
            ? "a batch cannot hold another; send its messages side by side"
            : "a message begins with the byte 0x11: version 1, a message (0x12 is a batch)"));
  Cursor cursor(message.subspan(1));
  Header header{};
  header.flags = cursor.byte();
  const auto has = [&](Flag flag) { return (header.flags & flag) != 0; };
  header.room_id = cursor.varint();
  header.type = cursor.varint();
  if (header.type == 0) header.type_name = cursor.sized();
  if (has(has_sequence)) cursor.varint();  // not the client's to say, as the sender and the time
  if (has(has_message_id)) {
    if (has(message_id_is_text)) {
      header.message_id = cursor.sized();
    } else {
      header.message_uuid = cursor.take(uuid_bytes);
    }
  }
  if (has(has_correlation_id)) {
    if (const std::uint64_t bytes = cursor.varint(); bytes != 0) {
      header.correlation_id = cursor.take(bytes);
    } else {
      header.correlation_uuid = cursor.take(uuid_bytes);
    }
  }
  if (has(has_sender)) cursor.sized();
  if (has(has_timestamp)) cursor.take(6);
  if (has(has_fields)) header.fields = cursor.sized();
  if (cursor.is_cut())
    return fail(bad_request("the envelope is cut short; its flags or its lengths promise more"));
  header.payload = cursor.rest();
  return header;
}

// An id as text; a UUID is written out where the command lives.
Verdict read_id(std::span<const std::byte> text, std::span<const std::byte> uuid, bool is_there,
                Fault fault, JsonParser& parser, std::string_view& to) {
  if (!is_there) return good;
  if (uuid.empty()) {
    if (!is_name(text_of(text), id_bytes_max)) return fault;
    to = text_of(text);
    return good;
  }
  const std::span<char> room = parser.scratch<char>(uuid_text_bytes);
  write_uuid(uuid.first<uuid_bytes>(), room.first<uuid_text_bytes>());
  to = {room.data(), room.size()};
  return good;
}

Verdict read_type(const Header& header, std::string_view& type) {
  if (header.type > std::size(types))
    return Fault{"type", "no type has this number; send 0, and then its name"};
  type = header.type == 0 ? text_of(header.type_name) : types[header.type - 1];
  if (type == "message_batch")
    return Fault{"type", "a batch is a binary message of its own kind; begin it with 0x12"};
  return good;
}

Verdict read_binary(const Header& header, const Envelope& envelope, JsonParser& parser,
                    Command& command) {
  const auto has = [&](Flag flag) { return (header.flags & flag) != 0; };
  if (const Verdict bad = read_type(header, command.type)) return bad;
  if (const Verdict bad =
          read_id(header.correlation_id, header.correlation_uuid, has(has_correlation_id),
                  {"correlation_id", "must be 1 to 128 bytes of UTF-8 without control characters"},
                  parser, command.correlation_id))
    return bad;
  if (header.room_id > std::uint32_t(-1))
    return Fault{"room_id", "must be the number that room_joined gave, or 0"};
  command.room_number = static_cast<std::uint32_t>(header.room_id);
  if (has(payload_is_raw)) {
    command.payload_is_raw = true;
    command.payload = text_of(header.payload);
  }
  return read_command(envelope, parser, command);
}

// A JSON object in place: parsed, and then of one line.
Result<JsonValue, DecodeError> read_json(std::span<std::byte> json, JsonParser& parser) {
  const auto root = parser.parse(text_of(json));
  if (!root) return fail(no_json(root.error()));
  blank_line_ends(json);
  return *root;
}

// Parsing begins the scratch of a parser anew, so every message parses: if not its payload, this.
std::span<std::byte> empty_object() {
  static std::byte text[2 + readable_behind_bytes] = {std::byte('{'), std::byte('}')};
  return std::span(text).first(2);
}

}  // namespace

Result<Command, DecodeError> decode(std::span<std::byte> message, JsonParser& parser,
                                    JsonParser& fields_parser) {
  const auto header = read_header(message);
  if (!header) return fail(header.error());

  const bool has_json = (header->flags & payload_is_raw) == 0 && !header->payload.empty();
  const auto payload = read_json(has_json ? header->payload : empty_object(), parser);
  Result<Command, DecodeError> result{Command{}};
  Verdict bad =
      read_id(header->message_id, header->message_uuid, (header->flags & has_message_id) != 0,
              {"message_id", "must be 1 to 128 bytes of UTF-8 without control characters"}, parser,
              result->message_id);
  const auto refuse = [&result](DecodeError error) {
    error.correlation_id = result->message_id;
    return Result<Command, DecodeError>(fail(error));
  };
  if (!payload) return refuse(payload.error());

  Envelope envelope;
  if ((header->flags & has_fields) != 0) {
    const auto fields = read_json(header->fields, fields_parser);
    if (!fields) return refuse(fields.error());
    if (!bad && !fields->is_object()) bad = Fault{"fields", "must be a JSON object"};
    if (!bad) bad = read_envelope(*fields, envelope);
  }
  // These stand in the binary part, wherever else they are said.
  envelope.type = envelope.message_id = envelope.correlation_id = envelope.timestamp = {};
  envelope.payload = *payload;
  if (!bad) bad = read_binary(*header, envelope, parser, *result);
  if (bad)
    return refuse(DecodeError{.code = ErrorCode::invalid,
                              .correlation_id = {},
                              .path = bad->path,
                              .message = bad->message});
  return result;
}

Result<BatchReader, DecodeError> BatchReader::open(std::span<std::byte> batch) {
  BatchReader whole(batch.subspan(1));
  BatchReader probe = whole;
  std::size_t count = 0;
  while (probe.next()) ++count;
  if (!probe.rest_.empty())
    return fail(bad_request("the batch is cut short; a length in it promises more"));
  if (count == 0 || count > batch_messages_max)
    return fail(DecodeError{.code = ErrorCode::invalid,
                            .correlation_id = {},
                            .path = "messages",
                            .message = "required: 1 to 128 messages"});
  return whole;
}

std::optional<std::span<std::byte>> BatchReader::next() {
  if (rest_.size() < 4) return std::nullopt;
  std::uint32_t bytes = 0;
  for (std::size_t i = 4; i-- > 0;) bytes = bytes << 8 | std::to_integer<std::uint32_t>(rest_[i]);
  if (bytes > rest_.size() - 4) return std::nullopt;
  const std::span<std::byte> message = rest_.subspan(4, bytes);
  rest_ = rest_.subspan(4 + bytes);
  return message;
}

}  // namespace ringroom::proto::dialect::native_binary
