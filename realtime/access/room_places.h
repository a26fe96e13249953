#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "realtime/letters.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// How many rooms a user may be in, by all of its connections on all cores (`rooms-per-user-max`):
// the user's home core counts, and a join goes to its room when that has said yes.
//
//   join()  --AcquireQuota--> home of the user --QuotaAnswer--> JoinRoom on its way, or refused
//   leave() --ReleaseQuota-->
//
// What the connection says in rooms meanwhile is kept behind the join and follows it, so that a
// client need not wait for its answers. Bounded: by the rooms of a connection, and in bytes.
//
// Owner: the core of the sessions.
class RoomPlaces {
 public:
  explicit RoomPlaces(Shard& shard) : shard_(shard) {}

  // Sends it to the home of the room: now, or when the user may be in one room more.
  void join(Session& session, const JoinRoom& join);
  // Of a session that awaits a place: Publish and UpdatePresence go behind its joins. False: so
  // much is kept already that it has to be refused.
  template <class Item>
  bool keep(const Session& session, const Item& item) {
    Letter& kept = waiting_.at(key_of(session.socket))->items;
    if (kept.items().size() >= items_max || kept.text_bytes() >= bytes_max()) return false;
    kept.add(item);
    return true;
  }
  // Of one that is in a room by a pattern already: asks, and takes it out of it again if the answer
  // is no.
  void ask(const Session& session, RoomId room, std::uint32_t ticket);
  // A subscription with a place ends.
  void leave(const Session& session);
  // The session ends.
  void forget(Session& session) {
    if (session.awaits_place) waiting_.erase(key_of(session.socket));
    session.awaits_place = false;
  }

  void receive(const QuotaAnswer& answer);

 private:
  static constexpr std::size_t items_max = 1'024;

  // Joins, and what came behind them; those before `next` are gone.
  struct Waiting {
    Letter items;
    std::size_t next = 0;
  };
  static std::uint64_t key_of(engine::SocketId socket) {
    return std::uint64_t(socket.generation) << 32 | socket.slot;
  }
  std::size_t bytes_max() const;
  std::uint64_t key_of_user(const Session& session) const;
  void expel(Session& session, RoomId room);
  void decide(const JoinRoom& join, bool granted);
  void go_on(const ConnectionId& speaker, Waiting& waiting);
  template <class Item>
  void pass_on(Session& session, const Item& item);

  Shard& shard_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Waiting>> waiting_;
};

}  // namespace ringroom::realtime
