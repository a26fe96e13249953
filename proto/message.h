#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "alloc/core_heap.h"
#include "base/result.h"
#include "proto/close_code.h"
#include "proto/frame.h"

namespace ringroom::proto {

// WebSocket messages out of the bytes of one connection.
//
//   received --next()--> shortcut: whole, final data frame -----> Message, unmasked in place
//                   \--> wslay, with a state lent by the pool --> Message, in the lent state
//
// An idle connection holds one null pointer. While a frame or a fragmented message is incomplete it
// holds a lent state: wslay's frame context, the fragments so far, the state of UTF-8.
// Everything RFC 6455 forbids a client is refused; see docs/decisions for why wslay has a shortcut.

struct Message {
  Opcode opcode;                 // text (if plain, the payload is UTF-8), binary, close, ping, pong
  std::span<std::byte> payload;  // of a close: the reason, which is UTF-8
  CloseCode close_code;          // of a close: as sent, `no_status` if none. Otherwise no_status
  Coding coding = Coding::plain;  // of text and binary; deflated: for the Inflater (deflate.h)
};

class MessagePool;
struct MessageState;  // what the pool lends

// Owner:    one connection; moves with it.
// Lifetime: not longer than the pool it was used with.
class MessageReader {
 public:
  MessageReader() = default;
  MessageReader(MessageReader&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  MessageReader& operator=(MessageReader&& other) noexcept;
  ~MessageReader() { reset(); }

  // Takes the next whole message or control frame off the front of `received`. nullopt: more bytes
  // are needed, all of `received` was taken. Call it until then: that call also gives a lent state
  // back, and a control frame may stand between the fragments of a message.
  // The payload lies in `received` or in the lent state, with 64 readable bytes behind it if
  // `received` has them; it is valid until the next call on this reader or the end of `received`.
  // Error: the code to close with; the reader is not called again, except reset().
  // `message_bytes_max` is judged on the header, before a byte of the payload is stored; of a
  // compressed message this is a bound on what travels, and the Inflater judges what it holds.
  // `accepted`: Coding::deflated if permessage-deflate was agreed. The same in every call.
  Result<std::optional<Message>, CloseCode> next(std::span<std::byte>& received, MessagePool& pool,
                                                 std::uint64_t message_bytes_max,
                                                 Coding accepted = Coding::plain);

  // Gives back what is lent and forgets an incomplete message.
  void reset();
  // Between two messages? If not, a peer that goes silent now is holding memory of ours.
  bool is_idle() const { return state_ == nullptr; }

 private:
  MessageState* state_ = nullptr;
};
static_assert(sizeof(MessageReader) <= 16, "one per connection, idle or not");

// The states of one core, lent to the readers that are in the middle of something.
//
// Owner:    one core. Lifetime: longer than every reader used with it.
// Memory:   assembly buffers come from the core's heap; wslay's contexts from malloc.
class MessagePool {
 public:
  // Shortcut::no sends everything through wslay: what the differential tests compare with.
  enum class Shortcut : bool { no, yes };
  explicit MessagePool(alloc::CoreHeap& heap, Shortcut shortcut = Shortcut::yes);
  ~MessagePool();
  MessagePool(const MessagePool&) = delete;
  MessagePool& operator=(const MessagePool&) = delete;

  std::size_t lent_count() const { return lent_count_; }  // readers in the middle of something
  std::size_t assembly_bytes() const { return assembly_bytes_; }  // reserved by all states

 private:
  friend class MessageReader;
  friend struct MessageState;
  MessageState* lend();
  void give_back(MessageState* state);

  alloc::CoreHeap& heap_;
  std::vector<MessageState*> free_;
  std::size_t lent_count_ = 0;
  std::size_t assembly_bytes_ = 0;
  Shortcut shortcut_;
};

}  // namespace ringroom::proto
