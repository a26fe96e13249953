#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "alloc/block.h"
#include "alloc/core_heap.h"
#include "alloc/turn_arena.h"
#include "engine/counters.h"
#include "engine/outbox.h"
#include "engine/ring.h"
#include "engine/socket_table.h"

namespace ringroom::engine {

// What is queued for the sockets of one core, and its way into the kernel.
//
//   turn n     send, write     pieces behind the socket: a held block, or bytes in the turn's arena
//   flush      one send per socket with something queued, "take it now or say what is left"
//   turn n+1   settle          silence: all pieces of the send are released, in one pass
//                              answer:  the rest moves to blocks of its own and ONE parked send
//                                       waits for the reader; new pieces only append behind it
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

  // The socket is open. See outbox.h for what these mean.
  Outbox::Send send(std::uint32_t slot, alloc::BlockRef bytes);
  Outbox::Send write(std::uint32_t slot, std::span<const std::byte> bytes);
  // The same past the limit, for the last bytes of a socket.
  void write_last(std::uint32_t slot, std::span<const std::byte> bytes);
  std::span<std::byte> reserve(std::size_t bytes) { return arena_.reserve(bytes); }
  Outbox::Send commit(std::uint32_t slot, std::size_t bytes);

  // Submits one send per socket that has something new.
  void flush();
  // The outcome of the last flush decides what happens next: do not sleep before settle().
  bool settle_soon() const { return settle_soon_; }

  void at_once_completed(std::uint32_t slot, std::int32_t result);
  void parked_completed(std::uint32_t slot, std::int32_t result);
  // After all completions of a turn were seen, before anything is queued in the next.
  void settle();

  // Valid from settle() to the next flush(): flushing sockets whose last byte the kernel took, and
  // sockets whose connection broke.
  std::span<const std::uint32_t> drained() const { return drained_; }
  std::span<const std::uint32_t> broken() const { return broken_; }

  // Forgets what is queued, except what a parked send still reads.
  void drop(std::uint32_t slot);

 private:
  static constexpr std::int32_t everything = std::numeric_limits<std::int32_t>::min();

  struct Piece {
    const std::byte* data;
    std::uint32_t size_bytes;
    std::uint32_t next;
    alloc::Block* block;  // a hold; none: the bytes lie in the arena
  };
  struct Gathered {
    std::uint16_t pieces;
    std::size_t bytes;
  };

  bool over_limit(const Socket& socket, std::size_t bytes);
  void take_reserved(std::uint32_t slot, std::size_t bytes);
  void append(std::uint32_t slot, Piece piece);
  void mark_dirty(std::uint32_t slot);
  void pop_front(Socket& socket);
  void pop_bytes(Socket& socket, std::size_t bytes);
  void keep_private_bytes(Socket& socket);
  Gathered gather(const Socket& socket) const;
  void submit(std::uint32_t slot, Token token, const Gathered& gathered, Patience patience);
  void submit_at_once(std::uint32_t slot);
  void park(std::uint32_t slot);

  Ring& ring_;
  SocketTable& sockets_;
  std::uint64_t queue_bytes_max_;
  EngineCounters& counters_;
  alloc::CoreHeap heap_;
  alloc::BlockHeap blocks_;
  alloc::TurnArena arena_;
  std::vector<Piece> pieces_;
  std::uint32_t free_piece_ = Socket::no_piece;
  std::vector<std::uint32_t> dirty_;    // something new to send
  std::vector<std::uint32_t> sent_;     // sends of the last flush
  std::vector<std::uint32_t> blocked_;  // of those, for settle()
  std::vector<std::uint32_t> drained_;
  std::vector<std::uint32_t> broken_;
  bool settle_soon_ = false;
};

}  // namespace ringroom::engine
