#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/block.h"
#include "base/check.h"
#include "engine/handler.h"
#include "engine/token.h"

namespace ringroom::engine {

// The set of operations a socket has in the kernel. At most one of each kind, so a bit is enough.
class InFlight {
 public:
  void add(Op op) {
    RR_CHECK(!has(op));
    bits_ = static_cast<std::uint16_t>(bits_ | bit(op));
  }
  void remove(Op op) {
    RR_CHECK(has(op));
    bits_ = static_cast<std::uint16_t>(bits_ & ~bit(op));
  }
  bool has(Op op) const { return (bits_ & bit(op)) != 0; }
  bool empty() const { return bits_ == 0; }

 private:
  static constexpr unsigned bit(Op op) { return 1u << static_cast<unsigned>(op); }
  std::uint16_t bits_ = 0;
};
static_assert(static_cast<unsigned>(Op::close) < 16, "one bit per operation");

enum class SocketState : std::uint8_t {
  free,
  opening,    // accepted by the kernel; the peer's name is on its way
  open,       // known to the handler
  flushing,   // ends after the bytes queued: no more from the handler, nothing more to it
  lingering,  // our FIN is out: input is discarded until the peer's, or a deadline
  joining,    // waits for the operations still in the kernel
  leaving     // its close is in the kernel
};

// A part of what is queued for a socket (pieces.h).
struct Piece {
  static constexpr std::uint32_t none = 0xffff'ffff;

  const std::byte* data = nullptr;
  alloc::Block* block = nullptr;  // a hold; none: the bytes lie in the turn's arena
  std::uint32_t size_bytes = 0;   // 0: no piece
  std::uint32_t next = none;
};

// One slot of the socket table; its number is the ring's File of the socket.
//
//   free -> opening -> open -> flushing -> lingering -> joining -> leaving -> free (generation + 1)
//                       |          |                       ^
//                       +----------+--- abort, reset ------+
//
// The kernel may hold the slot's buffers until the last operation completes, so the close is
// submitted only when `in_flight` is empty, and the slot is used again only after the close.
// Sends at once are not in `in_flight`: they have ended when the turn that submitted them begins
// the next (send_queue.h).
struct alignas(64) Socket {
  static constexpr std::uint32_t no_line = 0xffff'ffff;

  Piece front{};                 // of the send queue; most of the time all of it
  std::uint32_t line = no_line;  // what is queued behind it (pieces.h)
  std::uint32_t generation = 0;
  std::int32_t send_result = 0;        // of the send of this turn
  std::uint32_t peer_name = 0;         // SocketTable: where the kernel writes it
  std::uint16_t submitted_pieces = 0;  // at the front of the queue, in the kernel now
  std::uint16_t listener = 0;
  TimerId deadline = no_timer;  // of the closing state
  InFlight in_flight;
  SocketState state = SocketState::free;
  bool told_closed = false;     // the handler knows of its end
  bool peer_finished = false;   // FIN came
  bool peer_has_ended = false;  // by its own words: its FIN is not waited for
  bool paused = false;
  bool dirty = false;         // in the list of sockets with something to send
  bool blocked = false;       // the kernel would not take all of the queue when last asked
  bool tell_drained = false;  // the handler wants to know when the queue is empty

  Token begin(Op op, std::uint32_t slot) {
    RR_CHECK(state != SocketState::free);
    in_flight.add(op);
    return {.op = op, .generation = generation, .slot = slot};
  }

  bool nothing_queued() const { return front.size_bytes == 0 && line == no_line; }
  bool sending() const { return submitted_pieces != 0; }
  bool ending() const { return state >= SocketState::flushing; }
  bool receives() const {
    return state >= SocketState::opening && state <= SocketState::lingering && !peer_finished;
  }
};
static_assert(sizeof(Socket) == 64, "a socket is one cache line");

}  // namespace ringroom::engine
