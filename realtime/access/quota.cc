#include "realtime/access/quota.h"

#include <array>
#include <cstring>
#include <string>

#include "base/check.h"
#include "realtime/session/security_log.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

void Quotas::ask(Session& session, std::uint64_t key, std::uint64_t limit) {
  shard_.send(shard_.node.home_of(key), AcquireQuota{.key = key,
                                                     .to = shard_.connection_id(session),
                                                     .limit = static_cast<std::uint32_t>(limit)});
}

std::uint64_t Quotas::key_of_address(const Session& session) const {
  const Ip ip = subscriber_of(std::to_array(session.peer.ip));
  char name[1 + sizeof ip] = {'a'};
  std::memcpy(name + 1, ip.data(), sizeof ip);
  return shard_.node.hash({name, sizeof name});
}

std::uint64_t Quotas::key_of_user(const Session& session) const {
  return shard_.node.hash(std::string("u").append(session.user->name().text()));
}

std::uint64_t Quotas::key_of_workspace(const Session& session) const {
  return shard_.node.hash(std::string("w").append(workspace_of(session).id()));
}

void Quotas::ask_for_address(Session& session) {
  const std::uint64_t limit = shard_.config().connections_per_address_max;
  if (limit != 0) ask(session, key_of_address(session), limit);
}

void Quotas::ask_for_user(Session& session) {
  const Config& config = shard_.config();
  if (config.connections_per_user_max != 0 && session.user != nullptr)
    ask(session, key_of_user(session), config.connections_per_user_max);
  // The first answer may have ended it.
  if (config.connections_per_workspace_max != 0 && session.state == SessionState::authenticated)
    ask(session, key_of_workspace(session), config.connections_per_workspace_max);
}

// Keys are made anew rather than kept: 16 bytes in every session, for a hash at its end.
void Quotas::give_back(Session& session) {
  const auto release = [this](std::uint64_t key) {
    shard_.send(shard_.node.home_of(key), ReleaseQuota{.key = key});
  };
  if (session.counts_for_address) release(key_of_address(session));
  if (session.counts_for_user) release(key_of_user(session));
  if (session.counts_for_workspace) release(key_of_workspace(session));
  session.counts_for_address = session.counts_for_user = session.counts_for_workspace = false;
}

void Quotas::receive(const AcquireQuota& asked) {
  std::uint32_t& count = counts_[asked.key];
  const bool granted = count < asked.limit;
  if (granted) ++count;
  shard_.send(CoreId{asked.to.core}, QuotaAnswer{.to = asked.to,
                                                 .key = asked.key,
                                                 .room = asked.room,
                                                 .ticket = asked.ticket,
                                                 .granted = granted});
}

void Quotas::receive(const QuotaAnswer& answer) {
  if (answer.ticket != 0) return shard_.room_places.receive(answer);
  Session* session =
      shard_.sessions.find({.slot = answer.to.slot, .generation = answer.to.generation});
  const bool is_there = session != nullptr && session->state != SessionState::draining;
  if (!answer.granted) {
    if (!is_there) return;
    shard_.counters.refused_limit_total.add();
    log_security(shard_, *session, SecurityEvent::limit_hit,
                 "as many connections as a user or address may have");
    if (session->kind != SessionKind::http)
      return shard_.lifecycle.close(
          *session, proto::CloseCode::limit,
          "this user, workspace or address has as many connections as it may; close another first");
    return shard_.exchanges.refuse(
        *session, 503, "rate_limited",
        "this address has as many connections as it may; close another first", {}, true);
  }
  if (is_there) {
    if (answer.key == key_of_address(*session)) {
      session->counts_for_address = true;
    } else if (answer.key == key_of_workspace(*session)) {
      session->counts_for_workspace = true;
    } else {
      RR_CHECK(session->user != nullptr && answer.key == key_of_user(*session));
      session->counts_for_user = true;
    }
  } else {
    shard_.send(shard_.node.home_of(answer.key), ReleaseQuota{.key = answer.key});
  }
}

void Quotas::receive(const ReleaseQuota& released) {
  const auto found = counts_.find(released.key);
  RR_CHECK(found != counts_.end());
  if (--found->second == 0) counts_.erase(found);
}

}  // namespace ringroom::realtime
