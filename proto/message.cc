#include "proto/message.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "proto/assembly.h"
#include "proto/bounds.h"
#include "proto/unmask.h"
#include "proto/utf8.h"

namespace ringroom::proto {

namespace {

using Step = Result<std::optional<Message>, CloseCode>;

Step need_more() { return std::optional<Message>(); }
Step deliver(Opcode opcode, std::span<std::byte> payload,
             CloseCode close_code = CloseCode::no_status) {
  return std::optional<Message>(Message{
      .opcode = opcode, .payload = payload, .close_code = close_code, .coding = Coding::plain});
}

// Does the first byte of a message's first frame say that it is compressed?
bool has_rsv1(std::byte first) { return (first & std::byte{0x40}) != std::byte{0}; }

// What one message may be, capped, on the wire.
struct Limits {
  std::uint64_t message_bytes_max;
  Coding accepted;

  std::uint64_t wire_bytes_max(bool compressed) const {
    const std::uint64_t limit = std::min(message_bytes_max, message_bytes_ceiling);
    return compressed && accepted == Coding::deflated ? compressed_bytes_max(limit) : limit;
  }
};

// The shape of nearly all traffic: one final data frame, whole in `received`. Everything else, and
// every error that the header shows, is left to the long way: then false.
bool take_whole_frame(std::span<std::byte>& received, const Limits& limits, Step& step) {
  const auto decoded = decode(received, limits.wire_bytes_max(has_rsv1(received.front())));
  if (!decoded) return false;
  const FrameHeader& header = decoded->header;
  const bool is_text = header.opcode == Opcode::text;
  if (!is_text && header.opcode != Opcode::binary) return false;
  if (!header.final || (header.compressed && limits.accepted == Coding::plain)) return false;
  const std::size_t header_bytes = decoded->consumed_bytes;
  if (received.size() - header_bytes < header.payload_bytes) return false;

  const auto payload = received.subspan(header_bytes, header.payload_bytes);
  unmask(payload.data(), payload.data(), payload.size(), decoded->mask, 0);
  received = received.subspan(header_bytes + payload.size());
  if (is_text && !header.compressed && !is_utf8(payload)) {
    step = fail(CloseCode::invalid_payload);
  } else {
    step->emplace(Message{.opcode = header.opcode,
                          .payload = payload,
                          .close_code = CloseCode::no_status,
                          .coding = header.compressed ? Coding::deflated : Coding::plain});
  }
  return true;
}

}  // namespace

// A reader in the middle of something:
//
//   header (0..14 bytes) --begin_frame--> payload --wslay or directly--> assembly or control
//                ^                            |
//                +-------- end_frame ---------+--> Message if final
//
// Pointers into it are kept by wslay, so it stays where it was made.
struct MessageState {
  explicit MessageState(MessagePool& from);
  ~MessageState();
  MessageState(const MessageState&) = delete;
  MessageState& operator=(const MessageState&) = delete;

  Step next(std::span<std::byte>& received, const Limits& limits);
  void end_delivery();
  bool is_idle() const { return !in_message && !in_payload && header_bytes == 0; }
  bool is_plain_text() const {
    return message_opcode == Opcode::text && message_coding == Coding::plain;
  }

  std::uint64_t room_left(const Limits& limits) const;
  bool gather_header(std::span<std::byte>& received, const Limits& limits);
  std::optional<CloseCode> begin_frame(const Limits& limits);
  std::optional<CloseCode> begin_data_frame(Coding accepted);
  std::optional<CloseCode> judge_by_wslay();
  std::optional<CloseCode> take_payload(std::span<std::byte> piece);
  void take_by_wslay(std::span<const std::byte> piece);
  void store(std::span<const std::byte> unmasked);
  Step end_frame();
  Step end_control_frame();

  static ssize_t feed_wslay(std::uint8_t* to, std::size_t room, int flags, void* state);

  MessagePool& pool;
  wslay_frame_context_ptr wslay = nullptr;
  std::span<const std::byte> feed;  // what wslay may read next, never beyond the frame

  std::array<std::byte, received_frame_header_bytes_max> header{};
  std::size_t header_bytes = 0;
  FrameHeader frame{};
  std::array<std::byte, 4> mask{};
  std::uint64_t frame_taken = 0;  // bytes of the payload
  bool in_payload = false;
  bool direct = false;  // the payload does not go through wslay

  bool in_message = false;  // a fragment came and the final one did not
  bool delivered = false;   // the message in `assembly` was handed out; it ends with the next call
  Opcode message_opcode = Opcode::text;
  Coding message_coding = Coding::plain;
  std::uint64_t fragments = 0;
  Utf8Stream utf8;
  Assembly assembly;

  std::array<std::byte, control_payload_bytes_max> control{};
};

MessageState::MessageState(MessagePool& from)
    : pool(from), assembly(from.heap_, from.assembly_bytes_) {
  const wslay_frame_callbacks callbacks{
      .send_callback = nullptr, .recv_callback = feed_wslay, .genmask_callback = nullptr};
  RR_CHECK(wslay_frame_context_init(&wslay, &callbacks, this) == 0);
}

MessageState::~MessageState() { wslay_frame_context_free(wslay); }

void MessageState::end_delivery() {
  if (!std::exchange(delivered, false)) return;
  assembly.clear();
  fragments = 0;
  utf8.reset();
}

ssize_t MessageState::feed_wslay(std::uint8_t* to, std::size_t room, int, void* state) {
  auto& feed = static_cast<MessageState*>(state)->feed;
  const std::size_t bytes = std::min(room, feed.size());
  if (bytes == 0) return -1;  // wslay reports it as "want read"
  std::memcpy(to, feed.data(), bytes);
  feed = feed.subspan(bytes);
  return static_cast<ssize_t>(bytes);
}

Step MessageState::next(std::span<std::byte>& received, const Limits& limits) {
  for (;;) {
    if (!in_payload) {
      if (!gather_header(received, limits)) return need_more();
      if (const auto refused = begin_frame(limits)) return fail(*refused);
    }
    const std::uint64_t missing = frame.payload_bytes - frame_taken;
    const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(missing, received.size()));
    const auto piece = received.first(bytes);
    received = received.subspan(bytes);
    if (const auto refused = take_payload(piece)) return fail(*refused);
    if (bytes < missing) return need_more();

    Step step = end_frame();
    if (!step || step->has_value()) return step;
  }
}

// What the data frame whose header has begun may carry. A message that waits between its fragments
// counts.
std::uint64_t MessageState::room_left(const Limits& limits) const {
  const bool compressed =
      in_message ? message_coding == Coding::deflated : has_rsv1(header.front());
  const std::uint64_t limit = limits.wire_bytes_max(compressed);
  return limit - std::min<std::uint64_t>(limit, assembly.size());
}

// True when the header is complete, or can be refused as it is.
bool MessageState::gather_header(std::span<std::byte>& received, const Limits& limits) {
  while (!received.empty()) {
    header[header_bytes++] = received.front();
    received = received.subspan(1);
    if (header_bytes < 2) continue;
    const auto decoded = decode(std::span(header).first(header_bytes), room_left(limits));
    if (decoded || decoded.error() != FrameError::need_more_bytes) return true;
  }
  return false;
}

std::optional<CloseCode> MessageState::begin_frame(const Limits& limits) {
  const auto decoded = decode(std::span(header).first(header_bytes), room_left(limits));
  if (!decoded) return close_code_of(decoded.error());
  frame = decoded->header;
  mask = decoded->mask;
  frame_taken = 0;
  if (is_control(frame.opcode)) {
    if (frame.compressed) return CloseCode::protocol_error;
  } else if (const auto refused = begin_data_frame(limits.accepted)) {
    return refused;
  }
  direct = pool.shortcut_ == MessagePool::Shortcut::yes && !is_control(frame.opcode) &&
           frame.payload_bytes >= direct_frame_bytes_min;
  if (!direct) {
    if (const auto refused = judge_by_wslay()) return refused;
  }
  in_payload = true;
  return std::nullopt;
}

std::optional<CloseCode> MessageState::begin_data_frame(Coding accepted) {
  const bool continues = frame.opcode == Opcode::continuation;
  if (continues != in_message) return CloseCode::protocol_error;
  // RFC 7692, 6.1: the first frame says it for the message, if it was agreed.
  if (frame.compressed && (continues || accepted == Coding::plain))
    return CloseCode::protocol_error;
  if (!continues) {
    RR_CHECK(assembly.size() == 0 && fragments == 0);
    message_opcode = frame.opcode;
    message_coding = frame.compressed ? Coding::deflated : Coding::plain;
    in_message = true;
  }
  ++fragments;
  if (fragments > message_fragments_free + assembly.size() / bytes_per_further_fragment)
    return CloseCode::policy_violation;
  return std::nullopt;
}

// wslay sees the header and stops in front of the payload, which it wants next; or, if there is
// none, ends the frame.
std::optional<CloseCode> MessageState::judge_by_wslay() {
  feed = std::span(header).first(header_bytes);
  wslay_frame_iocb io{};
  const ssize_t verdict = wslay_frame_recv(wslay, &io);
  if (frame.payload_bytes == 0 && verdict == 0) {
    const bool agrees = io.mask == 1 && io.rsv == (frame.compressed ? WSLAY_RSV1_BIT : 0) &&
                        io.opcode == std::uint8_t(frame.opcode) && (io.fin == 1) == frame.final &&
                        io.payload_length == 0;
    return agrees ? std::nullopt : std::optional(CloseCode::protocol_error);
  }
  if (verdict != WSLAY_ERR_WANT_READ) return CloseCode::protocol_error;
  RR_CHECK(feed.empty());
  return std::nullopt;
}

std::optional<CloseCode> MessageState::take_payload(std::span<std::byte> piece) {
  if (piece.empty()) return std::nullopt;
  const std::size_t before = assembly.size();
  if (direct) {
    unmask(assembly.reserve(piece.size()), piece.data(), piece.size(), mask,
           static_cast<std::size_t>(frame_taken % 4));
    assembly.advance(piece.size());
    frame_taken += piece.size();
  } else {
    take_by_wslay(piece);
  }
  if (is_control(frame.opcode) || !is_plain_text()) return std::nullopt;
  return utf8.add(assembly.behind(before)) ? std::nullopt
                                           : std::optional(CloseCode::invalid_payload);
}

void MessageState::take_by_wslay(std::span<const std::byte> piece) {
  feed = piece;
  for (std::size_t taken = 0; taken < piece.size();) {
    wslay_frame_iocb io{};
    const ssize_t bytes = wslay_frame_recv(wslay, &io);
    RR_CHECK(bytes > 0 && io.payload_length == frame.payload_bytes);
    store(std::as_bytes(std::span(io.data, io.data_length)));
    taken += io.data_length;
    frame_taken += io.data_length;
  }
  RR_CHECK(feed.empty());
}

void MessageState::store(std::span<const std::byte> unmasked) {
  if (is_control(frame.opcode)) {
    RR_CHECK(frame_taken + unmasked.size() <= control.size());
    std::memcpy(control.data() + frame_taken, unmasked.data(), unmasked.size());
    return;
  }
  assembly.append(unmasked);
}

Step MessageState::end_frame() {
  in_payload = false;
  header_bytes = 0;
  if (is_control(frame.opcode)) return end_control_frame();
  if (!frame.final) return need_more();
  in_message = false;
  delivered = true;
  if (is_plain_text() && !utf8.is_complete()) return fail(CloseCode::invalid_payload);
  Step step = deliver(message_opcode, assembly.bytes());
  (*step)->coding = message_coding;
  return step;
}

Step MessageState::end_control_frame() {
  const auto payload = std::span(control).first(static_cast<std::size_t>(frame.payload_bytes));
  if (frame.opcode != Opcode::close || payload.empty()) return deliver(frame.opcode, payload);
  if (payload.size() == 1) return fail(CloseCode::protocol_error);
  const auto code = static_cast<std::uint16_t>(std::to_integer<unsigned>(payload[0]) << 8 |
                                               std::to_integer<unsigned>(payload[1]));
  if (!is_valid_on_the_wire(code)) return fail(CloseCode::protocol_error);
  if (!is_utf8(payload.subspan(2))) return fail(CloseCode::invalid_payload);
  return deliver(Opcode::close, payload.subspan(2), CloseCode(code));
}

Step MessageReader::next(std::span<std::byte>& received, MessagePool& pool,
                         std::uint64_t message_bytes_max, Coding accepted) {
  const Limits limits{.message_bytes_max = message_bytes_max, .accepted = accepted};
  if (state_ != nullptr) {
    RR_CHECK(&state_->pool == &pool);
    state_->end_delivery();
    if (state_->is_idle()) reset();
  }
  // One variable that is filled where the caller finds it; see decode() for why.
  Step step = need_more();
  if (received.empty()) return step;
  if (state_ == nullptr) {
    if (pool.shortcut_ == MessagePool::Shortcut::yes && take_whole_frame(received, limits, step))
      return step;
    state_ = pool.lend();
  }
  step = state_->next(received, limits);
  return step;
}

MessageReader& MessageReader::operator=(MessageReader&& other) noexcept {
  if (this != &other) {
    reset();
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}

void MessageReader::reset() {
  if (state_ == nullptr) return;
  MessageState* state = std::exchange(state_, nullptr);
  state->pool.give_back(state);
}

MessagePool::MessagePool(alloc::CoreHeap& heap, Shortcut shortcut)
    : heap_(heap), shortcut_(shortcut) {
  free_.reserve(pooled_states_max);
}

MessagePool::~MessagePool() {
  RR_CHECK(lent_count_ == 0);
  for (MessageState* state : free_) delete state;
}

MessageState* MessagePool::lend() {
  ++lent_count_;
  if (free_.empty()) return new MessageState(*this);
  MessageState* state = free_.back();
  free_.pop_back();
  return state;
}

void MessagePool::give_back(MessageState* state) {
  RR_CHECK(lent_count_ > 0);
  --lent_count_;
  state->end_delivery();
  // Inside a frame wslay's context cannot be turned back to its beginning.
  if (!state->is_idle() || free_.size() == pooled_states_max) {
    delete state;
    return;
  }
  state->assembly.recycle(pooled_messages_bytes_max);
  free_.push_back(state);
}

}  // namespace ringroom::proto
