#pragma once

#include <cstdint>

#include "base/check.h"

namespace ringroom::engine {

enum class Op : std::uint8_t {
  accept = 1,       // slot: listener
  cancel_accept,    // slot: listener
  wake,             // slot: unused
  receive,          // from here on, slot: socket
  peer_name,        //
  send,             // at once or not at all; silent when everything was taken
  send_parked,      // waits in the kernel for a slow reader
  shutdown,         //
  reset_on_close,   // SO_LINGER 0
  cancel_receive,   //
  readable,         // there is something to receive, or an end
  cancel_readable,  //
  cancel_send,      // of a parked one
  close,
};

// What io_uring carries for us in user_data, from submission to completion:
//
//   63      56 55                 32 31                                0
//   +---------+---------------------+----------------------------------+
//   |   op    |     generation      |               slot               |
//   +---------+---------------------+----------------------------------+
//
// No pointer crosses the kernel: a slot outlives its socket, and the generation proves that a
// completion belongs to the socket that lives there now.
struct Token {
  Op op;
  std::uint32_t generation;
  std::uint32_t slot;

  static constexpr std::uint32_t generation_max = (1u << 24) - 1;

  constexpr std::uint64_t pack() const {
    RR_CHECK(generation <= generation_max);
    return std::uint64_t(op) << 56 | std::uint64_t(generation) << 32 | slot;
  }
  static constexpr Token unpack(std::uint64_t user_data) {
    return {.op = Op(user_data >> 56),
            .generation = std::uint32_t(user_data >> 32) & generation_max,
            .slot = std::uint32_t(user_data)};
  }
  bool operator==(const Token&) const = default;
};

static_assert(Token::unpack(Token{Op::send, 7, 42}.pack()) == Token{Op::send, 7, 42});

}  // namespace ringroom::engine
