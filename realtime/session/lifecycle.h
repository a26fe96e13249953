#pragma once

#include <cstdint>
#include <string_view>

#include "engine/handler.h"
#include "engine/outbox.h"
#include "proto/close_code.h"
#include "realtime/session/membership.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// The steps of a connection's life, and the one timer each has: to say hello in time, then to be
// heard in time.
//
// Owner: one core. Every step is safe to ask for in any state; what is over stays over.
class Lifecycle {
 public:
  explicit Lifecycle(Shard& shard) : shard_(shard) {}

  void accepted(const engine::Accepted& accepted);
  // The WebSocket stands. The peer now has to say who it is, unless the kind needs nobody.
  void upgraded(Session& session, SessionKind kind);
  // In service from here, unless a limit on connections says otherwise: look at the state. An empty
  // name: anonymous.
  void authenticated(Session& session, ScopedName user);

  // Says why in a close frame, leaves every room now, and ends the connection after what is queued.
  void close(Session& session, proto::CloseCode code, std::string_view reason = {});
  // The same for a peer whose own close frame came: it sends nothing more.
  void answer_close(Session& session, proto::CloseCode code);
  // For a connection that is still HTTP: ends it after the answer that is queued.
  void close_http(Session& session);
  // With RST: what is queued for it is lost.
  void cut_off(Session& session);
  // Not read fast enough: closed with 4508, a code that means come back and recover.
  void drop_slow(engine::SocketId socket);
  void closed(engine::SocketId socket);

  // Its token has another end than before.
  void granted_anew(Session& session);

  void heard(Session& session);
  void fired(const engine::Fired& fired);
  // An HTTP connection between requests has this long to send the next.
  void await_request(Session& session);

 private:
  void change(Session& session, SessionState state);
  void seen(const Session& session);  // its user was here, for ActiveUsers
  void arm(Session& session, std::uint64_t delay_ms);
  void await_silence(Session& session, std::uint64_t delay_ms);
  void withdraw(Session& session, Membership::Ends ends);  // rooms, user, timer
  void end(Session& session, proto::CloseCode code, std::string_view reason,
           engine::Outbox::Peer peer);
  void check_alive(Session& session);
  // True: the token has ended, and with it the connection.
  bool has_outlived_token(Session& session);

  Shard& shard_;
};

}  // namespace ringroom::realtime
