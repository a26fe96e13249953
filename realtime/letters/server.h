#pragma once

#include <cstdint>
#include <string_view>

#include "proto/command.h"
#include "realtime/connection_id.h"

namespace ringroom::realtime {

// The server itself: how its cores fare, what they remember of their events, and what it says of
// its own accord.

// How a core fares, asked of it by letter: whoever answers late is late for everybody.
struct AskHealth {
  ConnectionId to;
  std::uint32_t number;
  std::uint64_t asked_us;  // monotonic
  void each_text(auto&&) {}
};
struct HealthTold {
  std::uint32_t number;
  std::uint16_t core;
  std::uint64_t lag_us;      // from the question to the turn's look at it
  std::uint64_t turn_us;     // since that turn began
  std::uint64_t mail_bytes;  // texts on their way from it, to the core that has most of them
  std::uint64_t sessions;
  void each_text(auto&&) {}
};

// Whose events are looked for in the flight recorders.
struct FlightSubject {
  enum class Kind : std::uint8_t { connection, user, room };
  Kind kind = Kind::connection;
  ConnectionId connection = nobody;
  std::uint64_t hash = 0;  // of the user's id, or the RoomId
};

// Asked of every core; each answers with TraceRead, in one turn or in some.
struct ReadTrace {
  Asker asker;
  std::uint32_t number;  // of the asker's core
  std::uint32_t limit;
  std::uint64_t wall_offset_us;  // to be added to a monotonic time
  FlightSubject subject;
  void each_text(auto&&) {}
};
struct TraceRead {
  std::uint32_t number;
  std::uint16_t core;
  std::string_view lines;  // a JSON object each, the oldest first
  void each_text(auto&& f) { f(lines); }
};
// From here on, or no more.
struct WatchTrace {
  ConnectionId watcher;
  bool on;
  FlightSubject subject = {};
  void each_text(auto&&) {}
};

// Said to all who hear the server's own numbers.
struct AdminAlert {
  std::string_view payload;  // a JSON object
  proto::Priority priority;
  void each_text(auto&& f) { f(payload); }
};

}  // namespace ringroom::realtime
