#pragma once

#include <cstdint>

namespace ringroom::realtime {

// A connection anywhere in this process: where an answer goes.
struct ConnectionId {
  std::uint16_t core;
  std::uint32_t slot;
  std::uint32_t generation;
  bool operator==(const ConnectionId&) const = default;
};
inline constexpr ConnectionId nobody{0xffff, 0, 0};

// Who wants to know something: a client by its correlation_id, or an HTTP request.
struct Asker {
  ConnectionId to;
  std::uint32_t exchange;  // of an HTTP request; 0: a client asks
};

}  // namespace ringroom::realtime
