#include "engine/receiver.h"

#include <algorithm>
#include <cerrno>

#include "engine/bounds.h"

namespace ringroom::engine {

Receiver::Receiver(Ring& ring, SocketTable& sockets, std::uint64_t rest_after_ms,
                   EngineCounters& counters)
    : ring_(ring),
      sockets_(sockets),
      counters_(counters),
      rests_(sockets.sockets_max(), Rest::no),
      rest_after_ms_(rest_after_ms) {}

void Receiver::arm(std::uint32_t slot) {
  rests_[slot] = Rest::no;
  slots_seen_ = std::max(slots_seen_, slot + 1);
  round_needed_ = true;
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
    rests_[slot] = Rest::no;
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

void Receiver::readable(std::uint32_t slot) {
  counters_.sockets_resting.subtract();
  rests_[slot] = Rest::no;
  const Socket& socket = sockets_.at(slot);
  if (socket.receives() && !socket.paused) arm_later(slot);
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
    Socket& socket = sockets_.at(slot);
    // It may have ended, or been listed twice, since it was listed.
    if (!socket.receives() || socket.paused || socket.in_flight.has(Op::receive)) continue;
    if (rests_[slot] != Rest::yes) {
      arm(slot);
    } else if (!socket.in_flight.has(Op::readable)) {
      ring_.readable(socket.begin(Op::readable, slot), slot);
      counters_.sockets_resting.add();
    }
  }
  again_.clear();
}

// No round is under way while every socket rests: an idle core is not woken for it.
std::optional<std::uint64_t> Receiver::tend_ms() const {
  if (step_at_ms_ == 0) return std::nullopt;
  return step_at_ms_;
}

void Receiver::tend(std::uint64_t now_ms) {
  if (rest_after_ms_ == 0 || now_ms < step_at_ms_) return;
  if (step_at_ms_ == 0) {
    if (!round_needed_) return;
  } else {
    const std::uint32_t end = std::min(slots_seen_, next_slot_ + bounds::rest_slots_per_step);
    for (; next_slot_ < end; ++next_slot_) rest_if_silent(next_slot_);
  }
  if (next_slot_ >= slots_seen_) {
    next_slot_ = 0;
    if (step_at_ms_ != 0 && !round_needed_) {
      step_at_ms_ = 0;
      return;
    }
    round_needed_ = false;
  }
  const std::uint64_t steps = (slots_seen_ - 1) / bounds::rest_slots_per_step + 1;
  step_at_ms_ = now_ms + std::max<std::uint64_t>(rest_after_ms_ / steps, 1);
}

void Receiver::rest_if_silent(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  if (socket.ending() || !socket.in_flight.has(Op::receive)) return;
  if (rests_[slot] == Rest::no) {
    rests_[slot] = Rest::nearly;
    round_needed_ = true;
  } else if (rests_[slot] == Rest::nearly) {
    if (socket.in_flight.has(Op::cancel_receive)) return;  // it is being paused
    rests_[slot] = Rest::yes;
    const Token target{.op = Op::receive, .generation = socket.generation, .slot = slot};
    ring_.cancel(socket.begin(Op::cancel_receive, slot), target);
  }
}

}  // namespace ringroom::engine
