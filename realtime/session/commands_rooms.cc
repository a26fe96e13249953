#include "realtime/session/commands_reply.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

// Rooms and patterns that a client goes into, and leaves.

namespace ringroom::realtime {

using proto::Command;
using proto::CommandKind;
using proto::ErrorCode;

namespace {

// A star in the user's own id makes no pattern of its room.
bool is_pattern_for(const Session& session, std::string_view room) {
  return has_star(room) && (session.user == nullptr || !is_personal_of(room, session.user->id()));
}

}  // namespace

void Commands::join_all(Session& session, std::string_view correlation_id,
                        std::span<const proto::RoomRequest> rooms) {
  Command connect;
  connect.kind = CommandKind::connect;
  connect.type = "connect";
  connect.message_id = correlation_id;
  for (const proto::RoomRequest& request : rooms) {
    if (session.state != SessionState::authenticated) return;  // a limit ended it meanwhile
    join(session, request.room, connect, request.recover);
  }
}

void Commands::join_room(Session& session, const Command& command) {
  if (command.token.empty()) return join(session, command.room, command, command.recover);
  const RoomId room = shard_.node.room_id(NameIn(workspace_of(session), command.room));
  const auto taken = shard_.room_tokens.take(session, command.room, command.token);
  if (!taken) return refuse(session, taken.error().code, command, taken.error().message);
  if (session.find(room) == nullptr) {
    join(session, command.room, command, command.recover);
    if (session.find(room) == nullptr) shard_.room_tokens.forget(session, room);
    return;
  }
  // It is there already, and goes on with this token.
  shard_.membership.review(session, session.grants.share(), "forbidden");
  if (!command.message_id.empty())
    reply(session, proto::Ack{.correlation_id = command.message_id, .room = command.room});
}

bool Commands::may_join_now(Session& session, const Command& about, Admission::Who who) {
  if (!is_within(session, about, shard_.rate_limits.join(session))) return false;
  const std::uint64_t retry_ms = shard_.admission.join(who);
  if (retry_ms == 0) return true;
  refuse(session, ErrorCode::rate_limited, about,
         "more joins at once than this server takes; try again after retry_after", retry_ms);
  return false;
}

void Commands::join(Session& session, std::string_view room, const Command& command,
                    const std::optional<proto::Position>& recover) {
  Command about = command;
  about.room = room;
  if (is_pattern_for(session, room)) return join_pattern(session, about, recover.has_value());
  const Actions actions = shard_.room_tokens.in(session, room);
  if (!actions.has(Action::join))
    return refuse(session, ErrorCode::forbidden, about, refusal_of(Action::join, room));
  if (command.want_members && !actions.has(Action::presence))
    return refuse(session, ErrorCode::forbidden, about, refusal_of(Action::presence, room));
  // To recover is to hear what one would have heard; to look further back is a right of its own.
  if (command.history_limit > 0 && !actions.has(Action::history))
    return refuse(session, ErrorCode::forbidden, about, refusal_of(Action::history, room));
  if (!may_join_now(session, about, recover ? Admission::Who::returning : Admission::Who::stranger))
    return;
  const NameIn name(workspace_of(session), room);
  switch (shard_.membership.join(
      session,
      {.room = name,
       .dialect = session.dialect,
       .actions = actions,
       .correlation_id = command.message_id,
       .wants_members = command.want_members,
       .recover = recover,
       .history_limit = command.history_limit,
       .info = command.kind == CommandKind::join_room ? command.info : std::string_view()})) {
    case Membership::Join::asked:
      return;
    case Membership::Join::already_joined:
      return refuse(session, ErrorCode::already_joined, about,
                    "you are in this room; leave it first to join it anew");
    case Membership::Join::too_many_rooms:
      shard_.counters.refused_limit_total.add();
      return refuse(session, ErrorCode::forbidden, about,
                    "this connection is in as many rooms as it may be; leave one first");
    case Membership::Join::unavailable:
      return refuse(session, ErrorCode::unavailable, about,
                    "the room's core does not keep up; try again shortly");
  }
}

void Commands::join_pattern(Session& session, const Command& about, bool looks_back) {
  if (shard_.config().off.has(Feature::patterns)) return switched_off(session, about);
  if (!is_pattern(about.room))
    return refuse(session, ErrorCode::invalid, about,
                  "a pattern has at most four `*`; join several that say less each");
  if (about.want_members || about.history_limit > 0 || looks_back)
    return refuse(session, ErrorCode::invalid, about,
                  "`recover`, `history` and `presence` are about one room: join those rooms by "
                  "name first, then the pattern");
  if (is_personal(about.room))
    return refuse(session, ErrorCode::forbidden, about,
                  "what is for one person only is reached by no pattern; join your own by name");
  if (!session.grants || !session.grants->over(about.room).has(Action::join))
    return refuse(session, ErrorCode::forbidden, about, refusal_of(Action::join, about.room));
  if (!may_join_now(session, about, Admission::Who::stranger)) return;
  const auto refuse_at_limit = [&](ErrorCode code, std::string_view message) {
    shard_.counters.refused_limit_total.add();
    refuse(session, code, about, message);
  };
  switch (shard_.patterns.join(session, about.room, about.message_id)) {
    case Patterns::Join::asked:
      return;
    case Patterns::Join::already_joined:
      return refuse(session, ErrorCode::already_joined, about,
                    "you listen to this pattern; leave it first to join it anew");
    case Patterns::Join::too_many:
      return refuse_at_limit(
          ErrorCode::forbidden,
          "this connection listens to as many patterns as it may; leave one first");
    case Patterns::Join::too_many_in_all:
      return refuse_at_limit(ErrorCode::unavailable,
                             "the server holds as many patterns as it may; try again later");
    case Patterns::Join::unavailable:
      return refuse_at_limit(ErrorCode::unavailable, "a core does not keep up; try again shortly");
  }
}

void Commands::joined_pattern(Session& session, std::string_view correlation_id,
                              std::string_view pattern) {
  reply(session, proto::Ack{.correlation_id = correlation_id, .room = pattern});
}

void Commands::leave_room(Session& session, const Command& command) {
  const NameIn name(workspace_of(session), command.room);
  const bool was_in = is_pattern_for(session, command.room)
                          ? shard_.patterns.leave(session, command.room)
                          : shard_.membership.leave(session, shard_.node.room_id(name));
  if (!was_in)
    return refuse(session, ErrorCode::not_joined, command,
                  "you are not in this room; there is nothing to leave");
  say_left(session, {.correlation_id = command.message_id, .room = command.room, .reason = {}});
}

void Commands::say_left(Session& session, const proto::RoomLeft& left) {
  encode(session, left);
  engine::LanePlace place;
  if (shard_.subscribers.write_behind(session, frame_.text(), place) ==
      engine::Outbox::Send::over_limit)
    shard_.lifecycle.drop_slow(session.socket);
}

void Commands::left(Session& session, std::string_view room, std::string_view reason) {
  say_left(session, {.correlation_id = {}, .room = room, .reason = reason});
}

}  // namespace ringroom::realtime
