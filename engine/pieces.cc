#include "engine/pieces.h"

#include <algorithm>
#include <utility>

#include "engine/bounds.h"

namespace ringroom::engine {

Pieces::Line& Pieces::acquire_line(Socket& socket) {
  std::uint32_t index = free_line_;
  if (index == Socket::no_line) {
    index = static_cast<std::uint32_t>(lines_.size());
    lines_.emplace_back();
  } else {
    free_line_ = lines_[index].next_free;
  }
  socket.line = index;
  Line& line = lines_[index];
  line.bytes = 0;
  line.pieces = 0;
  line.last = Piece::none;
  line.has_lanes = false;
  if (socket.blocked) open_lanes(line);
  return line;
}

void Pieces::release_line(Socket& socket) {
  Line& line = lines_[socket.line];
  RR_CHECK(line.bytes == 0);
  if (line.has_lanes) {
    --lines_with_lanes_;
    for (const Waiting& lane : line.lanes) numbers_ = std::max(numbers_, lane.put);
  }
  line.next_free = std::exchange(free_line_, std::exchange(socket.line, Socket::no_line));
}

void Pieces::open_lanes(Line& line) {
  line.has_lanes = true;
  ++lines_with_lanes_;
  for (Waiting& lane : line.lanes) {
    // Above every number this socket was given before: an old place finds nothing here.
    lane = {.first = Piece::none, .last = Piece::none, .put = numbers_, .taken = numbers_};
  }
}

std::uint32_t Pieces::add(Line& line, const Piece& piece) {
  std::uint32_t index = free_piece_;
  if (index == Piece::none) {
    index = static_cast<std::uint32_t>(pieces_.size());
    pieces_.push_back(piece);
  } else {
    free_piece_ = pieces_[index].next;
    pieces_[index] = piece;
  }
  ++line.pieces;
  line.bytes += piece.size_bytes;
  bytes_ += piece.size_bytes;
  if (line.has_lanes && piece.block == nullptr) new_.push_back(index);
  return index;
}

void Pieces::push_behind(Socket& socket, const Piece& piece, Lane lane) {
  Line& line = socket.line == Socket::no_line ? acquire_line(socket) : lines_[socket.line];
  const std::uint32_t index = add(line, piece);
  if (line.has_lanes) return put_in_lane(line, index, lane);
  (line.last == Piece::none ? socket.front : pieces_[line.last]).next = index;
  line.last = index;
}

bool Pieces::push_behind(Socket& socket, const Piece& piece, Lane asked, LanePlace& place) {
  Line& line = socket.line == Socket::no_line ? acquire_line(socket) : lines_[socket.line];
  if (!line.has_lanes) {
    push_behind(socket, piece, asked);
    return false;
  }
  // Its earlier pieces are in this lane or above, so behind the last of them is behind them all.
  const bool waits = place.number_ > line.lanes[place.lane_].taken;
  const Lane lane = waits ? std::min(asked, place.lane()) : asked;
  put_in_lane(line, add(line, piece), lane);
  place = LanePlace(lane, line.lanes[std::size_t(lane)].put);
  return lane != asked;
}

void Pieces::put_in_lane(Line& line, std::uint32_t index, Lane to) {
  Waiting& lane = line.lanes[std::size_t(to)];
  (lane.empty() ? lane.first : pieces_[lane.last].next) = index;
  lane.last = index;
  ++lane.put;
}

Piece& Pieces::last_of(Socket& socket, Lane lane) {
  const Line& line = lines_[socket.line];
  if (!line.has_lanes) return line.last == Piece::none ? socket.front : pieces_[line.last];
  const Waiting& waiting = line.lanes[std::size_t(lane)];
  return waiting.empty() ? nothing_ : pieces_[waiting.last];
}

Pieces::Gathered Pieces::gather_line(Socket& socket) {
  Gathered out{.count = 0, .bytes = 0};
  if (socket.front.size_bytes != 0) {
    out = {.count = 1, .bytes = socket.front.size_bytes};
    for (std::uint32_t i = socket.front.next;
         i != Piece::none && out.count < bounds::send_vectors_max; i = pieces_[i].next) {
      ++out.count;
      out.bytes += pieces_[i].size_bytes;
    }
  }
  if (lines_[socket.line].has_lanes) take_from_lanes(socket, out);
  return out;
}

void Pieces::take_from_lanes(Socket& socket, Gathered& gathered) {
  Line& line = lines_[socket.line];
  for (std::size_t highest = lane_count; highest-- > 0;) {
    Waiting& lane = line.lanes[highest];
    while (!lane.empty()) {
      if (gathered.count >= bounds::send_vectors_max || gathered.bytes >= bounds::lane_send_bytes)
        return;
      const std::uint32_t index = lane.first;
      lane.first = pieces_[index].next;
      ++lane.taken;
      pieces_[index].next = Piece::none;
      ++gathered.count;
      gathered.bytes += pieces_[index].size_bytes;
      if (socket.front.size_bytes == 0) {
        socket.front.next = index;
        advance(socket, line);
      } else {
        (line.last == Piece::none ? socket.front : pieces_[line.last]).next = index;
        line.last = index;
      }
    }
  }
  if (line.pieces == 0) release_line(socket);
}

// The piece behind the front becomes the front.
void Pieces::advance(Socket& socket, Line& line) {
  const std::uint32_t index = socket.front.next;
  socket.front = pieces_[index];
  free(index);
  --line.pieces;
  line.bytes -= socket.front.size_bytes;
  if (line.last == index) line.last = Piece::none;
}

void Pieces::free(std::uint32_t index) {
  pieces_[index] = Piece{};
  pieces_[index].next = std::exchange(free_piece_, index);
}

void Pieces::pop_front(Socket& socket) {
  Piece& front = socket.front;
  if (front.block != nullptr) alloc::BlockRef::adopt(*front.block).reset();
  bytes_ -= front.size_bytes;
  if (front.next == Piece::none) {
    front = Piece{};
    return;
  }
  Line& line = lines_[socket.line];
  advance(socket, line);
  if (line.pieces == 0) release_line(socket);
}

void Pieces::pop_bytes(Socket& socket, std::size_t bytes) {
  while (bytes > 0) {
    Piece& front = socket.front;
    RR_CHECK(front.size_bytes != 0);
    if (bytes < front.size_bytes) {
      front.data += bytes;
      front.size_bytes -= static_cast<std::uint32_t>(bytes);
      bytes_ -= bytes;
      return;
    }
    bytes -= front.size_bytes;
    pop_front(socket);
  }
}

void Pieces::drop(Line& line, std::uint32_t first) {
  while (first != Piece::none) {
    const Piece& piece = pieces_[first];
    if (piece.block != nullptr) alloc::BlockRef::adopt(*piece.block).reset();
    --line.pieces;
    line.bytes -= piece.size_bytes;
    bytes_ -= piece.size_bytes;
    free(std::exchange(first, piece.next));
  }
}

void Pieces::cut(Socket& socket, std::uint32_t kept) {
  if (kept == 0) {
    while (socket.front.size_bytes != 0) pop_front(socket);
  }
  if (socket.line == Socket::no_line) return;
  Line& line = lines_[socket.line];
  if (line.has_lanes) {
    for (Waiting& lane : line.lanes) {
      if (!lane.empty()) drop(line, lane.first);
      lane.taken = lane.put;
    }
  }
  if (kept > 0) {
    Piece* piece = &socket.front;
    line.last = Piece::none;
    for (; kept > 1; --kept) {
      line.last = piece->next;
      piece = &pieces_[line.last];
    }
    drop(line, std::exchange(piece->next, Piece::none));
  }
  if (line.pieces == 0) release_line(socket);
}

void Pieces::keep(Piece& piece) {
  if (piece.block != nullptr || piece.size_bytes == 0) return;
  alloc::BlockRef kept = blocks_.copy({piece.data, piece.size_bytes});
  piece.data = kept.bytes().data();
  piece.block = kept.release();
}

void Pieces::outlive(Socket& socket) {
  keep(socket.front);
  if (socket.line == Socket::no_line) return;
  Line& line = lines_[socket.line];
  if (line.has_lanes) return;  // then all of it was kept before
  for (std::uint32_t i = socket.front.next; i != Piece::none; i = pieces_[i].next) {
    keep(pieces_[i]);
  }
  open_lanes(line);
}

void Pieces::keep_new() {
  for (const std::uint32_t index : new_) keep(pieces_[index]);
  new_.clear();
}

}  // namespace ringroom::engine
