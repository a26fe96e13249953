// What is accepted can be spliced: the payload of every command is JSON of its own, on one line,
// and stays JSON inside a publication. What is refused is refused with a sentence.

#include <string>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/dialect/native_json.h"
#include "proto/utf8.h"

namespace ringroom::proto::dialect::native_json {
namespace {

// Every value is what its own bytes say, at every depth.
void judge_values(JsonValue value, JsonParser& again) {
  const auto alone = again.parse_copy(value.raw());
  RR_CHECK(alone && alone->kind() == value.kind() && alone->size() == value.size());
  RR_CHECK(alone->string() == value.string() && alone->number() == value.number());
  for (const JsonField& field : value.fields()) {
    RR_CHECK(is_utf8(field.name));
    judge_values(field.value, again);
  }
  for (const JsonValue& item : value.items()) judge_values(item, again);
}

void judge_command(const Command& command) {
  JsonParser parser;
  const auto payload = parser.parse_copy(command.payload);
  RR_CHECK(payload && payload->is_object());
  RR_CHECK(command.payload.find_first_of("\r\n") == std::string_view::npos);
  RR_CHECK(is_type_name(command.type) && !is_server_type(command.type));
  RR_CHECK(command.room.empty() || is_room_name(command.room));
  for (const RoomRequest& request : command.rooms) RR_CHECK(is_room_name(request.room));

  alloc::CoreHeap memory;
  alloc::BlockHeap heap(memory);
  alloc::BlockBuilder out(heap);
  encode(Publication{.type = command.type,
                     .room = command.room,
                     .sequence = 1,
                     .message_id = command.message_id,
                     .correlation_id = command.correlation_id,
                     .sender = command.user_id,
                     .payload = command.payload},
         out);
  const auto sent = parser.parse_copy(out.text());
  RR_CHECK(sent && sent->find("payload")->raw() == command.payload);
  RR_CHECK(command.room.empty() || sent->find("room")->string() == command.room);
}

void judge(std::string_view input) {
  // Exactly the promised bytes behind the text, so that one more is seen.
  std::string text(input);
  text.append(readable_behind_bytes, '"');
  JsonParser parser, other;
  if (const auto root = parser.parse(std::string_view(text).substr(0, input.size()));
      root && input.size() < 2000)
    judge_values(*root, other);

  const auto command = decode(std::as_writable_bytes(std::span(text.data(), input.size())), parser);
  if (!command) {
    RR_CHECK(!command.error().message.empty());
    return;
  }
  judge_command(*command);
  for (const std::string_view message : command->messages) (void)decode_inner(message, other);
}

}  // namespace
}  // namespace ringroom::proto::dialect::native_json

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringroom::proto::dialect::native_json::judge({reinterpret_cast<const char*>(data), size});
  return 0;
}
