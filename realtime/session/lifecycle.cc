#include "realtime/session/lifecycle.h"

#include <algorithm>
#include <array>
#include <utility>

#include "alloc/block.h"
#include "base/log.h"
#include "proto/frame.h"
#include "realtime/access/forwarded.h"
#include "realtime/bounds.h"
#include "realtime/session/connection_text.h"
#include "realtime/session/security_log.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

Counter* gauge_of(ShardCounters& counters, SessionState state) {
  switch (state) {
    case SessionState::connecting:
      return &counters.connections_connecting;
    case SessionState::connected:
      return &counters.connections_connected;
    case SessionState::authenticated:
      return &counters.connections_authenticated;
    case SessionState::draining:
      return &counters.connections_draining;
    case SessionState::closed:
      return nullptr;
  }
  return nullptr;
}

std::string_view name_of(SessionState state) {
  switch (state) {
    case SessionState::connecting:
      return "connecting";
    case SessionState::connected:
      return "connected";
    case SessionState::authenticated:
      return "authenticated";
    case SessionState::draining:
      return "draining";
    case SessionState::closed:
      return "closed";
  }
  return "";
}

// The timer's cookie names the socket; a timer that outlived it finds nobody.
std::uint64_t cookie_of(engine::SocketId socket) {
  return std::uint64_t(socket.generation) << 32 | socket.slot;
}

// A client that is told to come back may do so, and a page that is left (1001) may be loaded anew.
// A bare close() of a browser carries no code and is meant.
Membership::Ends ends_with(proto::CloseCode code) {
  const proto::CloseCodeRow* row = proto::find_close_code(code);
  const bool may_come_back = row != nullptr && row->come_back != proto::ComeBack::never &&
                             code != proto::CloseCode::no_status;
  return may_come_back ? Membership::Ends::for_now : Membership::Ends::for_good;
}

}  // namespace

void Lifecycle::change(Session& session, SessionState state) {
  if (Log::on(Log::Level::debug)) {
    const ConnectionText connection(shard_.connection_id(session));
    Log::line(Log::Level::debug, "connection",
              {{"conn", std::string_view(connection)},
               {"from", name_of(session.state)},
               {"to", name_of(state)}});
  }
  if (Counter* gauge = gauge_of(shard_.counters, session.state)) gauge->subtract();
  session.state = state;
  if (Counter* gauge = gauge_of(shard_.counters, state)) gauge->add();
}

void Lifecycle::arm(Session& session, std::uint64_t delay_ms) {
  shard_.outbox.cancel(session.timer);
  session.timer = shard_.outbox.arm(delay_ms, cookie_of(session.socket));
}

void Lifecycle::accepted(const engine::Accepted& accepted) {
  Session& session = shard_.sessions.open(accepted.socket);
  shard_.counters.connections_connecting.add();
  shard_.counters.connections_total.add();
  shard_.record(Happened::accepted, session);
  session.peer = accepted.peer;
  session.accepted_s = static_cast<std::uint32_t>(shard_.wall_ms / 1000);
  session.heard_ms = static_cast<std::uint32_t>(shard_.now_ms);
  session.exchange = std::make_unique<Exchange>();
  arm(session, shard_.config().hello_timeout_ms);
  shard_.admission.arrived(session);
  shard_.rate_limits.accepted(session);
  const Config& config = shard_.config();
  session.is_internal = accepted.listener == std::uint16_t(Entrance::admin);
  session.exchange->is_proxied =
      !session.is_internal && is_trusted(std::to_array(session.peer.ip), config.trusted_proxies);
  session.exchange->awaits_proxy_header =
      session.exchange->is_proxied && config.forwarded_by == ForwardedBy::proxy_protocol;
  // Last: the answer may close the session at once. A proxy's clients are counted when they are
  // known; whoever looks after the server is not.
  if (!session.exchange->is_proxied && !session.is_internal) shard_.quotas.ask_for_address(session);
}

void Lifecycle::upgraded(Session& session, SessionKind kind) {
  session.kind = kind;
  session.exchange.reset();
  shard_.counters.upgrades_total.add();
  shard_.record(Happened::upgraded, session);
  change(session, SessionState::connected);
  shard_.admission.arrived(session);
  // The hello timeout of the accept still runs: it covers the identity too.
}

void Lifecycle::authenticated(Session& session, ScopedName user) {
  shard_.admission.known();
  if (!user.empty()) shard_.sessions.attach(session, user);
  seen(session);
  shard_.record(Happened::identified, session);
  change(session, SessionState::authenticated);
  if (WorkspaceCounters* counters = shard_.node.counters_of(shard_.core, workspace_of(session)))
    counters->connections.add();
  await_silence(session, shard_.config().ping_interval_ms);
  if (session.is_internal) return;  // it takes no place of anybody's
  if (const auto over = shard_.rate_limits.connect_as_user(session)) {
    shard_.counters.rate_closes_total.add();
    log_security(shard_, session, SecurityEvent::limit_hit, over->sentence);
    if (session.kind == SessionKind::native)
      shard_.commands.refuse(session, proto::ErrorCode::rate_limited, {}, over->sentence,
                             over->retry_ms);
    return close(session, proto::CloseCode::rate);
  }
  // Last: their answers may close the session at once.
  shard_.quotas.ask_for_user(session);
  shard_.duplicates.enter(session);
}

// Until it must have been heard again, or its token ends, or it is to be told so, whichever comes
// first.
void Lifecycle::await_silence(Session& session, std::uint64_t delay_ms) {
  if (session.expires_s != 0) {
    std::uint64_t end_ms = std::uint64_t{1000} * session.expires_s;
    if (!session.knows_end) end_ms -= std::min(end_ms, shard_.config().token_expiring_ms);
    delay_ms = std::min(delay_ms, end_ms - std::min(end_ms, shard_.wall_ms) + 1);
  }
  arm(session, delay_ms);
}

void Lifecycle::granted_anew(Session& session) {
  await_silence(session, shard_.config().ping_interval_ms);
}

bool Lifecycle::has_outlived_token(Session& session) {
  if (session.expires_s == 0) return false;
  const std::uint64_t end_ms = std::uint64_t{1000} * session.expires_s;
  if (end_ms <= shard_.wall_ms) {
    shard_.counters.tokens_expired_total.add();
    close(session, proto::CloseCode::unauthorized,
          "the token has expired; come back with a fresh one");
    return true;
  }
  // Not before it was greeted: that is what a client hears first.
  if (!session.knows_end && !session.awaits_greeting &&
      end_ms <= shard_.wall_ms + shard_.config().token_expiring_ms) {
    session.knows_end = true;
    if (shard_.config().token_expiring_ms > 0)
      shard_.commands.tell_token_ends(session, end_ms - shard_.wall_ms);
  }
  return session.state == SessionState::draining;  // too slow to be told
}

void Lifecycle::withdraw(Session& session, Membership::Ends ends) {
  if (session.state == SessionState::authenticated)
    if (WorkspaceCounters* counters = shard_.node.counters_of(shard_.core, workspace_of(session)))
      counters->connections.subtract();
  shard_.admission.withdrawn(session);
  if (session.is_internal && session.kind == SessionKind::native) shard_.traces.unwatch(session);
  shard_.greetings.forget(session);
  shard_.orders.forget(session);
  shard_.patterns.leave_all(session);
  shard_.membership.leave_all(session, ends);
  shard_.room_places.forget(session);
  // Behind the rooms, which may still hand it something.
  shard_.deflate_contexts.close(session);
  shard_.event_filters.close(session);
  shard_.quotas.give_back(session);
  shard_.duplicates.leave(session);
  shard_.sessions.detach(session);
  shard_.live_rights.forget(shard_.connection_id(session));
  shard_.room_tokens.forget(session);
  shard_.outbox.cancel(session.timer);
  session.timer = engine::no_timer;
  session.messages.reset();
  if (session.exchange != nullptr) session.exchange->reader.reset();
}

void Lifecycle::close(Session& session, proto::CloseCode code, std::string_view reason) {
  if (session.state == SessionState::draining || session.state == SessionState::closed) return;
  if (session.kind == SessionKind::http) return close_http(session);
  if (reason.empty()) {
    if (const proto::CloseCodeRow* row = proto::find_close_code(code)) reason = row->meaning;
  }
  end(session, code, reason, engine::Outbox::Peer::may_still_send);
}

void Lifecycle::answer_close(Session& session, proto::CloseCode code) {
  if (session.state == SessionState::draining || session.state == SessionState::closed) return;
  end(session, code, {}, engine::Outbox::Peer::has_ended);
}

void Lifecycle::end(Session& session, proto::CloseCode code, std::string_view reason,
                    engine::Outbox::Peer peer) {
  alloc::BlockBuilder frame(shard_.heap);
  proto::append_close(frame, code, reason);
  shard_.record(Happened::closed, session, RoomId{0}, std::uint64_t(code));
  withdraw(session, ends_with(code));
  shard_.counters.disconnected(code);
  change(session, SessionState::draining);
  shard_.outbox.close(session.socket, frame.bytes(), peer);
}

void Lifecycle::close_http(Session& session) {
  if (session.state == SessionState::draining || session.state == SessionState::closed) return;
  withdraw(session, Membership::Ends::for_good);
  change(session, SessionState::draining);
  shard_.outbox.close(session.socket);
}

void Lifecycle::cut_off(Session& session) {
  if (session.state == SessionState::closed) return;
  if (session.state != SessionState::draining) {
    withdraw(session, Membership::Ends::for_now);
    if (session.kind != SessionKind::http) shard_.counters.disconnected(proto::CloseCode::abnormal);
    change(session, SessionState::draining);
  }
  shard_.outbox.abort(session.socket);
}

void Lifecycle::drop_slow(engine::SocketId socket) {
  Session* session = shard_.sessions.find(socket);
  if (session == nullptr || session->state == SessionState::draining) return;
  shard_.counters.slow_consumers_total.add();
  shard_.record(Happened::slow, *session);
  close(*session, proto::CloseCode::slow_consumer);
}

void Lifecycle::closed(engine::SocketId socket) {
  Session* session = shard_.sessions.find(socket);
  if (session == nullptr) return;
  shard_.record(Happened::ended, *session);
  if (session->kind != SessionKind::http) {
    if (session->state != SessionState::draining)
      shard_.counters.disconnected(proto::CloseCode::abnormal);
    const std::uint64_t now_s = shard_.wall_ms / 1'000;  // the clock may have been set back
    shard_.counters.connection_duration_us.add(
        1'000'000 * (now_s - std::min<std::uint64_t>(now_s, session->accepted_s)));
  }
  if (session->state != SessionState::draining) withdraw(*session, Membership::Ends::for_now);
  change(*session, SessionState::closed);
  shard_.sessions.close(*session);
}

void Lifecycle::heard(Session& session) {
  const auto now_ms = static_cast<std::uint32_t>(shard_.now_ms);
  const std::uint32_t before_ms = std::exchange(session.heard_ms, now_ms);
  if (session.awaits_pong) {
    session.awaits_pong = false;
    shard_.counters.ping_rtt_us.add(std::uint64_t{1'000} * (now_ms - before_ms));
  }
  // More often than any window of ActiveUsers has slices, and far less often than it speaks.
  if (((now_ms ^ before_ms) >> bounds::user_seen_ms_bits) != 0) seen(session);
}

void Lifecycle::seen(const Session& session) {
  if (session.user == nullptr) return;
  shard_.node.active_users[shard_.core.value]->seen(shard_.node.hash(session.user->name().text()),
                                                    shard_.wall_ms / 1'000);
}

void Lifecycle::await_request(Session& session) { arm(session, bounds::keep_alive_ms); }

void Lifecycle::fired(const engine::Fired& fired) {
  Session* session =
      shard_.sessions.find({.slot = static_cast<std::uint32_t>(fired.cookie),
                            .generation = static_cast<std::uint32_t>(fired.cookie >> 32)});
  if (session == nullptr || !(session->timer == fired.timer)) return;
  session->timer = engine::no_timer;
  switch (session->state) {
    case SessionState::connecting:
      if (session->exchange->is_waiting()) return arm(*session, bounds::keep_alive_ms);
      shard_.counters.hello_timeouts_total.add();
      return close_http(*session);
    case SessionState::connected:
      shard_.counters.hello_timeouts_total.add();
      return close(*session, proto::CloseCode::hello_timeout);
    case SessionState::authenticated:
      return check_alive(*session);
    case SessionState::draining:
    case SessionState::closed:
      return;
  }
}

void Lifecycle::check_alive(Session& session) {
  const Config& config = shard_.config();
  if (has_outlived_token(session)) return;
  // The clock's low bits wrap after 49 days; their difference does not.
  const std::uint32_t silent_ms = static_cast<std::uint32_t>(shard_.now_ms) - session.heard_ms;
  if (session.awaits_pong) {
    if (silent_ms < config.pong_timeout_ms)
      return await_silence(session, config.pong_timeout_ms - silent_ms);
    // Nothing came since the ping, not even TCP's own answer to a close would: no close frame.
    shard_.counters.pong_timeouts_total.add();
    return cut_off(session);
  }
  if (silent_ms < config.ping_interval_ms)
    return await_silence(session, config.ping_interval_ms - silent_ms);
  static constexpr std::byte ping[] = {std::byte{0x89}, std::byte{0}};
  shard_.counters.pings_total.add();
  if (shard_.outbox.write(session.socket, ping) == engine::Outbox::Send::over_limit)
    return drop_slow(session.socket);
  session.awaits_pong = true;
  // The time for the pong runs from here; if the token ends within it, so does the connection.
  session.heard_ms = static_cast<std::uint32_t>(shard_.now_ms);
  await_silence(session, config.pong_timeout_ms);
}

}  // namespace ringroom::realtime
