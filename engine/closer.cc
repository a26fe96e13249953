#include "engine/closer.h"

#include "engine/bounds.h"

namespace ringroom::engine {

void Closer::set_deadline(std::uint32_t slot, std::uint64_t deadline_ms) {
  Socket& socket = sockets_.at(slot);
  deadlines_.cancel(socket.deadline);
  socket.deadline = deadlines_.arm(deadline_ms, cookie_of(sockets_.id_of(slot)));
}

void Closer::close(std::uint32_t slot, std::uint64_t now_ms) {
  Socket& socket = sockets_.at(slot);
  RR_CHECK(socket.state == SocketState::open);
  socket.state = SocketState::flushing;
  if (socket.nothing_queued()) {
    drained(slot, now_ms);
  } else {
    set_deadline(slot, now_ms + bounds::flush_deadline_ms);
  }
}

void Closer::drained(std::uint32_t slot, std::uint64_t now_ms) {
  Socket& socket = sockets_.at(slot);
  RR_CHECK(socket.state == SocketState::flushing);
  // Both sides have said everything: the close sends our FIN. It is also far cheaper, because the
  // kernel hands every shutdown of a ring to a worker thread.
  if (socket.peer_finished || socket.peer_has_ended) return join(slot);
  socket.state = SocketState::lingering;
  set_deadline(slot, now_ms + bounds::close_deadline_ms);
  ring_.shutdown_writing(socket.begin(Op::shutdown, slot), slot);
}

void Closer::peer_finished(std::uint32_t slot) {
  const Socket& socket = sockets_.at(slot);
  if (socket.state == SocketState::lingering && !socket.in_flight.has(Op::shutdown)) join(slot);
}

void Closer::abort(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  if (socket.state >= SocketState::joining) return;
  ring_.reset_on_close(socket.begin(Op::reset_on_close, slot), slot);
  join(slot);
}

void Closer::broken(std::uint32_t slot) {
  if (sockets_.at(slot).state < SocketState::joining) join(slot);
}

void Closer::expired(std::uint64_t cookie) {
  const auto slot = static_cast<std::uint32_t>(cookie);
  if (sockets_.find(slot, static_cast<std::uint32_t>(cookie >> 32)) != nullptr) abort(slot);
}

void Closer::join(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  RR_CHECK(socket.state < SocketState::joining);
  socket.state = SocketState::joining;
  deadlines_.cancel(socket.deadline);
  sends_.drop(slot);
  cancel(slot, Op::receive, Op::cancel_receive);
  cancel(slot, Op::readable, Op::cancel_readable);
  cancel(slot, Op::send_parked, Op::cancel_send);
  leave_if_joined(slot);
}

// By name: asked by file, the kernel looks through every armed operation of the ring. What else may
// be in flight ends by itself.
void Closer::cancel(std::uint32_t slot, Op op, Op by) {
  Socket& socket = sockets_.at(slot);
  if (!socket.in_flight.has(op) || socket.in_flight.has(by)) return;
  const Token target{.op = op, .generation = socket.generation, .slot = slot};
  ring_.cancel(socket.begin(by, slot), target);
}

void Closer::leave_if_joined(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  if (socket.state != SocketState::joining || !socket.in_flight.empty()) return;
  RR_CHECK(socket.nothing_queued());
  socket.state = SocketState::leaving;
  ring_.close(socket.begin(Op::close, slot), slot);
}

bool Closer::completed(std::uint32_t slot, Op op, std::int32_t result) {
  Socket& socket = sockets_.at(slot);
  if (op == Op::close) {
    RR_CHECK(socket.state == SocketState::leaving);
    RR_CHECK(result == 0);
    return true;
  }
  if (op == Op::shutdown && socket.state == SocketState::lingering) {
    // It fails only when the connection broke before; nobody is left to wait for then.
    if (result < 0 || socket.peer_finished) join(slot);
  }
  leave_if_joined(slot);
  return false;
}

}  // namespace ringroom::engine
