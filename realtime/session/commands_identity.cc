#include <string>

#include "realtime/session/commands_reply.h"
#include "realtime/session/connection_text.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

// Who a client is: it says so, and is told that it is in service, and for how long.

namespace ringroom::realtime {

using proto::Command;
using proto::ErrorCode;

void Commands::greet(Session& session, std::string_view correlation_id,
                     std::span<const proto::RoomPosition> rooms) {
  const Config& config = shard_.config();
  reply(session,
        proto::ConnectionAck{
            .correlation_id = correlation_id,
            .connection_id = ConnectionText(shard_.connection_id(session)),
            .user_id = session.user->id(),
            .heartbeat_interval_s = static_cast<std::uint32_t>(config.ping_interval_ms / 1000),
            .max_message_bytes = config.message_bytes_max,
            .timestamp_ms = shard_.wall_ms,
            .rooms = rooms,
            .workspace_id = session.user->workspace().id(),
            .features_off = features_off_});
}

void Commands::connect(Session& session, const Command& command) {
  if (session.state == SessionState::authenticated)
    return refuse(session, ErrorCode::bad_request, command,
                  "this connection has said who it is; open another one for another identity");
  const auto identified = shard_.identities.identify(
      session, {.token = command.token, .user_id = command.user_id, .info = command.info});
  if (!identified) {
    refuse(session, identified.error().code, command, identified.error().message);
    return shard_.lifecycle.close(session, identified.error().close);
  }
  if (command.want_batches && session.dialect == WireForm::json &&
      !shard_.config().off.has(Feature::batches))
    session.dialect = WireForm::batched;
  shard_.greetings.begin(session, identified->zone, command.message_id, command.rooms);
}

void Commands::refresh_token(Session& session, const Command& command) {
  const auto refreshed = shard_.identities.refresh(session, command.token);
  if (!refreshed)
    return refuse(session, refreshed.error().code, command, refreshed.error().message);
  if (!command.message_id.empty()) reply(session, proto::Ack{.correlation_id = command.message_id});
}

void Commands::tell_token_ends(Session& session, std::uint64_t in_ms) {
  const std::string message = "your token ends in " + std::to_string((in_ms + 999) / 1'000) +
                              " s: send `refresh_token` with a fresh one";
  reply(session, proto::SystemMessage{
                     .code = "token_expiring", .message = message, .timestamp_ms = shard_.wall_ms});
}

void Commands::tell_reconnect(Session& session, std::uint64_t delay_ms, std::string_view reason) {
  reply(session, proto::Reconnect{.delay_ms = delay_ms, .reason = reason});
}

}  // namespace ringroom::realtime
