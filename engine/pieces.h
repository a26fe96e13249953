#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "alloc/block.h"
#include "base/check.h"
#include "engine/lane.h"
#include "engine/socket.h"

namespace ringroom::engine {

// What is queued for the sockets of one core, as an order of pieces; nothing of the kernel in it.
//
//   Socket | front | --> run | piece | piece |            leaves next, in this order
//          | line  | --> Line | critical | high | medium | low |
//                              what came while the queue waited for its reader
//
// The first piece lies in the socket itself, and most sockets never have a second one. From the
// second on there is a Line, and lanes in it from when the queue outlives a turn: gather() moves
// pieces from the highest lane to the end of the run, and what is in the run stays in order.
//
// A place (lane.h) remembers the number of its piece in a lane. A lane hands its pieces on in the
// order of their numbers, so one look tells whether the piece is still there.
//
// Owner:    one core.
// Lifetime: a held block until its piece is popped. A piece without one lies in the turn's arena
//           until outlive() or keep_new() gives it a block.
// Errors:   none. How much may be queued is the caller's to decide.
class Pieces {
 public:
  struct Gathered {
    std::uint16_t count;
    std::size_t bytes;
  };

  explicit Pieces(alloc::BlockHeap& blocks) : blocks_(blocks) {}

  std::uint64_t bytes() const { return bytes_; }  // of all sockets
  std::uint64_t bytes_of(const Socket& socket) const {
    return socket.front.size_bytes + (socket.line == Socket::no_line ? 0 : line(socket).bytes);
  }
  std::uint32_t count_of(const Socket& socket) const {
    return (socket.front.size_bytes != 0) +
           (socket.line == Socket::no_line ? 0 : line(socket).pieces);
  }

  // Whether the next piece waits in one.
  bool has_lanes(const Socket& socket) const {
    return socket.line == Socket::no_line ? socket.blocked : line(socket).has_lanes;
  }
  bool any_has_lanes() const { return lines_with_lanes_ > 0; }

  // Behind everything in its lane.
  void push(Socket& socket, const Piece& piece, Lane lane) {
    if (socket.nothing_queued()) return push_first(socket, piece);
    push_behind(socket, piece, lane);
  }
  // The same, but never ahead of the piece that `place` remembers. True: it took a lower lane for
  // that.
  bool push(Socket& socket, const Piece& piece, Lane lane, LanePlace& place) {
    if (!socket.nothing_queued()) return push_behind(socket, piece, lane, place);
    push_first(socket, piece);
    return false;
  }
  // Writes in a row lie in a row in the arena: one piece. False: `bytes` do not follow on the last
  // piece of the lane.
  bool extend(Socket& socket, Lane lane, const std::byte* bytes, std::uint32_t size_bytes) {
    const bool is_only = socket.line == Socket::no_line;
    Piece& last = is_only ? socket.front : last_of(socket, lane);
    if (last.block != nullptr || last.data + last.size_bytes != bytes ||
        last.size_bytes > std::numeric_limits<std::uint32_t>::max() - size_bytes)
      return false;
    last.size_bytes += size_bytes;
    bytes_ += size_bytes;
    if (&last != &socket.front) line(socket).bytes += size_bytes;
    return true;
  }

  // What is to leave next, at most as much as one send should carry.
  Gathered gather(Socket& socket) {
    if (socket.line == Socket::no_line) return {1, socket.front.size_bytes};
    return gather_line(socket);
  }
  const Piece& behind(const Piece& piece) const { return pieces_[piece.next]; }

  // Takes the first pieces or bytes of the run off.
  void pop(Socket& socket, std::uint32_t count) {
    if (socket.line == Socket::no_line) return pop_only(socket, count);
    while (count-- > 0) pop_front(socket);
  }
  void pop_bytes(Socket& socket, std::size_t bytes);
  // Takes everything off but the first pieces of the run.
  void cut(Socket& socket, std::uint32_t kept);

  // The queue goes on after the turn, and from now on in lanes.
  void outlive(Socket& socket);
  // What was pushed behind such a queue in this turn; before its end.
  void keep_new();

 private:
  struct Waiting {  // in a lane
    std::uint32_t first;
    std::uint32_t last;
    std::uint64_t put;    // number of the last piece put in
    std::uint64_t taken;  // and of the last taken out
    bool empty() const { return put == taken; }
  };
  // What is queued behind the front.
  struct alignas(64) Line {
    std::uint64_t bytes;
    std::uint32_t pieces;
    std::uint32_t last;  // of the run; none: the run is the front alone
    std::uint32_t next_free;
    bool has_lanes;
    Waiting lanes[lane_count];
  };

  Line& line(const Socket& socket) { return lines_[socket.line]; }
  const Line& line(const Socket& socket) const { return lines_[socket.line]; }
  Line& acquire_line(Socket& socket);
  void release_line(Socket& socket);
  void open_lanes(Line& line);

  void push_first(Socket& socket, const Piece& piece) {
    socket.front = piece;
    bytes_ += piece.size_bytes;
  }
  void push_behind(Socket& socket, const Piece& piece, Lane lane);
  bool push_behind(Socket& socket, const Piece& piece, Lane lane, LanePlace& place);
  void put_in_lane(Line& line, std::uint32_t index, Lane lane);
  std::uint32_t add(Line& line, const Piece& piece);
  Piece& last_of(Socket& socket, Lane lane);
  Gathered gather_line(Socket& socket);
  void take_from_lanes(Socket& socket, Gathered& gathered);

  void pop_only(Socket& socket, std::uint32_t count) {
    RR_CHECK(count == 1);
    const Piece front = std::exchange(socket.front, Piece{});
    bytes_ -= front.size_bytes;
    if (front.block != nullptr) alloc::BlockRef::adopt(*front.block).reset();
  }
  void pop_front(Socket& socket);
  void advance(Socket& socket, Line& line);
  void free(std::uint32_t index);
  void drop(Line& line, std::uint32_t first);
  void keep(Piece& piece);

  alloc::BlockHeap& blocks_;
  Piece nothing_{};  // behind it no bytes follow
  std::vector<Piece> pieces_;
  std::vector<Line> lines_;
  std::vector<std::uint32_t> new_;  // pieces for keep_new(); some may have gone since
  std::uint32_t free_piece_ = Piece::none;
  std::uint32_t free_line_ = Socket::no_line;
  std::uint64_t bytes_ = 0;
  std::uint32_t lines_with_lanes_ = 0;
  std::uint64_t numbers_ = 0;  // no line that has ended gave a higher one
};

}  // namespace ringroom::engine
