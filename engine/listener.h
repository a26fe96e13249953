#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace ringroom::engine {

struct ListenerOptions {
  std::string address;  // a numeric IPv4 or IPv6 address; "" or "*": every address of the machine
  std::uint16_t port;   // 0: the kernel picks, Engine::ports() tells
  // Their protocol is one in which the server waits for the client's first bytes: the kernel hands
  // a connection over with them, and a silent one a moment after `defer_accept_s` (bounds.h).
  bool clients_speak_first = false;
};

enum class ListenStep : std::uint8_t { address, socket, bind, listen };
struct ListenError {
  ListenStep step;
  int error_number;
};

// The listening sockets of one address, one per core: the kernel spreads connections over them
// (SO_REUSEPORT). TCP_NODELAY and the bound on unsent bytes are set here, accepted sockets inherit
// them.
struct ListenGroup {
  std::vector<int> sockets;  // the caller's to close
  std::uint16_t port;
};

// A port in use is tried again with growing pauses until `retry_ms` have passed: a server that is
// being replaced needs a moment. In use means by anyone: another process of ours would be let in by
// SO_REUSEPORT and silently take half of the connections, so that is asked for first.
Result<ListenGroup, ListenError> listen_on(const ListenerOptions& options, std::uint32_t sockets,
                                           std::uint64_t retry_ms);

}  // namespace ringroom::engine
