#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "realtime/access/grants.h"
#include "realtime/access/permissions.h"
#include "realtime/letters/rights.h"

namespace ringroom::realtime {

struct Node;

// What the server API has said of the rights of users, and of single connections, beside their
// tokens (A5): that somebody is blocked, in all or in some rooms, and what is granted or denied in
// addition.
//
// Each core has all of it about users, so that a handshake asks nobody. In memory only, until a
// time: after a restart the backend says it again.
//
// Owner:   one core.
// Bounded: users by revocations-max; one more is refused. Of
//          one user: room_changes_max. Of connections: by those that are open.
class LiveRights {
 public:
  explicit LiveRights(const Node& node) : node_(node) {}

  static constexpr std::size_t room_changes_max = 256;

  // One call of the API. Views.
  struct Order {
    RightsChange::Kind kind;
    ScopedName user;          // or else
    ConnectionId connection;  // of this core
    std::vector<RoomChange> rooms;
    PermissionView allowed, denied;
    std::uint64_t until_s;
  };
  // False: as much as may be is remembered.
  bool take(const Order& order);

  bool is_blocked(ScopedName user, std::uint64_t now_s) const;
  struct Change {
    std::vector<RoomChange> rooms;
    std::vector<std::uint64_t> allowed, denied;  // permissions
    bool empty() const { return rooms.empty() && allowed.empty() && denied.empty(); }
  };
  // Of a connection of that user, now.
  Change of(ScopedName user, const ConnectionId& connection, std::uint64_t now_s) const;
  // The connection has ended.
  void forget(const ConnectionId& connection);

  // Whose time has passed since this was asked last: f(user, nobody) or f({}, connection). What is
  // over is forgotten.
  void expire(std::uint64_t now_s, auto&& f);

  bool empty() const { return users_.empty() && connections_.empty(); }
  std::size_t size() const { return users_.size(); }

 private:
  struct Entry {
    OwnedName user;  // empty: of a connection
    std::uint64_t blocked_until_s = 0;
    std::vector<RoomChange> blocked_rooms;  // each with its time
    // The last word of POST /api/grants.
    std::vector<RoomChange> rooms;
    std::vector<std::uint64_t> allowed, denied;
    std::uint64_t granted_until_s = 0;

    bool is_over() const {
      return blocked_until_s == 0 && blocked_rooms.empty() && granted_until_s == 0;
    }
  };
  using Entries = std::unordered_map<std::uint64_t, Entry>;
  static void apply(Entry& entry, const Order& order);
  // True: something was.
  static bool drop_what_is_over(Entry& entry, std::uint64_t now_s);
  static void add(const Entry& entry, std::uint64_t now_s, Change& to);
  std::uint64_t key_of(ScopedName user) const;
  static std::uint64_t key_of(const ConnectionId& connection) {
    return std::uint64_t(connection.generation) << 32 | connection.slot;
  }
  static ConnectionId connection_of(std::uint64_t key) {
    return {0, static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  }
  void await(std::uint64_t until_s) { due_s_ = std::min(due_s_, until_s); }

  static constexpr std::uint64_t never_s = ~std::uint64_t{0};
  const Node& node_;
  Entries users_, connections_;    // by key_of()
  std::uint64_t due_s_ = never_s;  // the first that will be over
};

void LiveRights::expire(std::uint64_t now_s, auto&& f) {
  if (now_s < due_s_) return;
  due_s_ = never_s;
  struct Changed {
    OwnedName user;
    ConnectionId connection;
  };
  std::vector<Changed> changed;
  for (Entries* entries : {&users_, &connections_}) {
    for (auto& [key, entry] : *entries) {
      if (drop_what_is_over(entry, now_s))
        changed.push_back(
            {entry.user, ScopedName(entry.user).empty() ? connection_of(key) : nobody});
      if (entry.blocked_until_s != 0) await(entry.blocked_until_s);
      if (entry.granted_until_s != 0) await(entry.granted_until_s);
      for (const RoomChange& blocked : entry.blocked_rooms) await(blocked.until_s);
    }
    std::erase_if(*entries, [](const auto& each) { return each.second.is_over(); });
  }
  // Last: whoever is told may end connections, and with them what is known of those.
  for (const Changed& each : changed) f(ScopedName(each.user), each.connection);
}

}  // namespace ringroom::realtime
