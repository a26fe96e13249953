#include "realtime/access/live_rights.h"

#include <algorithm>

#include "realtime/node.h"

namespace ringroom::realtime {

using Kind = RightsChange::Kind;

std::uint64_t LiveRights::key_of(ScopedName user) const { return node_.hash(user.text()); }

void LiveRights::apply(Entry& entry, const Order& order) {
  const auto is_named = [&order](const RoomChange& blocked) {
    return order.rooms.empty() || std::ranges::find(order.rooms, blocked.pattern,
                                                    &RoomChange::pattern) != order.rooms.end();
  };
  switch (order.kind) {
    case Kind::block:
      if (order.rooms.empty()) entry.blocked_until_s = order.until_s;
      std::erase_if(entry.blocked_rooms, [&](const RoomChange& blocked) {
        return !order.rooms.empty() && is_named(blocked);
      });
      for (const RoomChange& room : order.rooms)
        entry.blocked_rooms.push_back({.pattern = room.pattern,
                                       .allowed = {},
                                       .denied = Actions::all(),
                                       .until_s = order.until_s});
      return;
    case Kind::unblock:
      if (order.rooms.empty()) entry.blocked_until_s = 0;
      std::erase_if(entry.blocked_rooms, is_named);
      return;
    case Kind::grant:
      entry.rooms = order.rooms;
      entry.allowed = order.allowed.list();
      entry.denied = order.denied.list();
      entry.granted_until_s =
          entry.rooms.empty() && entry.allowed.empty() && entry.denied.empty() ? 0 : order.until_s;
      return;
  }
}

bool LiveRights::take(const Order& order) {
  const bool is_of_user = order.connection == nobody;
  Entries& entries = is_of_user ? users_ : connections_;
  const std::uint64_t key = is_of_user ? key_of(order.user) : key_of(order.connection);
  if (order.kind == Kind::unblock && !entries.contains(key)) return true;
  // What is over is gone by now: expire() has been asked a moment ago.
  if (!entries.contains(key) && entries.size() >= node_.config.revocations_max) return false;
  Entry changed = entries[key];
  changed.user = OwnedName(order.user);
  apply(changed, order);
  if (changed.blocked_rooms.size() + changed.rooms.size() > room_changes_max) {
    if (entries[key].is_over()) entries.erase(key);
    return false;
  }
  await(order.until_s);
  if (changed.is_over()) {
    entries.erase(key);
  } else {
    entries[key] = std::move(changed);
  }
  return true;
}

bool LiveRights::drop_what_is_over(Entry& entry, std::uint64_t now_s) {
  bool was_over = false;
  if (entry.blocked_until_s != 0 && entry.blocked_until_s <= now_s) {
    entry.blocked_until_s = 0;
    was_over = true;
  }
  if (entry.granted_until_s != 0 && entry.granted_until_s <= now_s) {
    entry.granted_until_s = 0;
    entry.rooms.clear();
    entry.allowed.clear();
    entry.denied.clear();
    was_over = true;
  }
  return std::erase_if(entry.blocked_rooms,
                       [now_s](const RoomChange& each) { return each.until_s <= now_s; }) > 0 ||
         was_over;
}

bool LiveRights::is_blocked(ScopedName user, std::uint64_t now_s) const {
  if (users_.empty()) return false;
  const auto found = users_.find(key_of(user));
  return found != users_.end() && found->second.blocked_until_s > now_s;
}

void LiveRights::add(const Entry& entry, std::uint64_t now_s, Change& to) {
  for (const RoomChange& blocked : entry.blocked_rooms)
    if (blocked.until_s > now_s) to.rooms.push_back(blocked);
  if (entry.granted_until_s <= now_s) return;
  to.rooms.insert(to.rooms.end(), entry.rooms.begin(), entry.rooms.end());
  to.allowed.insert(to.allowed.end(), entry.allowed.begin(), entry.allowed.end());
  to.denied.insert(to.denied.end(), entry.denied.begin(), entry.denied.end());
}

LiveRights::Change LiveRights::of(ScopedName user, const ConnectionId& connection,
                                  std::uint64_t now_s) const {
  Change out;
  if (empty()) return out;
  if (const auto found = users_.find(key_of(user)); found != users_.end())
    add(found->second, now_s, out);
  if (const auto found = connections_.find(key_of(connection)); found != connections_.end())
    add(found->second, now_s, out);
  return out;
}

void LiveRights::forget(const ConnectionId& connection) {
  if (!connections_.empty()) connections_.erase(key_of(connection));
}

}  // namespace ringroom::realtime
