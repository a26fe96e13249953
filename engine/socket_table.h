#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "alloc/pages.h"
#include "base/check.h"
#include "engine/counters.h"
#include "engine/socket.h"

namespace ringroom::engine {

// The sockets of one core, by slot. The kernel picks the slot when it accepts, because the slot is
// the index in the ring's file table; completions find their socket here.
//
// Owner:    one core.
// Lifetime: slots never move. A socket lives from open() to free().
// Memory:   of slots that were used at some time; address space for the others.
class SocketTable {
 public:
  SocketTable(std::uint32_t sockets_max, EngineCounters& counters)
      : pages_(mapped(sockets_max)),
        sockets_(reinterpret_cast<Socket*>(pages_.bytes().data()), sockets_max),
        counters_(counters) {}

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
    RR_CHECK(socket.nothing_queued());
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

  // Where the kernel writes the name of the peer while the socket is opening: lent by lend, until
  // give_back. There are as many as ever were lent at one time.
  sockaddr_in6& lend_peer_name(std::uint32_t slot) {
    if (free_names_.empty()) {
      free_names_.push_back(static_cast<std::uint32_t>(peer_names_.size()));
      peer_names_.emplace_back();
    }
    at(slot).peer_name = free_names_.back();
    free_names_.pop_back();
    return peer_name(slot) = {};
  }
  sockaddr_in6& peer_name(std::uint32_t slot) { return peer_names_[at(slot).peer_name]; }
  void give_back_peer_name(std::uint32_t slot) { free_names_.push_back(at(slot).peer_name); }

  std::uint32_t open_count() const { return open_; }
  std::uint32_t sockets_max() const { return static_cast<std::uint32_t>(sockets_.size()); }

 private:
  static_assert(static_cast<int>(SocketState::free) == 0 && std::is_trivially_copyable_v<Socket> &&
                    std::is_trivially_destructible_v<Socket>,
                "a page of zeros is a page of free sockets");
  static alloc::Pages mapped(std::uint32_t sockets_max) {
    auto pages = alloc::Pages::map(sockets_max * sizeof(Socket));
    RR_CHECK(pages);  // no address space at start
    return std::move(*pages);
  }

  alloc::Pages pages_;
  std::span<Socket> sockets_;
  std::deque<sockaddr_in6> peer_names_;  // they stay where they are
  std::vector<std::uint32_t> free_names_;
  std::uint32_t open_ = 0;
  EngineCounters& counters_;
};

}  // namespace ringroom::engine
