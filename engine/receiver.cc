#include "engine/receiver.h"

#include <cerrno>

namespace ringroom::engine {

void Receiver::arm(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  ring_.receive(socket.begin(Op::receive, slot), slot);
}

void Receiver::pause(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  socket.paused = true;
  if (!socket.in_flight.has(Op::receive) || socket.in_flight.has(Op::cancel_receive)) return;
  const Token target{.op = Op::receive, .generation = socket.generation, .slot = slot};
  ring_.cancel(socket.begin(Op::cancel_receive, slot), target);
}

void Receiver::resume(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  socket.paused = false;
  // Still in flight: its end, brought by the cancel, arms it again.
  if (socket.receives() && !socket.in_flight.has(Op::receive)) arm_later(slot);
}

Receiver::Outcome Receiver::completed(std::uint32_t slot, const Completion& completion) {
  Socket& socket = sockets_.at(slot);
  if (!completion.more) socket.in_flight.remove(Op::receive);
  if (completion.has_buffer) {
    const std::span<std::byte> bytes = ring_.received(completion);
    lent_.push_back(completion.buffer);
    if (!bytes.empty() && socket.state == SocketState::open) {
      received_.push_back({.socket = {slot, socket.generation}, .bytes = bytes});
      counters_.bytes_received.add(bytes.size());
    }
  }
  if (completion.more) return Outcome::nothing;

  switch (completion.result) {
    case 0:
      socket.peer_finished = true;
      return Outcome::peer_finished;
    case -ENOBUFS:
      counters_.receive_starved.add();
      break;
    case -ECANCELED:
    case -EINTR:
    case -EAGAIN:
      break;
    default:
      if (completion.result < 0) return Outcome::broken;
  }
  if (socket.receives() && !socket.paused) arm_later(slot);
  return Outcome::nothing;
}

void Receiver::discard(const Completion& completion) {
  ring_.received(completion);
  lent_.push_back(completion.buffer);
}

void Receiver::give_back() {
  for (const std::uint16_t buffer : lent_) ring_.give_back(buffer);
  lent_.clear();
  received_.clear();
  for (const std::uint32_t slot : again_) {
    const Socket& socket = sockets_.at(slot);
    // It may have ended, or been listed twice, since it was listed.
    if (socket.receives() && !socket.paused && !socket.in_flight.has(Op::receive)) arm(slot);
  }
  again_.clear();
}

}  // namespace ringroom::engine
