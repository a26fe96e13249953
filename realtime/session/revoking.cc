#include "realtime/session/revoking.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

void Revoking::begin(const Asker& asker, const Revocations::Order& order) {
  const std::uint32_t number = next_++;
  gatherings_[number] = {
      .waiting = shard_.node.cores, .about = About::tokens, .of = std::string(order.name)};
  shard_.send_to_all(Revoke{.asker = asker,
                            .number = number,
                            .kind = static_cast<std::uint8_t>(order.kind),
                            .issued_before_s = order.issued_before_s,
                            .until_s = order.until_s,
                            .workspace = order.workspace,
                            .name = order.name});
}

void Revoking::begin(RightsChange change) {
  const bool is_of_user = change.connection == nobody;
  change.number = next_++;
  gatherings_[change.number] = {.waiting = is_of_user ? shard_.node.cores : 1,
                                .about = is_of_user ? About::user : About::connection,
                                .of = std::string(change.user.shown())};
  shard_.counters.rights_changes_total.add();
  if (is_of_user) return shard_.send_to_all(change);
  shard_.send(CoreId{change.connection.core}, change);
}

void Revoking::receive(const Revoke& item) {
  const Revocations::Order order{.kind = static_cast<Revocations::Kind>(item.kind),
                                 .workspace = item.workspace,
                                 .name = item.name,
                                 .issued_before_s = item.issued_before_s,
                                 .until_s = item.until_s};
  const bool remembered = shard_.revocations.add(order, shard_.wall_ms / 1'000);
  const std::uint32_t closed = close_those_meant(order);
  shard_.room_tokens.revoke(order);
  shard_.counters.revoked_total.add(closed);
  shard_.send(
      CoreId{item.asker.to.core},
      Revoked{
          .asker = item.asker, .number = item.number, .closed = closed, .is_full = !remembered});
}

std::uint32_t Revoking::close_those_meant(const Revocations::Order& order) {
  std::uint32_t closed = 0;
  const auto judge = [&](Session& session) {
    if (session.user == nullptr || session.state != SessionState::authenticated ||
        !(workspace_of(session) == order.workspace) ||
        !shard_.revocations.is_meant(order, session.grants.mark()))
      return;
    shard_.lifecycle.close(session, proto::CloseCode::unauthorized,
                           "the token was revoked; come back with a fresh one");
    ++closed;
  };
  if (order.kind != Revocations::Kind::user) {
    shard_.sessions.for_each(judge);
  } else if (const User* user = shard_.sessions.find_user(NameIn(order.workspace, order.name))) {
    shard_.sessions.for_each_of(*user, judge);
  }
  return closed;
}

void Revoking::receive(const Revoked& item) {
  gather(item.asker, item.number, {.closed = item.closed, .is_full = item.is_full});
}

void Revoking::receive(const RightsChanged& item) {
  gather(item.asker, item.number,
         {.connections = item.connections,
          .closed = item.closed,
          .left = item.left,
          .is_full = item.is_full});
}

void Revoking::gather(const Asker& asker, std::uint32_t number, const Gathering& part) {
  const auto found = gatherings_.find(number);
  RR_CHECK(found != gatherings_.end());  // each core that was asked answers once
  Gathering& gathering = found->second;
  gathering.connections += part.connections;
  gathering.closed += part.closed;
  gathering.left += part.left;
  gathering.is_full = gathering.is_full || part.is_full;
  if (--gathering.waiting > 0) return;
  Log::line(Log::Level::info, "security",
            {{"event", gathering.about == About::tokens ? "revocation" : "rights"},
             {"of", std::string_view(gathering.of)},
             {"closed", gathering.closed},
             {"left", gathering.left},
             {"remembered", !gathering.is_full}});
  const Gathering gathered = std::move(gathering);
  gatherings_.erase(found);  // the answer may let the next request begin
  answer(asker, gathered);
}

void Revoking::refuse_full(Session& session, const Asker& asker, const Gathering& gathered) {
  shard_.counters.refused_limit_total.add();
  shard_.exchanges.refuse(
      session, asker.exchange, proto::ErrorCode::unavailable,
      gathered.about == About::tokens
          ? "connections were closed, but the revocation is not remembered: as many are as may be; "
            "raise revocations-max, or say `expires`"
          : "this is not remembered, and nothing but connections of a blocked user was changed: as "
            "much is as may be; raise revocations-max, or say `expires`");
}

void Revoking::answer(const Asker& asker, const Gathering& gathered) {
  Session* session =
      shard_.sessions.find({.slot = asker.to.slot, .generation = asker.to.generation});
  if (session == nullptr || session->state == SessionState::draining) return;
  if (gathered.is_full) return refuse_full(*session, asker, gathered);
  if (gathered.about == About::connection && gathered.connections == 0)
    return shard_.exchanges.refuse(*session, asker.exchange, proto::ErrorCode::not_found,
                                   "there is no such connection now, or nobody is known there");
  char body[96];
  const int size =
      gathered.about == About::tokens
          ? std::snprintf(body, sizeof body, "{\"closed\":%u}\n", gathered.closed)
          : std::snprintf(body, sizeof body, "{\"connections\":%u,\"closed\":%u,\"left\":%u}\n",
                          gathered.connections, gathered.closed, gathered.left);
  shard_.exchanges.answer(*session, asker.exchange,
                          {.status = 200,
                           .content_type = "application/json",
                           .body = {body, static_cast<std::size_t>(size)}});
}

}  // namespace ringroom::realtime
