#include "realtime/session/room_tokens.h"

#include <algorithm>
#include <utility>

#include "realtime/shard.h"

namespace ringroom::realtime {

Outcome<Identities::Refusal> RoomTokens::take(const Session& session, std::string_view room,
                                              std::string_view token) {
  const auto loan = shard_.identities.lend(session, room, token);
  if (!loan) return fail(loan.error());
  const RoomId id = shard_.node.room_id(NameIn(workspace_of(session), room));
  List& list = held_[key_of(session)];
  std::erase_if(list, [id](const Held& held) { return held.room == id; });
  list.push_back({.room = id, .name = std::string(room), .loan = *loan});
  due_s_ = std::min(due_s_, loan->until_s);
  return Done{};
}

Actions RoomTokens::in(const Session& session, std::string_view room) const {
  Actions out = actions_in(session, room);
  if (held_.empty()) return out;
  const auto list = held_.find(key_of(session));
  if (list == held_.end()) return out;
  const auto held = std::ranges::find(list->second, room, &Held::name);
  if (held != list->second.end())
    out.add(held->loan.actions.without(session.grants->denied_in(room)));
  return out;
}

void RoomTokens::forget(const Session& session, RoomId room) {
  if (held_.empty()) return;
  const auto list = held_.find(key_of(session));
  if (list == held_.end()) return;
  std::erase_if(list->second, [room](const Held& held) { return held.room == room; });
  if (list->second.empty()) held_.erase(list);
}

void RoomTokens::forget(const Session& session) {
  if (!held_.empty()) held_.erase(key_of(session));
}

void RoomTokens::drop(std::string_view reason, const auto& ends) {
  std::vector<engine::SocketId> changed;
  due_s_ = never_s;
  for (auto& [key, list] : held_) {
    const Session& session =
        shard_.sessions.at({.slot = static_cast<std::uint32_t>(key),
                            .generation = static_cast<std::uint32_t>(key >> 32)});
    if (std::erase_if(list, [&](const Held& held) { return ends(session, held); }) > 0)
      changed.push_back(session.socket);
    for (const Held& held : list) due_s_ = std::min(due_s_, held.loan.until_s);
  }
  std::erase_if(held_, [](const auto& each) { return each.second.empty(); });
  // Last: what ends with it changes the table.
  for (const engine::SocketId socket : changed)
    if (Session* session = shard_.sessions.find(socket);
        session != nullptr && session->state == SessionState::authenticated)
      shard_.membership.review(*session, session->grants.share(), reason);
}

void RoomTokens::expire() {
  const std::uint64_t now_s = shard_.wall_ms / 1'000;
  if (now_s < due_s_) return;
  drop("token_expired",
       [now_s](const Session&, const Held& held) { return held.loan.until_s <= now_s; });
}

void RoomTokens::revoke(const Revocations::Order& order) {
  if (held_.empty()) return;
  drop("revoked", [&](const Session& session, const Held& held) {
    return workspace_of(session) == order.workspace &&
           (order.kind != Revocations::Kind::user || session.user->id() == order.name) &&
           shard_.revocations.is_meant(order, held.loan.mark);
  });
}

}  // namespace ringroom::realtime
