#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/command.h"
#include "realtime/letters/membership.h"
#include "realtime/letters/refused.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// The beginning of service: `connection_ack`, which a client hears before anything else.
//
//   begin() --------------------------------------------------> connection_ack, rooms of `connect`
//   begin() --JoinRoom{user:<id>}--> its home --Joined--> receive(): connection_ack with the
//                                                         position there, what waited, rooms of
//                                                         `connect`
//
// The second way is that of a server with a namespace `user`. What the client says meanwhile is not
// looked at until it has been greeted, and the socket is paused, so what is held is no more than
// was on its way.
//
// Owner: one core.
class Greetings {
 public:
  explicit Greetings(Shard& shard) : shard_(shard) {}

  // The session has just been authenticated; `rooms` are what its `connect` asks for, `zone` is the
  // time zone of its token.
  void begin(Session& session, std::string_view zone, std::string_view correlation_id,
             std::span<const proto::RoomRequest> rooms);
  // Bytes that came before the greeting.
  void hold(Session& session, std::span<const std::byte> bytes);
  void receive(Session& session, const Joined& joined);
  // The room refused; no service without it, for what is meant for the client would not come.
  void receive(Session& session, const Refused& refused);
  // The session ends.
  void forget(Session& session);

 private:
  struct Request {
    std::string room, epoch;
    std::uint64_t sequence;
    bool recovers;
  };
  struct Waiting {
    std::string correlation_id;
    std::vector<Request> rooms;
    std::vector<std::byte> behind;
  };
  void go_on(Session& session);

  Shard& shard_;
  std::unordered_map<std::uint32_t, Waiting> waiting_;  // by the socket's slot
  bool is_asking_ = false;                              // inside begin(), which goes on by itself
};

}  // namespace ringroom::realtime
