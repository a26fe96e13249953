// What clients ask about events: which types they want to hear.
#include <string>

#include "proto/dialect/event_json.h"
#include "realtime/session/commands_reply.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

using proto::Command;
using proto::ErrorCode;

std::span<const std::string_view> Commands::event_types_of(const Session& session) {
  const EventFilter& filter = shard_.event_filters.of(session.socket.slot);
  event_types_.assign(filter.types().begin(), filter.types().end());
  return event_types_;
}

void Commands::join_workspace(Session& session, const Command& command) {
  std::string room(proto::dialect::event_json::workspace_prefix);
  const Workspace workspace = workspace_of(session);
  room.append(workspace.id());
  if (session.find(shard_.node.room_id(NameIn(workspace, room))) != nullptr) return;
  if (!actions_in(session, room).has(Action::join)) return;
  if (shard_.namespaces().find(room) == nullptr) return;
  join(session, room, Command{}, command.recover);
}

void Commands::subscribe(Session& session, const Command& command) {
  if (!command.event_types.empty()) {
    if (session.dialect == WireForm::binary)
      return refuse(session, ErrorCode::bad_request, command,
                    "events are told in JSON; open a connection with /ws?dialect=event for them");
    if (is_json(session.dialect)) {
      if (!session.subscriptions.empty())
        return refuse(session, ErrorCode::bad_request, command,
                      "subscribe to events before you join a room, or on a connection of its own "
                      "(/ws?dialect=event): what a connection hears is in one dialect");
      session.dialect = WireForm::event;
      greet(session, {}, {});
    }
    const bool is_first = shard_.event_filters.of(session.socket.slot).empty();
    if (!shard_.event_filters.subscribe(session, command.event_types)) {
      shard_.counters.refused_limit_total.add();
      return refuse(session, ErrorCode::forbidden, command,
                    "a connection may ask for 256 types of events; unsubscribe from some, or ask "
                    "for `*`, which is all of them");
    }
    reply(session, proto::Subscribed{.correlation_id = command.message_id,
                                     .event_types = event_types_of(session)});
    if (is_first && command.room.empty()) join_workspace(session, command);
  }
  if (!command.room.empty()) join(session, command.room, command, command.recover);
}

void Commands::unsubscribe(Session& session, const Command& command) {
  if (!command.event_types.empty()) {
    if (session.dialect != WireForm::event)
      return refuse(session, ErrorCode::bad_request, command,
                    "this connection hears everything in its rooms; leave a room instead");
    shard_.event_filters.unsubscribe(session, command.event_types);
    reply(session, proto::Unsubscribed{.correlation_id = command.message_id,
                                       .event_types = event_types_of(session)});
  }
  if (!command.room.empty()) leave_room(session, command);
}

}  // namespace ringroom::realtime
