#pragma once

#include <cstdint>

namespace ringroom::load {

// Who sits where: every room has the same seats, every connection has one. A seat is a number over
// all rooms; it is what a message carries as its publisher.
//
//   place in the room   0 ..         | ..      | .. seats() - 1
//                       publishers   | members | subscribers
//                       <--- senders() ------->
//                                     <--- listeners() -------->
//
// An echo is a room with one member; so are the connections of a storm.
// The last places of a room are its slow listeners, who pause in their reading; see pauses.h. One
// listener at least is not slow.
struct Seating {
  std::uint32_t rooms = 0;
  std::uint32_t publishers = 0;    // per room: only send
  std::uint32_t members = 0;       // per room: send, and hear everyone including themselves
  std::uint32_t subscribers = 0;   // per room: only hear
  std::uint32_t slow_percent = 0;  // of the listeners of all rooms together

  constexpr std::uint32_t senders() const { return publishers + members; }
  constexpr std::uint32_t listeners() const { return members + subscribers; }
  constexpr std::uint32_t seats() const { return publishers + members + subscribers; }
  constexpr std::uint64_t connections() const { return std::uint64_t{rooms} * seats(); }
  constexpr std::uint64_t pairs() const { return std::uint64_t{rooms} * senders() * listeners(); }

  // Of the room with this number over all rooms.
  constexpr std::uint32_t slow_listeners(std::uint32_t room) const {
    if (listeners() == 0) return 0;
    const auto up_to = [&](std::uint64_t count) {
      return count * listeners() * slow_percent / 100;
    };
    const auto slow = static_cast<std::uint32_t>(up_to(std::uint64_t{room} + 1) - up_to(room));
    return slow < listeners() ? slow : listeners() - 1;
  }

  constexpr bool sends(std::uint32_t place) const { return place < senders(); }
  constexpr bool hears(std::uint32_t place) const { return place >= publishers; }
};

}  // namespace ringroom::load
