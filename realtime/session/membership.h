#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "realtime/letters.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// The session's side of being in rooms: asks the home of a room, keeps the subscription in step
// with the answer.
//
//   join()  --JoinRoom-->  home  --Joined-->  receive(): listens from here on
//   leave() --LeaveRoom--> home               (at once: nothing more is delivered)
class Membership {
 public:
  explicit Membership(Shard& shard) : shard_(shard) {}

  struct Request {
    std::string_view room;
    WireForm dialect;  // json or raw; compressed if the connection agreed to it
    Actions actions;   // what the session may do there; the caller has looked
    std::string_view correlation_id = {};
    bool wants_members = false;
    std::optional<proto::Position> recover = {};
    std::uint32_t history_limit = 0;
  };
  enum class Join : std::uint8_t { asked, already_joined, too_many_rooms, unavailable };
  Join join(Session& session, const Request& request);
  // False: it was not joined.
  bool leave(Session& session, RoomId room);
  // Because the connection ends.
  void leave_all(Session& session);

  // Ends a subscription that nobody asked to end, and says why.
  void expel(Session& session, RoomId room, std::string_view reason);

  void receive(const Joined& joined);
  // A refused join leaves no trace; the words to the client are the caller's.
  void receive(const Refused& refused);

 private:
  enum class Because : std::uint8_t { asked, connection_ended };
  void end(Session& session, Subscription& subscription, Because because);

  Shard& shard_;
};

}  // namespace ringroom::realtime
