// One stream, read four ways, must give the same messages and the same end: with and without the
// shortcut, whole and in pieces. wslay's own event interface reads it too, as a witness that shares
// no code with our reader; where it is more lenient than RFC 6455 and we are not, it may go on.
//
//   input: byte 0 seeds the cuts, byte 1 chooses the limit and (top bit) whether compressed
//   messages
//          were agreed, the rest is what the peer sent
//
// What comes out compressed goes through the Inflater too, each message afresh and, while that
// finds no error, with a stream that goes on; the output has to keep the limit.

#include <wslay/wslay.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/deflate.h"
#include "proto/deflate_offer.h"
#include "proto/message.h"
#include "proto/zlib_stream.h"
#include "tests/fuzz/pieces.h"

namespace ringroom::proto {
namespace {

struct Seen {
  Opcode opcode;
  std::vector<std::byte> payload;  // of a close: the reason
  CloseCode close_code;
  Coding coding;
  bool operator==(const Seen&) const = default;
};
struct Reading {
  std::vector<Seen> messages;
  std::optional<CloseCode> error;
  bool operator==(const Reading&) const = default;
};

// A connection is not read any further behind a close frame.
bool ends(const Reading& reading) {
  return reading.error ||
         (!reading.messages.empty() && reading.messages.back().opcode == Opcode::close);
}

struct Agreed {
  std::uint64_t limit;
  Coding accepted;
};

Reading read_ours(std::span<const std::byte> stream, const Agreed& agreed,
                  MessagePool::Shortcut shortcut, std::uint32_t seed) {
  alloc::CoreHeap heap;
  MessagePool pool(heap, shortcut);
  MessageReader reader;
  Inflater inflater(heap);
  StreamMemory memory(heap);
  InflateStream kept(memory, kept_window_bits);
  bool goes_on = true;
  Reading out;
  for (Pieces pieces(stream, seed, 0); !pieces.is_empty() && !ends(out);) {
    std::span<std::byte> received = pieces.next();
    while (!ends(out)) {
      const auto step = reader.next(received, pool, agreed.limit, agreed.accepted);
      if (!step) {
        out.error = step.error();
      } else if (!step->has_value()) {
        RR_CHECK(received.empty());
        break;
      } else {
        const Message& message = **step;
        out.messages.push_back({.opcode = message.opcode,
                                .payload = {message.payload.begin(), message.payload.end()},
                                .close_code = message.close_code,
                                .coding = message.coding});
        if (message.coding == Coding::plain) continue;
        const auto inflated = inflater.inflate(message, agreed.limit);
        RR_CHECK(!inflated || inflated->payload.size() <= agreed.limit);
        if (!goes_on) continue;
        const auto continued = inflater.inflate(message, agreed.limit, &kept);
        RR_CHECK(!continued || continued->payload.size() <= agreed.limit);
        goes_on = bool(continued);
      }
    }
    // What arrived may be held twice while a buffer grows; what was announced may not.
    RR_CHECK(pool.assembly_bytes() <= 2 * stream.size() + 2 * assembly_bytes_min);
  }
  return out;
}

struct Witness {
  std::span<const std::byte> rest;
  Reading reading;
};

ssize_t give_bytes(wslay_event_context_ptr context, std::uint8_t* to, std::size_t room, int,
                   void* user) {
  auto& rest = static_cast<Witness*>(user)->rest;
  const std::size_t bytes = std::min(room, rest.size());
  if (bytes == 0) {
    wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  std::copy_n(rest.begin(), bytes, reinterpret_cast<std::byte*>(to));
  rest = rest.subspan(bytes);
  return static_cast<ssize_t>(bytes);
}

void take_message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message, void* user) {
  const auto payload = std::as_bytes(std::span(message->msg, message->msg_length));
  const bool is_close = message->opcode == WSLAY_CONNECTION_CLOSE;
  const std::size_t code_bytes = is_close && payload.size() >= 2 ? 2 : 0;
  static_cast<Witness*>(user)->reading.messages.push_back(
      {.opcode = Opcode(message->opcode),
       .payload = {payload.begin() + std::ptrdiff_t(code_bytes), payload.end()},
       .close_code = code_bytes > 0 ? CloseCode(message->status_code) : CloseCode::no_status,
       .coding = (message->rsv & WSLAY_RSV1_BIT) != 0 ? Coding::deflated : Coding::plain});
}

Reading read_by_wslay(std::span<const std::byte> stream, const Agreed& agreed) {
  wslay_event_callbacks callbacks{};
  callbacks.recv_callback = give_bytes;
  callbacks.on_msg_recv_callback = take_message;
  Witness witness{.rest = stream, .reading = {}};
  wslay_event_context_ptr context = nullptr;
  RR_CHECK(wslay_event_context_server_init(&context, &callbacks, &witness) == 0);
  const bool compressed = agreed.accepted == Coding::deflated;
  wslay_event_config_set_max_recv_msg_length(
      context, compressed ? compressed_bytes_max(agreed.limit) : agreed.limit);
  if (compressed) wslay_event_config_set_allowed_rsv_bits(context, WSLAY_RSV1_BIT);
  const bool failed = wslay_event_recv(context) != 0;
  const bool stopped =
      wslay_event_get_read_enabled(context) == 0 && wslay_event_get_close_received(context) == 0;
  if (failed || stopped) witness.reading.error = CloseCode::protocol_error;  // of whatever kind
  wslay_event_context_free(context);
  return witness.reading;
}

void compare_with_witness(const Reading& ours, const Reading& witness) {
  const auto& mine = ours.messages;
  const auto& theirs = witness.messages;
  // 1012 to 1014 are registered and allowed by us; this wslay knows the codes up to 1011.
  if (!mine.empty() && mine.back().opcode == Opcode::close && int(mine.back().close_code) >= 1012 &&
      int(mine.back().close_code) <= 1014)
    return;
  RR_CHECK(mine.size() <= theirs.size());
  RR_CHECK(std::equal(mine.begin(), mine.end(), theirs.begin()));
  if (ours.error) return;  // stricter, or earlier: on the header instead of on the first byte
  RR_CHECK(mine.size() == theirs.size());
  RR_CHECK(!witness.error);
}

// wslay refuses a close frame while it arrives, we at its end; so the end is given to it.
std::vector<std::byte> with_end_of_control_frame(std::span<const std::byte> stream) {
  std::vector<std::byte> out(stream.begin(), stream.end());
  out.resize(out.size() + control_payload_bytes_max);
  return out;
}

void judge(std::span<const std::byte> input) {
  if (input.size() < 2) return;
  const auto seed = 1 + std::to_integer<std::uint32_t>(input[0]);
  const std::uint64_t limits[] = {0, 10, 125, 600, 5000, 1 << 20};
  const auto choice = std::to_integer<std::size_t>(input[1]);
  const Agreed agreed{.limit = limits[(choice & 0x7f) % std::size(limits)],
                      .accepted = (choice & 0x80) != 0 ? Coding::deflated : Coding::plain};
  const auto stream = input.subspan(2);

  using enum MessagePool::Shortcut;
  const Reading ours = read_ours(stream, agreed, yes, Pieces::whole);
  RR_CHECK(read_ours(stream, agreed, no, Pieces::whole) == ours);
  RR_CHECK(read_ours(stream, agreed, yes, seed) == ours);
  RR_CHECK(read_ours(stream, agreed, no, seed) == ours);
  // wslay holds control frames to the limit of messages too.
  if (agreed.limit < control_payload_bytes_max) return;
  const Reading witness = read_by_wslay(stream, agreed);
  if (witness.error && !ours.error) {
    const auto longer = with_end_of_control_frame(stream);
    compare_with_witness(read_ours(longer, agreed, yes, Pieces::whole), witness);
  } else {
    compare_with_witness(ours, witness);
  }
}

}  // namespace
}  // namespace ringroom::proto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringroom::proto::judge(std::as_bytes(std::span(data, size)));
  return 0;
}
