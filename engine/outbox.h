#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "alloc/block.h"
#include "base/id.h"
#include "engine/handler.h"
#include "engine/lane.h"

namespace ringroom::engine {

class Core;

// Everything this core wants done. Filled during the turn, carried out once after it: one gathered
// send per socket, one wake-up per core.
//
// Owner:  the core; valid during Handler::on_turn (and Handler construction) only.
// Order:  what is queued for one socket arrives in the order of the calls, whatever their kind,
//         unless it names lanes (below).
// Ids:    a call that names a socket or timer that has ended does nothing and says so.
class Outbox {
 public:
  enum class Send : std::uint8_t {
    queued,
    over_limit,  // more than the queue limit is waiting for this peer: nothing was queued; close it
    gone         // the socket has ended or is closing
  };

  explicit Outbox(Core& core) : core_(core) {}

  // A shared block: listeners hold a reference, no byte is copied.
  Send send(SocketId socket, alloc::BlockRef bytes);
  // The same with a priority, for a peer that does not keep up: what waits for it leaves by lanes,
  // the highest first, in each in the order of the calls; calls without a lane are medium. Never
  // overtaken are: what was queued before the peer fell behind, what the kernel was already asked
  // to take (lane_send_bytes or one piece at least), and an earlier piece of the same stream, which
  // `place` remembers. A low lane waits for as long as higher ones have something.
  Send send(SocketId socket, alloc::BlockRef bytes, Lane lane, LanePlace& place);
  // What is sent to the peer now waits in lanes. While it does not, lanes change nothing and need
  // not be named; while it does, a stream that has lanes names one with everything it sends.
  bool has_lanes(SocketId socket) const;
  // False: none of the core's sockets has, and none will have before the next turn.
  bool any_has_lanes() const;
  // Private bytes, copied now into the turn's memory.
  Send write(SocketId socket, std::span<const std::byte> bytes);
  // The same without the copy: reserve room, write there, commit what was written. The room ends
  // with the next call of reserve, write or send.
  std::span<std::byte> reserve(std::size_t bytes_max);
  Send commit(SocketId socket, std::size_t bytes);

  // Bytes queued for the peer and not yet taken by the kernel.
  std::size_t queued_bytes(SocketId socket) const;

  // The peer does not keep up: the kernel would not take everything when last asked, and has not
  // taken it since. For those who would rather leave something out than let it wait.
  bool is_blocked(SocketId socket) const;
  // Names the socket once in Inbox::drained: in the first turn in which the kernel has taken
  // everything queued for it, which is the next one if nothing is queued by the end of this. Never
  // for a socket that has ended or is closing by then. To ask again before that changes nothing.
  void tell_when_drained(SocketId socket);

  // Ends the connection after the bytes already queued: FIN, then wait (bounded) for the peer's.
  // Nothing more is received from it. `Closed{local}` follows when nothing of it is left in
  // the kernel; its slot can come back as another connection from the next turn on.
  // `farewell` (at most 256 bytes, copied) goes out behind them even if the queue is at its limit:
  // a peer that is cut off for not reading is still told why.
  // A peer that has ended said in its own protocol that it sends nothing more: its FIN is not
  // waited for. That spares a shutdown, which the kernel hands to a worker thread; bytes that come
  // all the same are answered with RST.
  enum class Peer : std::uint8_t { may_still_send, has_ended };
  void close(SocketId socket, std::span<const std::byte> farewell = {},
             Peer peer = Peer::may_still_send);
  // Ends the connection at once with RST; queued bytes are dropped. `Closed{local}` follows.
  void abort(SocketId socket);
  // Stops and restarts reading from a peer: what it sends waits in the kernel's buffers.
  // Bytes already on their way up may still come in the next turn; the end of a paused connection
  // is seen when it is resumed.
  void pause(SocketId socket);
  void resume(SocketId socket);

  // Fires once, not before `delay_ms` have passed and at most one tick (bounds.h) plus a turn
  // later.
  TimerId arm(std::uint64_t delay_ms, std::uint64_t cookie);
  bool cancel(TimerId timer);  // false: it had fired or been cancelled

  // Hands the letter to another core (never to this one). False: that mailbox is full; the caller
  // keeps the letter and tries again in a later turn (a full mailbox empties within one turn of its
  // reader, and this core is woken for it).
  bool post(CoreId core, Letter& letter);

  // The next wait ends after `us` at most, and earlier when `completions` have come, not at the
  // first one: somebody would rather have those than a turn for each of them. For one wait; bounded
  // by gather_longer_us, because whatever else comes waits as long.
  void gather(std::uint32_t us, std::uint32_t completions);

  CoreId core() const;
  std::uint32_t core_count() const;
  std::uint32_t open_sockets() const;  // of this core, closing ones included

  void stop_accepting();
  // Nothing more to do: the core leaves its loop when all its sockets are closed.
  void finished();

 private:
  Core& core_;
};

}  // namespace ringroom::engine
