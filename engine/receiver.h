#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/counters.h"
#include "engine/handler.h"
#include "engine/ring.h"
#include "engine/socket_table.h"

namespace ringroom::engine {

// Keeps one multishot receive armed on every socket that may be read, and carries what came.
//
//   arm --> kernel --bytes in a ring buffer--> received() --> give_back() at the end of the turn
//             |  out of buffers, or ended for its own reasons
//             +-----------> again, once buffers were given back
//
// Owner:    one core.
// Lifetime: received bytes are lent until give_back().
// Errors:   an end of input is an outcome of completed(). No buffers is never an end: the kernel
//           says the same when the ring is empty and the peer has finished.
class Receiver {
 public:
  enum class Outcome : std::uint8_t { nothing, peer_finished, broken };

  Receiver(Ring& ring, SocketTable& sockets, EngineCounters& counters)
      : ring_(ring), sockets_(sockets), counters_(counters) {}

  void arm(std::uint32_t slot);
  void pause(std::uint32_t slot);
  void resume(std::uint32_t slot);

  Outcome completed(std::uint32_t slot, const Completion& completion);
  // The bytes of a socket that has ended: nobody reads them.
  void discard(const Completion& completion);

  std::span<const Received> received() const { return received_; }
  void give_back();

 private:
  void arm_later(std::uint32_t slot) { again_.push_back(slot); }

  Ring& ring_;
  SocketTable& sockets_;
  EngineCounters& counters_;
  std::vector<Received> received_;
  std::vector<std::uint16_t> lent_;   // buffers behind received_, and discarded ones
  std::vector<std::uint32_t> again_;  // sockets to arm once there are buffers
};

}  // namespace ringroom::engine
