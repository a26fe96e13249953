#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "realtime/letters/membership.h"
#include "realtime/letters/refused.h"
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
    ScopedName room;
    WireForm dialect;  // a plain form; compressed if the connection agreed to it
    Actions actions;   // what the session may do there; the caller has looked
    std::string_view correlation_id = {};
    bool wants_members = false;
    std::optional<proto::Position> recover = {};
    std::uint32_t history_limit = 0;
    std::string_view info = {};  // what the user says of itself; empty: what the session has
    bool greets = false;         // asked by Greetings, which gets the answer
    std::string_view zone = {};  // with it: of the user; empty: not known
    bool by_server = false;      // a backend asks, not the client: it stays whatever is granted
  };
  enum class Join : std::uint8_t { asked, already_joined, too_many_rooms, unavailable };
  Join join(Session& session, const Request& request);
  // False: it was not joined.
  bool leave(Session& session, RoomId room);
  // Because the connection ends: for good, or its client may come back.
  enum class Ends : std::uint8_t { for_good, for_now };
  void leave_all(Session& session, Ends ends);

  // Ends a subscription that nobody asked to end, and says why.
  void expel(Session& session, RoomId room, std::string_view reason);

  // The session's rights have changed from what they were `before`: rooms that it may not be in any
  // more end, in the others it may do and hear what it may now. Returns how many ended.
  std::uint32_t review(Session& session, const GrantsRef& before, std::string_view reason);
  // What batches the session takes, in its dialect.
  WireForm form_of(const Session& session, WireForm dialect) const;

  void receive(const Joined& joined);
  // A refused join leaves no trace; the words to the client are the caller's.
  void receive(const Refused& refused);
  void receive(const Unseat& unseat);

 private:
  // The room came by a pattern: the session's part of the subscription is made now.
  void enter_by_pattern(const Joined& joined);
  // What the room answered was asked for with more rights than there are now.
  void withdraw(Session& session, const Joined& joined);
  // The room counts this join, and it has found nobody.
  void undo(const Joined& joined, bool is_broken);
  void end(Session& session, Subscription& subscription, Ends ends);

  Shard& shard_;
};

}  // namespace ringroom::realtime
