#include "realtime/bounds.h"
#include "realtime/session/commands_reply.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

// What a client wants to know of rooms, and has made of them.

namespace ringroom::realtime {

using proto::Command;
using proto::ErrorCode;

Questions::About Commands::about(const Session& session, const Command& command) const {
  return {.workspace = workspace_of(session),
          .room = command.room,
          .asker = {.to = shard_.connection_id(session), .exchange = 0},
          .correlation_id = command.message_id};
}

void Commands::history(Session& session, const Command& command) {
  if (!shard_.room_tokens.in(session, command.room).has(Action::history))
    return refuse(session, ErrorCode::forbidden, command,
                  refusal_of(Action::history, command.room));
  shard_.questions.history(about(session, command),
                           {.since = command.recover.value_or(proto::Position{}),
                            .limit = command.history_limit,
                            .reverse = command.reverse,
                            .permissions = session.grants.permissions().bytes(),
                            .edition = session.grants.edition()});
}

void Commands::presence(Session& session, const Command& command) {
  if (!shard_.room_tokens.in(session, command.room).has(Action::presence))
    return refuse(session, ErrorCode::forbidden, command,
                  refusal_of(Action::presence, command.room));
  shard_.questions.presence(about(session, command), command.counts_only
                                                         ? Questions::Presence::counts
                                                         : Questions::Presence::members);
}

void Commands::create_room(Session& session, const Command& command) {
  if (!actions_in(session, command.room).has(Action::create))
    return refuse(session, ErrorCode::forbidden, command, refusal_of(Action::create, command.room));
  shard_.questions.create(about(session, command), {.owner = session.user->id(),
                                                    .metadata = command.metadata,
                                                    .max_members = command.max_members.value_or(0),
                                                    .is_public = command.is_public.value_or(true),
                                                    .by_client = true});
}

void Commands::delete_room(Session& session, const Command& command) {
  shard_.questions.remove(
      about(session, command),
      {.user_id = session.user->id(),
       .is_granted = shard_.room_tokens.in(session, command.room).has(Action::remove)});
}

void Commands::room_info(Session& session, const Command& command) {
  if (!shard_.room_tokens.in(session, command.room).has(Action::join))
    return refuse(session, ErrorCode::forbidden, command, refusal_of(Action::join, command.room));
  shard_.questions.describe(about(session, command));
}

void Commands::list_rooms(Session& session, const Command& command) {
  const std::uint32_t limit =
      command.list_limit == 0 ? bounds::listed_rooms_usual : command.list_limit;
  if (!shard_.listings.begin({.asker = about(session, command).asker,
                              .correlation_id = command.message_id,
                              .workspace = workspace_of(session),
                              .prefix = command.prefix,
                              .after = {},
                              .limit = limit}))
    refuse(session, ErrorCode::rate_limited, command,
           "your last list is still being gathered; ask again when it is here");
}

void Commands::receive(Session& session, const RoomDescribed& room) {
  const proto::RoomDescription description = description_of(room);
  switch (room.why) {
    case Described::created:
      return reply(session,
                   proto::RoomCreated{.correlation_id = room.correlation_id, .room = description});
    case Described::deleted:
      return reply(session, proto::RoomDeleted{.correlation_id = room.correlation_id,
                                               .room = room.room_name.shown()});
    case Described::asked:
      return reply(session,
                   proto::RoomInfo{.correlation_id = room.correlation_id, .room = description});
    case Described::listed:
      break;
  }
  RR_CHECK(false);  // the listing takes those
}

void Commands::receive(Session& session, const proto::RoomList& list) { reply(session, list); }

}  // namespace ringroom::realtime
