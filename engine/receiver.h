#pragma once

#include <cstdint>
#include <optional>
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
// An armed receive takes 860 bytes of the kernel's memory, a poll 250, so a socket that is silent
// for long is only polled until there is something to receive:
//
//   armed --silent for one to two rounds--> cancelled --its end--> polled --something came--> armed
//
// Nothing can come between and be missed, for both look at the socket when they begin.
//
// Owner:    one core.
// Lifetime: received bytes are lent until give_back().
// Errors:   an end of input is an outcome of completed(). No buffers is never an end: the kernel
//           says the same when the ring is empty and the peer has finished.
class Receiver {
 public:
  enum class Outcome : std::uint8_t { nothing, peer_finished, broken };

  Receiver(Ring& ring, SocketTable& sockets, std::uint64_t rest_after_ms, EngineCounters& counters);

  void arm(std::uint32_t slot);
  void pause(std::uint32_t slot);
  void resume(std::uint32_t slot);

  Outcome completed(std::uint32_t slot, const Completion& completion);
  void readable(std::uint32_t slot);
  // The bytes of a socket that has ended: nobody reads them.
  void discard(const Completion& completion);

  std::span<const Received> received() const { return received_; }
  void give_back();

  // Once per turn: looks at a few sockets, one round over all of them takes rest_after_ms.
  void tend(std::uint64_t now_ms);
  std::optional<std::uint64_t> tend_ms() const;  // tend() has to be called then

 private:
  enum class Rest : std::uint8_t {
    no,      // something came since the last round
    nearly,  // nothing has
    yes      // is polled, or will be when its receive has ended
  };

  void rest_if_silent(std::uint32_t slot);
  void arm_later(std::uint32_t slot) { again_.push_back(slot); }

  Ring& ring_;
  SocketTable& sockets_;
  EngineCounters& counters_;
  std::vector<Received> received_;
  std::vector<std::uint16_t> lent_;   // buffers behind received_, and discarded ones
  std::vector<std::uint32_t> again_;  // sockets to arm once there are buffers

  std::vector<Rest> rests_;  // by slot
  std::uint64_t rest_after_ms_;
  std::uint64_t step_at_ms_ = 0;  // of the round; 0: no round is under way
  std::uint32_t next_slot_ = 0;   // to look at
  std::uint32_t slots_seen_ = 0;  // no socket had a higher slot
  bool round_needed_ = false;     // some socket may have to rest later
};

}  // namespace ringroom::engine
