#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/id.h"

namespace ringroom::engine {

class Outbox;  // outbox.h: everything a turn wants done

// A connection of this core. The generation tells a connection from the next one in its slot.
struct SocketId {
  std::uint32_t slot;
  std::uint32_t generation;
  bool operator==(const SocketId&) const = default;
};

struct TimerId {
  std::uint32_t slot;
  std::uint32_t generation;
  bool operator==(const TimerId&) const = default;
};
inline constexpr TimerId no_timer{0xffff'ffff, 0};

enum class CloseCause : std::uint8_t {
  peer,   // the peer ended its side (FIN)
  reset,  // the connection broke: RST, timeout, no route
  local,  // Outbox::close or abort, completed
};

// What a product sends between cores; the engine only carries it. A letter belongs to its sender
// again when the receiver hands it back in a letter or return queue of the product's own.
struct Letter {
  CoreId from{};
};

// IPv4 is held as an IPv4-mapped IPv6 address; all zero means unknown.
struct PeerAddress {
  std::uint8_t ip[16];
  std::uint16_t port;  // host order
};

struct Accepted {
  SocketId socket;
  std::uint16_t listener;  // index in EngineOptions::listeners
  PeerAddress peer;
};
struct Received {
  SocketId socket;
  std::span<std::byte> bytes;  // never empty; may be changed in place
};
struct Fired {
  TimerId timer;
  std::uint64_t cookie;  // as given to Outbox::arm
};
struct Closed {
  SocketId socket;
  CloseCause cause;
};

// Everything that happened on this core since the last turn, in the order to read it in.
// Spans, and the bytes behind them, are lent until on_turn() returns. 64 bytes behind every
// received span can be read (not used): parsers with wide loads need that.
struct Inbox {
  std::uint64_t now_ns;  // monotonic, read once per turn
  std::uint64_t now_ms;  // the same
  bool stopping;         // Engine::stop was called: finish what you have, then Outbox::finished
  std::span<const Accepted> accepted;
  std::span<const Received> received;
  std::span<Letter* const> letters;
  std::span<const Fired> fired;
  std::span<const SocketId> drained;  // as asked for with Outbox::tell_when_drained
  std::span<const Closed> closed;     // last: a socket's bytes come before its end
};

// What runs on a core. One virtual call per turn, whatever the number of events in it.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void on_turn(const Inbox& inbox, Outbox& outbox) = 0;
};

}  // namespace ringroom::engine
