#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "alloc/block.h"
#include "alloc/core_heap.h"
#include "alloc/turn_arena.h"
#include "engine/bounds.h"
#include "engine/counters.h"
#include "engine/outbox.h"
#include "engine/pieces.h"
#include "engine/ring.h"
#include "engine/socket_table.h"

namespace ringroom::engine {

// The way of what is queued for the sockets of one core into the kernel.
//
//   turn n     send, write     a piece for the socket (pieces.h): a held block, or bytes in the
//                              turn's arena
//   flush      one send per socket with something queued, "take it now or say what is left"
//   turn n+1   settle          silence: all pieces of the send are released
//                              answer:  the socket is blocked; its rest moves to blocks of its own,
//                                       ONE parked send waits for the reader, and new pieces wait
//                                       in lanes until all of it has left
//
// Never two sends of a socket in the kernel: the second could overtake the first.
//
// Owner:    one core.
// Lifetime: a held block until the kernel took its bytes; private bytes until the settle() after
//           their flush().
// Errors:   over_limit from the limit; a broken connection appears in broken().
class SendQueues {
 public:
  SendQueues(Ring& ring, SocketTable& sockets, std::uint64_t queue_bytes_max,
             EngineCounters& counters);

  // `socket` is the one in `slot`, and open. See outbox.h for what these mean.
  Outbox::Send send(std::uint32_t slot, Socket& socket, alloc::BlockRef block) {
    const std::span<const std::byte> bytes = block.bytes();
    if (bytes.empty()) return Outbox::Send::queued;
    if (over_limit(socket, bytes.size())) return Outbox::Send::over_limit;
    pieces_.push(socket, piece_of(std::move(block)), Lane::medium);
    mark_dirty(slot, socket);
    return Outbox::Send::queued;
  }
  Outbox::Send send(std::uint32_t slot, Socket& socket, alloc::BlockRef block, Lane lane,
                    LanePlace& place);
  Outbox::Send write(std::uint32_t slot, Socket& socket, std::span<const std::byte> bytes);
  // The same past the limit, for the last bytes of a socket: behind all lanes.
  void write_last(std::uint32_t slot, Socket& socket, std::span<const std::byte> bytes);
  std::span<std::byte> reserve(std::size_t bytes) { return arena_.reserve(bytes); }
  Outbox::Send commit(std::uint32_t slot, Socket& socket, std::size_t bytes);
  void tell_when_drained(std::uint32_t slot, Socket& socket);

  std::uint64_t queued_bytes(const Socket& socket) const { return pieces_.bytes_of(socket); }
  bool has_lanes(const Socket& socket) const { return pieces_.has_lanes(socket); }
  // Lanes open while a socket is blocked, or in settle().
  bool any_has_lanes() const { return blocked_count_ > 0 || pieces_.any_has_lanes(); }

  // Submits one send per socket that has something new.
  void flush();
  // The outcome of the last flush decides what happens next: do not sleep before settle().
  bool settle_soon() const { return settle_soon_; }

  void at_once_completed(std::uint32_t slot, std::int32_t result);
  void parked_completed(std::uint32_t slot, std::int32_t result);
  // After all completions of a turn were seen, before anything is queued in the next.
  void settle();

  // Valid from settle() to the next flush(): sockets whose queue is empty and which end then, or
  // asked to be told; and sockets whose connection broke.
  std::span<const std::uint32_t> drained() const { return drained_; }
  std::span<const std::uint32_t> broken() const { return broken_; }

  // Forgets what is queued, except what a parked send still reads.
  void drop(std::uint32_t slot);

 private:
  static constexpr std::int32_t everything = std::numeric_limits<std::int32_t>::min();

  static Piece piece_of(alloc::BlockRef block) {
    alloc::Block* const held = block.release();
    return {.data = held->data, .block = held, .size_bytes = held->size_bytes, .next = Piece::none};
  }
  bool over_limit(const Socket& socket, std::size_t bytes) {
    // One message always fits an empty queue, however large: a limit below the size of a message
    // would otherwise make it undeliverable.
    if (socket.nothing_queued()) return false;
    const std::uint64_t weight =
        pieces_.bytes_of(socket) + bytes + pieces_.count_of(socket) * bounds::piece_cost_bytes;
    if (weight <= queue_bytes_max_) return false;
    counters_.sends_over_limit.add();
    return true;
  }
  void mark_dirty(std::uint32_t slot, Socket& socket) {
    // A parked send comes back by itself.
    if (!socket.sending() && !std::exchange(socket.dirty, true)) dirty_.push_back(slot);
  }
  void take_reserved(std::uint32_t slot, Socket& socket, std::size_t bytes, Lane lane);
  void submit_at_once(std::uint32_t slot, Socket& socket);
  void submit_line(std::uint32_t slot, const Socket& socket, Token token,
                   const Pieces::Gathered& gathered, Patience patience);
  void park(std::uint32_t slot);
  void settle_short(std::uint32_t slot, Socket& socket);
  void emptied(std::uint32_t slot, Socket& socket);
  void set_blocked(Socket& socket, bool blocked);

  Ring& ring_;
  SocketTable& sockets_;
  std::uint64_t queue_bytes_max_;
  EngineCounters& counters_;
  alloc::CoreHeap heap_;
  alloc::BlockHeap blocks_;
  alloc::TurnArena arena_;
  Pieces pieces_{blocks_};
  std::vector<std::uint32_t> dirty_;    // something new to send
  std::vector<std::uint32_t> sent_;     // sends of the last flush
  std::vector<std::uint32_t> blocked_;  // of those, for settle()
  std::vector<std::uint32_t> empty_;    // nothing to send, and the handler wants to know
  std::vector<std::uint32_t> drained_;
  std::vector<std::uint32_t> broken_;
  std::uint64_t blocked_count_ = 0;
  bool settle_soon_ = false;
};

}  // namespace ringroom::engine
