#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "engine/counters.h"
#include "engine/socket.h"

namespace ringroom::engine {

// The sockets of one core, by slot. The kernel picks the slot when it accepts, because the slot is
// the index in the ring's file table; completions find their socket here.
//
// Owner:    one core.
// Lifetime: slots never move. A socket lives from open() to free().
class SocketTable {
 public:
  SocketTable(std::uint32_t sockets_max, EngineCounters& counters)
      : sockets_(sockets_max), peer_names_(sockets_max), counters_(counters) {}

  Socket& open(std::uint32_t slot, std::uint16_t listener) {
    Socket& socket = at(slot);
    RR_CHECK(socket.state == SocketState::free);
    RR_CHECK(socket.in_flight.empty());
    const std::uint32_t generation = socket.generation;
    socket = Socket{};
    socket.generation = generation;
    socket.listener = listener;
    socket.state = SocketState::opening;
    counters_.sockets_open.set(++open_);
    return socket;
  }

  void free(std::uint32_t slot) {
    Socket& socket = at(slot);
    RR_CHECK(socket.in_flight.empty());
    RR_CHECK(socket.first_piece == Socket::no_piece);
    socket.state = SocketState::free;
    socket.dirty = false;
    socket.generation = (socket.generation + 1) & Token::generation_max;
    counters_.sockets_open.set(--open_);
  }

  Socket& at(std::uint32_t slot) {
    RR_CHECK(slot < sockets_.size());
    return sockets_[slot];
  }

  // The socket a completion or an id speaks of, or nullptr when it has ended.
  Socket* find(std::uint32_t slot, std::uint32_t generation) {
    if (slot >= sockets_.size()) return nullptr;
    Socket& socket = sockets_[slot];
    const bool same = socket.generation == generation && socket.state != SocketState::free;
    return same ? &socket : nullptr;
  }

  SocketId id_of(std::uint32_t slot) { return {slot, at(slot).generation}; }

  // Where the kernel writes the name of the peer while the socket is opening.
  sockaddr_in6& peer_name(std::uint32_t slot) { return peer_names_[slot]; }

  std::uint32_t open_count() const { return open_; }
  std::uint32_t sockets_max() const { return static_cast<std::uint32_t>(sockets_.size()); }

 private:
  std::vector<Socket> sockets_;
  std::vector<sockaddr_in6> peer_names_;
  std::uint32_t open_ = 0;
  EngineCounters& counters_;
};

}  // namespace ringroom::engine
