#include "realtime/session/patterns.h"

#include <algorithm>
#include <utility>

#include "realtime/access/grants.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

std::uint64_t key_of(const Session& session) {
  return std::uint64_t(session.socket.generation) << 32 | session.socket.slot;
}

}  // namespace

const Patterns::List* Patterns::find(const Session& session) const {
  if (held_.empty()) return nullptr;
  const auto found = held_.find(key_of(session));
  return found == held_.end() ? nullptr : &found->second;
}

Patterns::Join Patterns::join(Session& session, std::string_view pattern,
                              std::string_view correlation_id) {
  const Config& config = shard_.config();
  const List* others = find(session);
  if (others != nullptr && std::ranges::find(*others, pattern, &Held::pattern) != others->end())
    return Join::already_joined;
  if ((others == nullptr ? 0 : others->size()) >= config.patterns_per_connection_max)
    return Join::too_many;
  if (count_ >= shard_.node.share_of_core(config.patterns_max)) return Join::too_many_in_all;
  for (std::uint16_t core = 0; core < shard_.node.cores; ++core)
    if (!shard_.accepts_mail(CoreId{core}, pattern.size())) return Join::unavailable;

  const std::uint32_t ticket = session.next_ticket++;
  held_[key_of(session)].push_back({.pattern = std::string(pattern),
                                    .correlation_id = std::string(correlation_id),
                                    .ticket = ticket,
                                    .waiting = shard_.node.cores});
  ++count_;
  shard_.counters.patterns.add();
  const NameIn name(workspace_of(session), pattern);
  shard_.send_to_all(JoinPattern{.pattern = name,
                                 .connection = shard_.connection_id(session),
                                 .ticket = ticket,
                                 .form = shard_.membership.form_of(session, session.dialect)});
  return Join::asked;
}

void Patterns::end(const Session& session, const Held& held) {
  --count_;
  shard_.counters.patterns.subtract();
  const NameIn name(workspace_of(session), held.pattern);
  shard_.send_to_all(LeavePattern{
      .pattern = name, .connection = shard_.connection_id(session), .ticket = held.ticket});
}

void Patterns::forget_if_empty(const Session& session) {
  const auto found = held_.find(key_of(session));
  if (found != held_.end() && found->second.empty()) held_.erase(found);
}

bool Patterns::leave(Session& session, std::string_view pattern) {
  const auto found = held_.find(key_of(session));
  if (found == held_.end()) return false;
  const auto place = std::ranges::find(found->second, pattern, &Held::pattern);
  if (place == found->second.end()) return false;
  const Held held = std::move(*place);
  found->second.erase(place);
  end(session, held);
  leave_rooms(session, held.pattern);
  forget_if_empty(session);
  return true;
}

// From the back: a subscription that ends is replaced by the last one, which has been looked at.
void Patterns::leave_rooms(Session& session, std::string_view pattern) {
  for (std::size_t i = session.subscriptions.size(); i-- > 0;) {
    const Subscription& each = session.subscriptions[i];
    const std::string_view name = each.audience->name.shown();
    if (each.by_pattern && !each.comes_by_name && matches(pattern, name) && !covers(session, name))
      shard_.membership.leave(session, each.audience->room);
  }
}

void Patterns::leave_all(const Session& session) {
  if (held_.empty()) return;
  const auto found = held_.find(key_of(session));
  if (found == held_.end()) return;
  const List list = std::move(found->second);
  held_.erase(found);
  for (const Held& held : list) end(session, held);
}

bool Patterns::holds(const Session& session, std::uint32_t ticket) const {
  const List* list = find(session);
  return list != nullptr && std::ranges::find(*list, ticket, &Held::ticket) != list->end();
}

bool Patterns::covers(const Session& session, std::string_view room) const {
  const List* list = find(session);
  return list != nullptr && std::ranges::any_of(*list, [room](const Held& held) {
           return matches(held.pattern, room);
         });
}

void Patterns::review(Session& session, std::string_view reason) {
  const List* list = find(session);
  if (list == nullptr) return;
  std::vector<std::string> lost;
  for (const Held& held : *list)
    if (!session.grants->over(held.pattern).has(Action::join)) lost.push_back(held.pattern);
  for (const std::string& pattern : lost)
    if (leave(session, pattern)) shard_.commands.left(session, pattern, reason);
}

void Patterns::end_at_limit(Session& session, std::string_view room) {
  const auto found = held_.find(key_of(session));
  if (found == held_.end()) return;
  List ended;
  std::erase_if(found->second, [&](Held& held) {
    if (!matches(held.pattern, room)) return false;
    ended.push_back(std::move(held));
    return true;
  });
  forget_if_empty(session);
  // Last: the words may be more than the client's queue takes, and end it.
  for (const Held& held : ended) end(session, held);
  for (const Held& held : ended) {
    if (session.state != SessionState::authenticated) return;
    shard_.counters.refused_limit_total.add();
    shard_.commands.left(session, held.pattern, "limit");
  }
}

void Patterns::receive(const PatternKnown& known) {
  Session* session =
      shard_.sessions.find({.slot = known.to.slot, .generation = known.to.generation});
  if (session == nullptr) return;
  const auto found = held_.find(key_of(*session));
  if (found == held_.end()) return;
  const auto held = std::ranges::find(found->second, known.ticket, &Held::ticket);
  if (held == found->second.end() || --held->waiting > 0 || held->correlation_id.empty()) return;
  const std::string correlation_id = std::exchange(held->correlation_id, {});
  const std::string pattern = held->pattern;
  shard_.commands.joined_pattern(*session, correlation_id, pattern);
}

}  // namespace ringroom::realtime
