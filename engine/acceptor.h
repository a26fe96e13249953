#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/counters.h"
#include "engine/ring.h"
#include "engine/socket_table.h"

namespace ringroom::engine {

// Accepts connections on the listeners of one core, as long as there are slots for them.
//
//   many --few slots left--> one at a time --none left--> paused --a slot is free--> ...
//
// An accept that finds the table full loses its connection, so accepting stops before that. The
// next connections wait in the kernel's backlog.
//
// Owner:  one core; it closes the listeners when accepting ends for good.
// Errors: refusals of the kernel are counted, and the next try waits (bounds.h).
class Acceptor {
 public:
  Acceptor(Ring& ring, SocketTable& sockets, EngineCounters& counters, std::vector<int> listeners);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Once per turn: arms or cancels what the number of free slots asks for.
  void tend(std::uint64_t now_ms);
  std::optional<std::uint64_t> retry_ms() const;  // tend() has to be called then

  void completed(std::uint32_t listener, const Completion& completion, std::uint64_t now_ms);
  void cancel_completed(std::uint32_t listener);
  std::uint32_t name_bytes(std::uint32_t listener) const;  // of a peer's address there

  void slot_freed() { retry_at_ms_ = 0; }
  void stop() { stopped_ = true; }

 private:
  enum class Armed : std::uint8_t { nothing, one, many };
  struct Listener {
    int fd;
    std::uint32_t name_bytes;
    Armed armed = Armed::nothing;
    bool cancelling = false;
  };

  Armed wanted(std::uint64_t now_ms);
  void tend(std::uint32_t index, Armed wanted);

  Ring& ring_;
  SocketTable& sockets_;
  EngineCounters& counters_;
  std::vector<Listener> listeners_;
  std::uint64_t retry_at_ms_ = 0;  // 0: nothing to wait for
  bool full_ = false;
  bool stopped_ = false;
};

}  // namespace ringroom::engine
