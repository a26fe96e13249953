#include "realtime/access/duplicates.h"

#include "realtime/shard.h"

namespace ringroom::realtime {

bool Duplicates::concerns(const Session& session) const {
  return shard_.config().duplicate_sessions != DuplicateSessions::allow &&
         session.kind == SessionKind::native && session.user != nullptr;
}

std::uint64_t Duplicates::key_of(const Session& session) const {
  return shard_.node.hash(session.user->name().text());
}

void Duplicates::enter(const Session& session) {
  if (!concerns(session)) return;
  const std::uint64_t key = key_of(session);
  shard_.send(shard_.node.home_of(key), TakeSeat{.key = key, .to = shard_.connection_id(session)});
}

// Also by one that never got the place: letters keep their order, so its question is answered.
void Duplicates::leave(const Session& session) {
  if (!concerns(session)) return;
  const std::uint64_t key = key_of(session);
  shard_.send(shard_.node.home_of(key),
              LeaveSeat{.key = key, .from = shard_.connection_id(session)});
}

void Duplicates::receive(const TakeSeat& asked) {
  const Seats::Holder newcomer{.connection = asked.to, .ticket = 0};
  const Seats::Holder* holder = seats_.find(asked.key);
  if (holder == nullptr) return seats_.give(asked.key, newcomer);
  shard_.counters.duplicate_sessions_total.add();
  if (shard_.config().duplicate_sessions == DuplicateSessions::refuse)
    return shard_.send(CoreId{asked.to.core}, SeatLost{.to = asked.to, .was_refused = true});
  // The place first: the older one may be gone, or here and leave it at once.
  const ConnectionId older = holder->connection;
  seats_.give(asked.key, newcomer);
  shard_.send(CoreId{older.core}, SeatLost{.to = older, .was_refused = false});
}

void Duplicates::receive(const LeaveSeat& left) {
  seats_.leave(left.key, {.connection = left.from, .ticket = 0});
}

void Duplicates::receive(const SeatLost& lost) {
  Session* session = shard_.sessions.find({.slot = lost.to.slot, .generation = lost.to.generation});
  if (session == nullptr) return;
  shard_.lifecycle.close(*session, proto::CloseCode::replaced,
                         lost.was_refused
                             ? "this user is connected already and may be only once; end that first"
                             : "replaced: this user has connected anew");
}

}  // namespace ringroom::realtime
