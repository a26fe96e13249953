#include "realtime/session/rights.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

using Kind = RightsChange::Kind;

bool contains(const std::vector<std::uint64_t>& permissions, std::uint64_t one) {
  return std::ranges::find(permissions, one) != permissions.end();
}

}  // namespace

GrantsRef Rights::apply(GrantsRef granted, ScopedName user, const ConnectionId& connection) {
  LiveRights::Change change = shard_.live_rights.of(user, connection, shard_.wall_ms / 1'000);
  if (change.empty() && !granted.is_changed()) return granted;
  std::vector<std::uint64_t> before = granted.granted_permissions();
  std::vector<std::uint64_t> held = before;
  held.insert(held.end(), change.allowed.begin(), change.allowed.end());
  // Who held all of them, in development, holds none then: there is no set of all but some.
  std::erase_if(held, [&](std::uint64_t each) {
    return contains(change.denied, each) ||
           (each == PermissionView::every && !change.denied.empty());
  });
  const bool is_changed = !change.empty();
  return GrantsRef({.grants = granted->changed(std::move(change.rooms)),
                    .mark = granted.mark(),
                    .permissions = PermissionHold(shard_.permission_sets, std::move(held)),
                    .granted = is_changed ? std::optional(std::move(before)) : std::nullopt,
                    .edition = next_edition()});
}

Session* Rights::find(const ConnectionId& connection) {
  Session* session =
      shard_.sessions.find({.slot = connection.slot, .generation = connection.generation});
  return session != nullptr && session->user != nullptr &&
                 session->state == SessionState::authenticated
             ? session
             : nullptr;
}

std::uint32_t Rights::renew(Session& session, std::string_view reason) {
  const GrantsRef before = session.grants.share();
  session.grants = apply(before.share(), session.user->name(), shard_.connection_id(session));
  shard_.patterns.review(session, reason);
  return shard_.membership.review(session, before, reason);
}

std::uint32_t Rights::close_all(ScopedName user) {
  std::uint32_t closed = 0;
  if (const User* here = shard_.sessions.find_user(user))
    shard_.sessions.for_each_of(*here, [&](Session& session) {
      if (session.state != SessionState::authenticated) return;
      shard_.lifecycle.close(session, proto::CloseCode::forbidden, "this user is blocked");
      ++closed;
    });
  shard_.counters.blocked_total.add(closed);
  const std::string own = std::string(personal_prefix).append(user.shown());
  const NameIn room(user.workspace(), own);
  if (shard_.node.home_of(shard_.node.room_id(room)) == shard_.core) shard_.rooms.take_from(room);
  return closed;
}

void Rights::receive(const RightsChange& item) {
  LiveRights::Order order{.kind = item.kind,
                          .user = item.user,
                          .connection = item.connection,
                          .rooms = {},
                          .allowed = PermissionView::of(item.allowed),
                          .denied = PermissionView::of(item.denied),
                          .until_s = item.until_s};
  each_line(item.rooms,
            [&](std::string_view line) { order.rooms.push_back(room_change_of(line)); });

  RightsChanged out{.asker = item.asker,
                    .number = item.number,
                    .connections = 0,
                    .closed = 0,
                    .left = 0,
                    .is_full = false};
  Session* one = item.connection == nobody ? nullptr : find(item.connection);
  if (one != nullptr && !(workspace_of(*one) == item.workspace)) one = nullptr;
  const bool is_known = item.connection == nobody || one != nullptr;
  out.is_full = is_known && !shard_.live_rights.take(order);
  const bool closes = item.kind == Kind::block && order.rooms.empty();
  const std::string_view reason = item.kind == Kind::block ? "blocked" : "forbidden";
  const auto change = [&](Session& session) {
    if (session.state != SessionState::authenticated) return;
    ++out.connections;
    out.left += renew(session, reason);
  };
  if (closes) {
    // Whether it is remembered or not: those who are here are not wanted.
    out.connections = out.closed = close_all(item.user);
  } else if (out.is_full) {
    // Nothing was changed.
  } else if (one != nullptr) {
    change(*one);
  } else if (const User* user = shard_.sessions.find_user(item.user)) {
    shard_.sessions.for_each_of(*user, change);
  }
  shard_.send(CoreId{item.asker.to.core}, out);
}

void Rights::expire() {
  shard_.live_rights.expire(shard_.wall_ms / 1'000,
                            [this](ScopedName name, const ConnectionId& connection) {
                              if (name.empty()) {
                                if (Session* session = find(connection))
                                  renew(*session, "forbidden");
                              } else if (const User* user = shard_.sessions.find_user(name)) {
                                shard_.sessions.for_each_of(*user, [this](Session& session) {
                                  if (session.state == SessionState::authenticated)
                                    renew(session, "forbidden");
                                });
                              }
                            });
}

}  // namespace ringroom::realtime
