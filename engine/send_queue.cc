#include "engine/send_queue.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/bounds.h"

namespace ringroom::engine {

SendQueues::SendQueues(Ring& ring, SocketTable& sockets, std::uint64_t queue_bytes_max,
                       EngineCounters& counters)
    : ring_(ring),
      sockets_(sockets),
      queue_bytes_max_(queue_bytes_max),
      counters_(counters),
      blocks_(heap_),
      arena_(heap_) {}

Outbox::Send SendQueues::send(std::uint32_t slot, Socket& socket, alloc::BlockRef block, Lane lane,
                              LanePlace& place) {
  const std::span<const std::byte> bytes = block.bytes();
  if (bytes.empty()) return Outbox::Send::queued;
  if (over_limit(socket, bytes.size())) return Outbox::Send::over_limit;
  if (pieces_.push(socket, piece_of(std::move(block)), lane, place)) {
    counters_.sends_held_back.add();
  }
  mark_dirty(slot, socket);
  return Outbox::Send::queued;
}

Outbox::Send SendQueues::write(std::uint32_t slot, Socket& socket,
                               std::span<const std::byte> bytes) {
  if (bytes.empty()) return Outbox::Send::queued;
  if (over_limit(socket, bytes.size())) return Outbox::Send::over_limit;
  std::memcpy(arena_.reserve(bytes.size()).data(), bytes.data(), bytes.size());
  take_reserved(slot, socket, bytes.size(), Lane::medium);
  return Outbox::Send::queued;
}

void SendQueues::write_last(std::uint32_t slot, Socket& socket, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  std::memcpy(arena_.reserve(bytes.size()).data(), bytes.data(), bytes.size());
  take_reserved(slot, socket, bytes.size(), Lane::low);
}

Outbox::Send SendQueues::commit(std::uint32_t slot, Socket& socket, std::size_t bytes) {
  if (bytes == 0) return Outbox::Send::queued;
  if (over_limit(socket, bytes)) return Outbox::Send::over_limit;
  take_reserved(slot, socket, bytes, Lane::medium);
  return Outbox::Send::queued;
}

void SendQueues::take_reserved(std::uint32_t slot, Socket& socket, std::size_t bytes, Lane lane) {
  RR_CHECK(bytes <= std::numeric_limits<std::uint32_t>::max());
  const std::byte* start = arena_.position();
  arena_.commit(bytes);
  const auto size_bytes = static_cast<std::uint32_t>(bytes);
  if (pieces_.extend(socket, lane, start, size_bytes)) return;
  pieces_.push(socket,
               {.data = start, .block = nullptr, .size_bytes = size_bytes, .next = Piece::none},
               lane);
  mark_dirty(slot, socket);
}

void SendQueues::tell_when_drained(std::uint32_t slot, Socket& socket) {
  socket.tell_drained = true;
  mark_dirty(slot, socket);
}

void SendQueues::submit_line(std::uint32_t slot, const Socket& socket, Token token,
                             const Pieces::Gathered& gathered, Patience patience) {
  const Piece* piece = &socket.front;
  // A parked send reads the bytes for longer than the arena lives, so it is never copied there.
  if (gathered.bytes <= bounds::gather_copy_bytes_max && patience == Patience::at_once) {
    const std::span<std::byte> whole = arena_.allocate<std::byte>(gathered.bytes);
    std::byte* end = whole.data();
    for (std::uint16_t left = gathered.count; left > 0; --left) {
      std::memcpy(end, piece->data, piece->size_bytes);
      end += piece->size_bytes;
      if (left > 1) piece = &pieces_.behind(*piece);
    }
    ring_.send(token, slot, whole, patience);
    return;
  }
  const std::span<iovec> vectors = arena_.allocate<iovec>(gathered.count);
  for (std::uint16_t i = 0; i < gathered.count; ++i) {
    if (i > 0) piece = &pieces_.behind(*piece);
    vectors[i] = {.iov_base = const_cast<std::byte*>(piece->data), .iov_len = piece->size_bytes};
  }
  msghdr& message = arena_.allocate<msghdr>(1).front();
  message = {};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  ring_.send_gathered(token, slot, message, patience);
}

void SendQueues::submit_at_once(std::uint32_t slot, Socket& socket) {
  const Token token{.op = Op::send, .generation = socket.generation, .slot = slot};
  const Pieces::Gathered gathered = pieces_.gather(socket);
  socket.submitted_pieces = gathered.count;
  socket.send_result = everything;
  if (gathered.count == 1) {
    ring_.send(token, slot, {socket.front.data, socket.front.size_bytes}, Patience::at_once);
  } else {
    submit_line(slot, socket, token, gathered, Patience::at_once);
  }
  if (gathered.count < pieces_.count_of(socket) || socket.tell_drained || socket.ending()) {
    settle_soon_ = true;
  }
}

void SendQueues::park(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  const Pieces::Gathered gathered = pieces_.gather(socket);
  socket.submitted_pieces = gathered.count;
  const Token token = socket.begin(Op::send_parked, slot);
  if (gathered.count == 1) {
    ring_.send(token, slot, {socket.front.data, socket.front.size_bytes}, Patience::parked);
  } else {
    submit_line(slot, socket, token, gathered, Patience::parked);
  }
  counters_.sends.add();
  counters_.sends_blocked.add();
}

void SendQueues::flush() {
  drained_.clear();
  broken_.clear();
  pieces_.keep_new();
  // The list of what is new becomes, in place, the list of what was sent.
  std::size_t sent = 0;
  for (const std::uint32_t slot : dirty_) {
    Socket& socket = sockets_.at(slot);
    // A slot can be listed twice when it ended and began again in one turn.
    if (!std::exchange(socket.dirty, false) || socket.sending()) continue;
    if (!socket.nothing_queued()) {
      submit_at_once(slot, socket);
      dirty_[sent++] = slot;
    } else if (socket.tell_drained) {
      empty_.push_back(slot);
      settle_soon_ = true;
    }
  }
  dirty_.resize(sent);
  sent_.swap(dirty_);
  counters_.sends.add(sent);
  counters_.queue_bytes.set(pieces_.bytes());
}

void SendQueues::at_once_completed(std::uint32_t slot, std::int32_t result) {
  sockets_.at(slot).send_result = result;
}

void SendQueues::parked_completed(std::uint32_t slot, std::int32_t result) {
  Socket& socket = sockets_.at(slot);
  const std::uint16_t submitted = std::exchange(socket.submitted_pieces, std::uint16_t{0});
  if (socket.state >= SocketState::joining) {
    pieces_.pop(socket, submitted);
    return;
  }
  if (result < 0 && result != -EAGAIN && result != -EINTR) {
    broken_.push_back(slot);
    return;
  }
  if (result > 0) {
    pieces_.pop_bytes(socket, static_cast<std::size_t>(result));
    counters_.bytes_sent.add(static_cast<std::uint64_t>(result));
  }
  if (socket.nothing_queued()) {
    emptied(slot, socket);
  } else {
    mark_dirty(slot, socket);
  }
}

void SendQueues::settle() {
  const std::uint64_t before = pieces_.bytes();
  for (const std::uint32_t slot : empty_) emptied(slot, sockets_.at(slot));
  empty_.clear();
  blocked_.clear();
  for (const std::uint32_t slot : sent_) {
    Socket& socket = sockets_.at(slot);
    if (socket.send_result != everything) {
      settle_short(slot, socket);
      continue;
    }
    const std::uint16_t submitted = std::exchange(socket.submitted_pieces, std::uint16_t{0});
    if (submitted == 0) continue;  // dropped meanwhile
    pieces_.pop(socket, submitted);
    if (!socket.nothing_queued()) {
      pieces_.outlive(socket);  // more pieces than one send carries
      mark_dirty(slot, socket);
    } else if (socket.blocked || socket.tell_drained || socket.state == SocketState::flushing) {
      emptied(slot, socket);
    }
  }
  counters_.bytes_sent.add(before - pieces_.bytes());
  counters_.queue_bytes.set(pieces_.bytes());
  sent_.clear();
  settle_soon_ = false;
  arena_.reset();
  for (const std::uint32_t slot : blocked_) park(slot);
}

// The answer to a send: the kernel took less than everything.
void SendQueues::settle_short(std::uint32_t slot, Socket& socket) {
  if (std::exchange(socket.submitted_pieces, std::uint16_t{0}) == 0) return;  // dropped meanwhile
  const std::int32_t result = socket.send_result;
  if (result < 0 && result != -EAGAIN && result != -EINTR) {
    broken_.push_back(slot);
    return;
  }
  if (result > 0) pieces_.pop_bytes(socket, static_cast<std::size_t>(result));
  if (socket.nothing_queued()) return emptied(slot, socket);
  set_blocked(socket, true);
  pieces_.outlive(socket);
  blocked_.push_back(slot);
}

void SendQueues::emptied(std::uint32_t slot, Socket& socket) {
  if (socket.blocked) set_blocked(socket, false);
  if (socket.tell_drained || socket.state == SocketState::flushing) drained_.push_back(slot);
}

void SendQueues::set_blocked(Socket& socket, bool blocked) {
  if (std::exchange(socket.blocked, blocked) == blocked) return;
  blocked_count_ += blocked ? 1 : -1;
  counters_.sockets_blocked.set(blocked_count_);
}

void SendQueues::drop(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  const bool is_parked = socket.in_flight.has(Op::send_parked);
  if (!is_parked) socket.submitted_pieces = 0;
  pieces_.cut(socket, socket.submitted_pieces);
  set_blocked(socket, false);
  socket.tell_drained = false;
}

}  // namespace ringroom::engine
