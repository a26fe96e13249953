#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "alloc/block.h"
#include "proto/dialect/reply.h"
#include "proto/json.h"

namespace ringroom::proto::dialect {

// What was written as native JSON, said in another dialect: the answers that the home of a room
// writes for one connection, the messages that a room remembers, what the server API says to users.
// What many hear is not translated; it is encoded once in each dialect.
//
//   | frame | frame |  of JSON  --to_binary(), to_event()-->  | frame | frame |  of the dialect
//
// Messages within an answer (room_joined, history) are translated with it. In the event dialect
// they stay where they are. In the binary one `messages` is empty, `following` says how many there
// are, and they come right behind the answer, in batches.
//
// Owner:  one core; not for the hot path: every text is parsed.
// Errors: false: a text is longer than any that we parse (json_text_bytes_max); what was appended
//         until then is whole frames.
class Translator {
 public:
  explicit Translator(alloc::BlockHeap& heap);

  // `room_number`: of the room that all the frames are about; 0: each names its own.
  bool to_binary(std::span<const std::byte> frames, std::uint32_t room_number,
                 alloc::BlockBuilder& out);
  // What is no answer and `hears` does not want is left out.
  using Hears = std::function<bool(std::string_view type)>;
  bool to_event(std::span<const std::byte> frames, const Hears& hears, alloc::BlockBuilder& out);

 private:
  struct Said;
  static Said read(JsonValue envelope);
  bool each(std::span<const std::byte> frames, const auto& say);
  void append_binary(const Said& said, std::uint32_t room_number, alloc::BlockBuilder& out);
  void append_batches(JsonValue messages, std::uint32_t room_number, alloc::BlockBuilder& out);
  static std::string_view bytes_of(JsonValue payload, alloc::BlockBuilder& out);

  JsonParser parser_;
  alloc::BlockBuilder message_, bytes_;  // scratch
};

}  // namespace ringroom::proto::dialect
