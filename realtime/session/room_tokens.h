#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "realtime/access/revocations.h"
#include "realtime/session/identity.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// Tokens that connections have brought with a join (A3): what each adds to their rights in that
// room, for as long as they are in it and the token is good. Whoever takes something away by the
// API takes it from these too.
//
// Owner: one core. Bounded: one of each room that a connection is in.
class RoomTokens {
 public:
  explicit RoomTokens(Shard& shard) : shard_(shard) {}

  // Before the join, or while the session is in the room: then it takes the last one's place. On
  // refusal nothing has changed.
  Outcome<Identities::Refusal> take(const Session& session, std::string_view room,
                                    std::string_view token);
  // What the session may do in a room, by all that it has brought.
  Actions in(const Session& session, std::string_view room) const;

  // The session is not in the room any more, or in none.
  void forget(const Session& session, RoomId room);
  void forget(const Session& session);

  // Those that have ended lend nothing any more; to be asked often.
  void expire();
  // The same of those that are taken back.
  void revoke(const Revocations::Order& order);

  bool empty() const { return held_.empty(); }

 private:
  struct Held {
    RoomId room;
    std::string name;  // within the session's workspace
    Identities::Loan loan;
  };
  using List = std::vector<Held>;
  static std::uint64_t key_of(const Session& session) {
    return std::uint64_t(session.socket.generation) << 32 | session.socket.slot;
  }
  // Those for which `ends(session, held)` is true; rooms may end with them.
  void drop(std::string_view reason, const auto& ends);

  static constexpr std::uint64_t never_s = ~std::uint64_t{0};
  Shard& shard_;
  std::unordered_map<std::uint64_t, List> held_;  // by socket
  std::uint64_t due_s_ = never_s;                 // the first that ends
};

}  // namespace ringroom::realtime
