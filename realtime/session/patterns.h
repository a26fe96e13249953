#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "realtime/letters/reach.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// The session's side of listening to all rooms that match a pattern, now and later.
//
//   join()  --JoinPattern-->  every core: knows it from here on, and enters the connection into its
//                             rooms  --Joined(room_name)--> Membership   (also into later ones)
//                                    --PatternKnown-->  receive(): the ack, when all have
//   leave() --LeavePattern--> every core; what came by it alone is left
//
// A connection that would come into more rooms than it may be in loses the pattern, not the rooms
// it has: it is told once, and nobody goes on entering it.
//
// Owner: the core of the sessions. Bounded: by `patterns-per-connection-max`, and by this core's
//        share of `patterns-max`.
class Patterns {
 public:
  explicit Patterns(Shard& shard) : shard_(shard) {}

  enum class Join : std::uint8_t { asked, already_joined, too_many, too_many_in_all, unavailable };
  Join join(Session& session, std::string_view pattern, std::string_view correlation_id);
  // False: it was not joined.
  bool leave(Session& session, std::string_view pattern);
  // The connection ends; what it is in is left as always.
  void leave_all(const Session& session);

  // The session's rights have changed: patterns that they do not cover any more end, and what came
  // by them.
  void review(Session& session, std::string_view reason);

  bool holds(const Session& session, std::uint32_t ticket) const;
  bool covers(const Session& session, std::string_view room) const;
  // The room is one too many: all patterns that bring it end, and the client is told.
  void end_at_limit(Session& session, std::string_view room);

  void receive(const PatternKnown& known);

 private:
  struct Held {
    std::string pattern;
    std::string correlation_id;
    std::uint32_t ticket;
    std::uint32_t waiting;  // cores that have not entered it into all their rooms
  };
  using List = std::vector<Held>;
  const List* find(const Session& session) const;
  void end(const Session& session, const Held& held);
  void forget_if_empty(const Session& session);
  void leave_rooms(Session& session, std::string_view pattern);

  Shard& shard_;
  std::unordered_map<std::uint64_t, List> held_;  // by socket
  std::size_t count_ = 0;
};

}  // namespace ringroom::realtime
