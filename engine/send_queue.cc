#include "engine/send_queue.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

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

bool SendQueues::over_limit(const Socket& socket, std::size_t bytes) {
  // One message always fits an empty queue, however large: a limit below the size of a message
  // would otherwise make it undeliverable.
  if (socket.queued_bytes == 0) return false;
  const std::uint64_t weight =
      socket.queued_bytes + bytes + socket.piece_count * bounds::piece_cost_bytes;
  if (weight <= queue_bytes_max_) return false;
  counters_.sends_over_limit.add();
  return true;
}

Outbox::Send SendQueues::send(std::uint32_t slot, alloc::BlockRef block) {
  const std::span<const std::byte> bytes = block.bytes();
  if (bytes.empty()) return Outbox::Send::queued;
  if (over_limit(sockets_.at(slot), bytes.size())) return Outbox::Send::over_limit;
  append(slot, {.data = bytes.data(),
                .size_bytes = static_cast<std::uint32_t>(bytes.size()),
                .next = Socket::no_piece,
                .block = block.release()});
  return Outbox::Send::queued;
}

Outbox::Send SendQueues::write(std::uint32_t slot, std::span<const std::byte> bytes) {
  if (bytes.empty()) return Outbox::Send::queued;
  if (over_limit(sockets_.at(slot), bytes.size())) return Outbox::Send::over_limit;
  std::memcpy(arena_.reserve(bytes.size()).data(), bytes.data(), bytes.size());
  take_reserved(slot, bytes.size());
  return Outbox::Send::queued;
}

void SendQueues::write_last(std::uint32_t slot, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  std::memcpy(arena_.reserve(bytes.size()).data(), bytes.data(), bytes.size());
  take_reserved(slot, bytes.size());
}

Outbox::Send SendQueues::commit(std::uint32_t slot, std::size_t bytes) {
  if (bytes == 0) return Outbox::Send::queued;
  if (over_limit(sockets_.at(slot), bytes)) return Outbox::Send::over_limit;
  take_reserved(slot, bytes);
  return Outbox::Send::queued;
}

void SendQueues::take_reserved(std::uint32_t slot, std::size_t bytes) {
  RR_CHECK(bytes <= std::numeric_limits<std::uint32_t>::max());
  Socket& socket = sockets_.at(slot);
  const std::byte* start = arena_.position();
  arena_.commit(bytes);
  const auto size_bytes = static_cast<std::uint32_t>(bytes);
  if (socket.last_piece != Socket::no_piece) {
    // Writes in a row lie in a row: one piece, one vector in the kernel.
    Piece& last = pieces_[socket.last_piece];
    if (last.block == nullptr && last.data + last.size_bytes == start &&
        last.size_bytes <= std::numeric_limits<std::uint32_t>::max() - size_bytes) {
      last.size_bytes += size_bytes;
      socket.queued_bytes += bytes;
      counters_.queue_bytes.add(bytes);
      return;
    }
  }
  append(slot,
         {.data = start, .size_bytes = size_bytes, .next = Socket::no_piece, .block = nullptr});
}

void SendQueues::append(std::uint32_t slot, Piece piece) {
  std::uint32_t index = free_piece_;
  if (index == Socket::no_piece) {
    index = static_cast<std::uint32_t>(pieces_.size());
    pieces_.push_back(piece);
  } else {
    free_piece_ = pieces_[index].next;
    pieces_[index] = piece;
  }
  Socket& socket = sockets_.at(slot);
  if (socket.last_piece == Socket::no_piece) {
    socket.first_piece = index;
  } else {
    pieces_[socket.last_piece].next = index;
  }
  socket.last_piece = index;
  if (piece.block == nullptr && socket.first_private == Socket::no_piece) {
    socket.first_private = index;
  }
  ++socket.piece_count;
  socket.queued_bytes += piece.size_bytes;
  counters_.queue_bytes.add(piece.size_bytes);
  mark_dirty(slot);
}

void SendQueues::mark_dirty(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  if (std::exchange(socket.dirty, true)) return;
  dirty_.push_back(slot);
}

void SendQueues::pop_front(Socket& socket) {
  const std::uint32_t index = socket.first_piece;
  Piece& piece = pieces_[index];
  if (piece.block != nullptr) alloc::BlockRef::adopt(*piece.block).reset();
  socket.queued_bytes -= piece.size_bytes;
  counters_.queue_bytes.subtract(piece.size_bytes);
  socket.first_piece = piece.next;
  if (socket.first_private == index) socket.first_private = piece.next;
  if (socket.first_piece == Socket::no_piece) socket.last_piece = Socket::no_piece;
  --socket.piece_count;
  piece.next = std::exchange(free_piece_, index);
}

void SendQueues::pop_bytes(Socket& socket, std::size_t bytes) {
  counters_.bytes_sent.add(bytes);
  while (bytes > 0) {
    Piece& piece = pieces_[socket.first_piece];
    if (bytes < piece.size_bytes) {
      piece.data += bytes;
      piece.size_bytes -= static_cast<std::uint32_t>(bytes);
      socket.queued_bytes -= bytes;
      counters_.queue_bytes.subtract(bytes);
      return;
    }
    bytes -= piece.size_bytes;
    pop_front(socket);
  }
}

// The arena ends with the turn; what outlives it moves to blocks of its own.
void SendQueues::keep_private_bytes(Socket& socket) {
  std::uint32_t index = std::exchange(socket.first_private, Socket::no_piece);
  for (; index != Socket::no_piece; index = pieces_[index].next) {
    Piece& piece = pieces_[index];
    if (piece.block != nullptr) continue;
    alloc::BlockRef kept = blocks_.copy({piece.data, piece.size_bytes});
    piece.data = kept.bytes().data();
    piece.block = kept.release();
  }
}

SendQueues::Gathered SendQueues::gather(const Socket& socket) const {
  Gathered out{.pieces = 0, .bytes = 0};
  for (std::uint32_t i = socket.first_piece;
       i != Socket::no_piece && out.pieces < bounds::send_vectors_max; i = pieces_[i].next) {
    ++out.pieces;
    out.bytes += pieces_[i].size_bytes;
  }
  return out;
}

void SendQueues::submit(std::uint32_t slot, Token token, const Gathered& gathered,
                        Patience patience) {
  const Socket& socket = sockets_.at(slot);
  const Piece& first = pieces_[socket.first_piece];
  counters_.sends.add();
  if (gathered.pieces == 1) {
    ring_.send(token, slot, {first.data, first.size_bytes}, patience);
    return;
  }
  // A parked send reads the bytes for longer than the arena lives, so it is never copied there.
  std::uint32_t index = socket.first_piece;
  if (gathered.bytes <= bounds::gather_copy_bytes_max && patience == Patience::at_once) {
    const std::span<std::byte> whole = arena_.allocate<std::byte>(gathered.bytes);
    std::byte* end = whole.data();
    for (std::uint16_t i = 0; i < gathered.pieces; ++i, index = pieces_[index].next) {
      std::memcpy(end, pieces_[index].data, pieces_[index].size_bytes);
      end += pieces_[index].size_bytes;
    }
    ring_.send(token, slot, whole, patience);
    return;
  }
  const std::span<iovec> vectors = arena_.allocate<iovec>(gathered.pieces);
  for (iovec& vector : vectors) {
    vector = {.iov_base = const_cast<std::byte*>(pieces_[index].data),
              .iov_len = pieces_[index].size_bytes};
    index = pieces_[index].next;
  }
  msghdr& message = arena_.allocate<msghdr>(1).front();
  message = {};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  ring_.send_gathered(token, slot, message, patience);
}

void SendQueues::submit_at_once(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  const Gathered gathered = gather(socket);
  socket.submitted_pieces = gathered.pieces;
  socket.send_result = everything;
  submit(slot, {.op = Op::send, .generation = socket.generation, .slot = slot}, gathered,
         Patience::at_once);
  sent_.push_back(slot);
  if (gathered.pieces < socket.piece_count || socket.ending()) settle_soon_ = true;
}

void SendQueues::park(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  const Gathered gathered = gather(socket);
  socket.submitted_pieces = gathered.pieces;
  submit(slot, socket.begin(Op::send_parked, slot), gathered, Patience::parked);
  counters_.sends_blocked.add();
}

void SendQueues::flush() {
  drained_.clear();
  broken_.clear();
  for (const std::uint32_t slot : dirty_) {
    Socket& socket = sockets_.at(slot);
    // A slot can be listed twice when it ended and began again in one turn.
    if (!std::exchange(socket.dirty, false)) continue;
    if (socket.sending()) {
      keep_private_bytes(socket);
    } else if (socket.first_piece != Socket::no_piece) {
      submit_at_once(slot);
    }
  }
  dirty_.clear();
}

void SendQueues::at_once_completed(std::uint32_t slot, std::int32_t result) {
  sockets_.at(slot).send_result = result;
}

void SendQueues::parked_completed(std::uint32_t slot, std::int32_t result) {
  Socket& socket = sockets_.at(slot);
  const std::uint16_t submitted = std::exchange(socket.submitted_pieces, std::uint16_t{0});
  if (socket.state >= SocketState::joining) {
    for (std::uint16_t i = 0; i < submitted; ++i) pop_front(socket);
    return;
  }
  if (result < 0 && result != -EAGAIN && result != -EINTR) {
    broken_.push_back(slot);
    return;
  }
  pop_bytes(socket, static_cast<std::size_t>(std::max(result, 0)));
  if (socket.first_piece != Socket::no_piece) {
    mark_dirty(slot);
  } else if (socket.state == SocketState::flushing) {
    drained_.push_back(slot);
  }
}

void SendQueues::settle() {
  blocked_.clear();
  for (const std::uint32_t slot : sent_) {
    Socket& socket = sockets_.at(slot);
    std::uint16_t submitted = std::exchange(socket.submitted_pieces, std::uint16_t{0});
    if (submitted == 0) continue;  // dropped meanwhile
    const std::int32_t result = socket.send_result;
    if (result == everything) {
      const std::uint64_t before = socket.queued_bytes;
      while (submitted-- > 0) pop_front(socket);
      counters_.bytes_sent.add(before - socket.queued_bytes);
    } else if (result >= 0 || result == -EAGAIN || result == -EINTR) {
      pop_bytes(socket, static_cast<std::size_t>(std::max(result, 0)));
      blocked_.push_back(slot);
    } else {
      broken_.push_back(slot);
    }
    if (socket.first_piece != Socket::no_piece) {
      keep_private_bytes(socket);
      if (result == everything) mark_dirty(slot);  // more pieces than one send carries
    } else if (socket.state == SocketState::flushing) {
      drained_.push_back(slot);
    }
  }
  sent_.clear();
  settle_soon_ = false;
  arena_.reset();
  for (const std::uint32_t slot : blocked_) park(slot);
}

void SendQueues::drop(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  if (!socket.in_flight.has(Op::send_parked)) {
    socket.submitted_pieces = 0;
    while (socket.first_piece != Socket::no_piece) pop_front(socket);
    return;
  }
  // Behind the pieces in the kernel: cut the list there, free the rest.
  std::uint32_t last_kept = socket.first_piece;
  for (std::uint16_t i = 1; i < socket.submitted_pieces; ++i) last_kept = pieces_[last_kept].next;
  const std::uint32_t first_kept = socket.first_piece;
  socket.first_piece = pieces_[last_kept].next;
  while (socket.first_piece != Socket::no_piece) pop_front(socket);
  pieces_[last_kept].next = Socket::no_piece;
  socket.first_piece = first_kept;
  socket.last_piece = last_kept;
}

}  // namespace ringroom::engine
