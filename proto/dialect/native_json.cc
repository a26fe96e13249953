#include "proto/dialect/native_json.h"

#include "proto/dialect/native_command.h"

namespace ringroom::proto::dialect::native_json {

namespace {

Verdict read_message(JsonValue root, JsonParser& parser, Command& command) {
  if (!root.is_object())
    return Fault{"", "a message is one JSON object, such as {\"type\":\"ping\"}"};
  Envelope envelope;
  const Verdict twice = read_envelope(root, envelope);
  if (const Verdict bad = read_message_id(envelope.message_id, command)) return bad;
  if (twice) return twice;
  if (!envelope.type) return Fault{"type", "required: say what this message is"};
  command.type = envelope.type->string().value_or("");
  return read_command(envelope, parser, command);
}

// The command is filled in where the caller finds it: it is large, and on the hot path.
Result<Command, DecodeError> read_root(JsonValue root, JsonParser& parser) {
  Result<Command, DecodeError> result{Command{}};
  if (const Verdict bad = read_message(root, parser, *result))
    result = fail(DecodeError{.code = ErrorCode::invalid,
                              .correlation_id = result->message_id,
                              .path = bad->path,
                              .message = bad->message});
  return result;
}

}  // namespace

Result<Command, DecodeError> decode(std::span<std::byte> text, JsonParser& parser) {
  const auto root = parser.parse({reinterpret_cast<const char*>(text.data()), text.size()});
  if (!root) return fail(no_json(root.error()));
  // Not before: inside a string a raw line end is an error, and must have been one.
  blank_line_ends(text);
  return read_root(*root, parser);
}

Result<Command, DecodeError> decode_inner(std::string_view text, JsonParser& parser) {
  const auto root = parser.parse(text);
  if (!root) return fail(no_json(root.error()));
  return read_root(*root, parser);
}

}  // namespace ringroom::proto::dialect::native_json
