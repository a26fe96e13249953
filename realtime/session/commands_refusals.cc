#include "realtime/session/commands_reply.h"
#include "realtime/session/security_log.h"
#include "realtime/shard.h"

// How the answer to a command is no.

namespace ringroom::realtime {

using proto::Command;
using proto::ErrorCode;

void Commands::refuse(Session& session, ErrorCode code, const Command& command,
                      std::string_view message, std::optional<std::uint64_t> retry_after_ms) {
  shard_.counters.refused(code);
  shard_.record(Happened::refused, session,
                command.room.empty()
                    ? RoomId{0}
                    : shard_.node.room_id(NameIn(workspace_of(session), command.room)),
                std::uint64_t(code));
  if (code == ErrorCode::forbidden)
    log_security(shard_, session, SecurityEvent::authz_refusal, message, command.room);
  reply(session, proto::Refusal{.code = code,
                                .correlation_id = command.message_id,
                                .room = command.room,
                                .message = message,
                                .retry_after_ms = retry_after_ms});
}

void Commands::receive(Session& session, const Refused& refused) {
  const RefusalRow& row = row_of(refused.reason);
  shard_.counters.refused(row.code);
  shard_.record(Happened::refused, session, refused.room, std::uint64_t(row.code));
  if (row.code == ErrorCode::forbidden)
    log_security(shard_, session, SecurityEvent::authz_refusal, row.sentence,
                 refused.room_name.shown());
  reply(session, proto::Refusal{.code = row.code,
                                .correlation_id = refused.correlation_id,
                                .room = refused.room_name.shown(),
                                .message = row.sentence,
                                .retry_after_ms = std::nullopt,
                                .version = refused.reason == RefusedBecause::conflict
                                               ? std::optional(refused.version)
                                               : std::nullopt});
}

bool Commands::is_within(Session& session, const Command& command,
                         const RateLimits::Verdict& verdict) {
  if (!verdict) return true;
  log_security(shard_, session, SecurityEvent::limit_hit, verdict->sentence, command.room);
  refuse(session, ErrorCode::rate_limited, command, verdict->sentence, verdict->retry_ms);
  if (session.state == SessionState::draining || !shard_.rate_limits.has_gone_too_far(session))
    return false;
  shard_.counters.rate_closes_total.add();
  shard_.lifecycle.close(session, proto::CloseCode::rate);
  return false;
}

void Commands::refuse_text(Session& session, const proto::DecodeError& error) {
  if (shard_.rate_limits.limits_commands()) {
    // What cannot be read is a message too.
    Command unread;
    unread.message_id = error.correlation_id;
    if (!is_within(session, unread, shard_.rate_limits.command(session, unread))) return;
  }
  shard_.counters.refused(error.code);
  shard_.record(Happened::refused, session, RoomId{0}, std::uint64_t(error.code));
  if (error.code != ErrorCode::invalid) {
    reply(session, proto::Refusal{.code = error.code,
                                  .correlation_id = error.correlation_id,
                                  .room = {},
                                  .message = error.message,
                                  .retry_after_ms = std::nullopt});
    return;
  }
  const proto::InvalidField field{.path = error.path, .message = error.message};
  reply(session,
        proto::Invalid{.correlation_id = error.correlation_id, .errors = std::span(&field, 1)});
}

}  // namespace ringroom::realtime
