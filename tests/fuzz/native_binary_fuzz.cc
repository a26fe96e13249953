// Any bytes are a batch, a message or a refusal with a sentence. What is accepted can be spliced
// into every dialect: its texts are UTF-8 of their bounds and its JSON is whole and on one line;
// and what goes out in binary says the same when it comes in again.

#include <memory>
#include <string>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/dialect/native_binary.h"
#include "proto/dialect/native_command.h"
#include "proto/utf8.h"

namespace ringroom::proto::dialect::native_binary {
namespace {

// In memory of its own size, plus what is promised to be readable.
Result<Command, DecodeError> decoded(std::span<const std::byte> message, JsonParser& parser,
                                     JsonParser& fields, std::unique_ptr<std::byte[]>& copy) {
  copy = std::make_unique<std::byte[]>(message.size() + readable_behind_bytes);
  std::copy(message.begin(), message.end(), copy.get());
  return decode({copy.get(), message.size()}, parser, fields);
}

void judge_id(std::string_view id) { RR_CHECK(id.empty() || is_name(id, id_bytes_max)); }

void judge_command(const Command& command) {
  RR_CHECK(is_type_name(command.type) && !is_server_type(command.type));
  judge_id(command.message_id);
  judge_id(command.correlation_id);
  RR_CHECK(command.room.empty() || (is_room_name(command.room) && command.room_number == 0));
  JsonParser parser, fields;
  if (!command.payload_is_raw) {
    const auto payload = parser.parse_copy(command.payload);
    RR_CHECK(payload && payload->is_object());
    RR_CHECK(command.payload.find_first_of("\r\n") == std::string_view::npos);
  }
  if (command.kind != CommandKind::publish) return;

  // Said to the room, and said again by somebody who heard it.
  alloc::CoreHeap memory;
  alloc::BlockHeap heap(memory);
  alloc::BlockBuilder out(heap);
  encode(Publication{.type = command.type,
                     .room = command.room,
                     .sequence = 1,
                     .message_id = command.message_id,
                     .correlation_id = command.correlation_id,
                     .sender = command.message_id,
                     .payload = command.payload,
                     .payload_is_raw = command.payload_is_raw,
                     .room_number = command.room_number,
                     .key = command.key},
         out);
  std::unique_ptr<std::byte[]> copy;
  const auto again = decoded(out.bytes(), parser, fields, copy);
  RR_CHECK(again && again->type == command.type && again->payload == command.payload);
  RR_CHECK(again->message_id == command.message_id && again->key == command.key);
  RR_CHECK(again->correlation_id == command.correlation_id);
  RR_CHECK(again->room_number == command.room_number && again->room == command.room);
}

void judge(std::span<const std::byte> input) {
  JsonParser parser, fields;
  std::unique_ptr<std::byte[]> copy;
  if (const auto command = decoded(input, parser, fields, copy)) {
    judge_command(*command);
  } else {
    RR_CHECK(!command.error().message.empty());
    judge_id(command.error().correlation_id);
  }
  if (!is_batch(input)) return;
  auto batch = BatchReader::open({copy.get(), input.size()});
  if (!batch) return;
  while (const auto message = batch->next())
    if (!is_batch(*message)) judge(*message);
}

}  // namespace
}  // namespace ringroom::proto::dialect::native_binary

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringroom::proto::dialect::native_binary::judge(std::as_bytes(std::span(data, size)));
  return 0;
}
