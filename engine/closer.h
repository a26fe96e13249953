#pragma once

#include <cstdint>

#include "engine/ring.h"
#include "engine/send_queue.h"
#include "engine/socket_table.h"
#include "engine/timer_wheel.h"

namespace ringroom::engine {

// Ends sockets, in order: nothing is given back while the kernel may still touch it.
//
//   close -> flushing -queue empty-> FIN, lingering -peer's FIN-> joining -none in flight-> leaving
//               | deadline              | deadline                 ^
//               +-------- RST ----------+--------------------------+
//
// A socket whose peer has finished already, or has ended by its own words, skips lingering: its
// close sends the FIN.
//
// Owner:  one core. Deadlines are timers of a wheel whose cookie is the socket (cookie_of).
// Errors: none: every way ends in leaving, at the latest with the deadline.
class Closer {
 public:
  Closer(Ring& ring, SocketTable& sockets, SendQueues& sends, TimerWheel& deadlines)
      : ring_(ring), sockets_(sockets), sends_(sends), deadlines_(deadlines) {}

  void close(std::uint32_t slot, std::uint64_t now_ms);  // an open socket, in good order
  void abort(std::uint32_t slot);                        // any socket, with RST
  void broken(std::uint32_t slot);                       // the connection is no more

  void drained(std::uint32_t slot, std::uint64_t now_ms);  // flushing, and its queue became empty
  void peer_finished(std::uint32_t slot);
  void expired(std::uint64_t cookie);

  // After `op` left the socket's operations in flight. True: the socket has left the kernel, and
  // its slot is for the caller to free.
  bool completed(std::uint32_t slot, Op op, std::int32_t result);

  static std::uint64_t cookie_of(SocketId id) {
    return std::uint64_t{id.generation} << 32 | id.slot;
  }

 private:
  void set_deadline(std::uint32_t slot, std::uint64_t deadline_ms);
  void join(std::uint32_t slot);
  void cancel(std::uint32_t slot, Op op, Op by);
  void leave_if_joined(std::uint32_t slot);

  Ring& ring_;
  SocketTable& sockets_;
  SendQueues& sends_;
  TimerWheel& deadlines_;
};

}  // namespace ringroom::engine
