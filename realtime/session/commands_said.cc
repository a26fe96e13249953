#include <string>

#include "realtime/session/commands_reply.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

// What a client says in the rooms where it is.

namespace ringroom::realtime {

using proto::Command;
using proto::CommandKind;
using proto::ErrorCode;

std::uint64_t Commands::permission_of(const Command& command) const {
  return command.required_permission.empty() ? no_permission
                                             : shard_.node.permission(command.required_permission);
}

// What must not overtake the session's joins.
template <class Item>
void Commands::say(Session& session, CoreId home, const Command& command, const Item& item) {
  if (!session.awaits_place) return shard_.send(home, item);
  if (shard_.room_places.keep(session, item)) return;
  shard_.counters.refused_limit_total.add();
  refuse(session, ErrorCode::unavailable, command,
         "your joins are still being counted, and more was said behind them than is kept; say it "
         "again shortly");
}

bool Commands::keeps_up(Session& session, CoreId home, const Command& command,
                        std::size_t text_bytes) {
  if (shard_.accepts_mail(home, text_bytes)) return true;
  shard_.counters.refused_limit_total.add();
  refuse(session, ErrorCode::unavailable, command,
         "the room's core does not keep up; try again shortly");
  return false;
}

void Commands::publish(Session& session, const Command& command) {
  const NameIn name(workspace_of(session), command.room);
  const RoomId room = shard_.node.room_id(name);
  const Subscription* subscription = session.find(room);
  if (subscription == nullptr)
    return refuse(session, ErrorCode::not_joined, command, "join the room before you speak in it");
  if (!subscription->actions.has(Action::publish))
    return refuse(session, ErrorCode::forbidden, command,
                  refusal_of(Action::publish, command.room));
  const CoreId home = shard_.node.home_of(room);
  if (!keeps_up(session, home, command, command.payload.size())) return;
  const bool ephemeral = command.kind == CommandKind::ephemeral;
  say(session, home, command,
      Publish{.room = room,
              .room_name = name,
              .from = shard_.connection_id(session),
              .type = command.type,
              .sender = session.user->id(),
              .message_id = command.message_id,
              .payload = command.payload,
              .payload_kind = command.payload_is_raw ? PayloadKind::binary : PayloadKind::json,
              .ephemeral = ephemeral,
              .can_wait = false,
              .wants_answer = !command.message_id.empty(),
              .exchange = 0,
              .exclude = nobody,
              .remove = command.remove,
              .expected_version = command.expected_version.value_or(any_version),
              .key = command.key,
              .priority = command.priority,
              .since = shard_.stages.stamp(),
              .user = session.user->hash(),
              .permission = permission_of(command)});
}

void Commands::update_presence(Session& session, const Command& command) {
  const NameIn name(workspace_of(session), command.room);
  const RoomId room = shard_.node.room_id(name);
  if (session.find(room) == nullptr)
    return refuse(session, ErrorCode::not_joined, command,
                  "join the room before you say there who you are");
  const CoreId home = shard_.node.home_of(room);
  if (!keeps_up(session, home, command, command.info.size())) return;
  say(session, home, command,
      UpdatePresence{.room = room,
                     .room_name = name,
                     .from = shard_.connection_id(session),
                     .correlation_id = command.message_id,
                     .user_id = session.user->id(),
                     .info = command.info});
}

void Commands::acknowledge(Session& session, const Command& command) {
  const std::string room_name = std::string(personal_prefix).append(session.user->id());
  const Namespace* rules = shard_.namespaces().personal();
  if (rules == nullptr || !rules->keeps_queue())
    return refuse(session, ErrorCode::invalid, command, row_of(RefusedBecause::no_queue).sentence);
  if (!command.room.empty() && command.room != room_name)
    return refuse(session, ErrorCode::invalid, command,
                  "only what waits for oneself is acknowledged: leave `room` out");
  const NameIn name(workspace_of(session), room_name);
  const RoomId room = shard_.node.room_id(name);
  shard_.send(shard_.node.home_of(room), Acknowledge{.room = room,
                                                     .room_name = name,
                                                     .from = shard_.connection_id(session),
                                                     .correlation_id = command.message_id,
                                                     .sequence = command.acknowledged->sequence,
                                                     .epoch = command.acknowledged->epoch});
}

void Commands::receive(Session& session, const Published& published) {
  reply(session, proto::Ack{.correlation_id = published.correlation_id,
                            .room = published.room_name.shown(),
                            .sequence = published.sequence,
                            .epoch = published.replaced ? std::string_view() : published.epoch,
                            .level = level_of(published),
                            .duplicate = published.duplicate,
                            .replaced = published.replaced});
}

}  // namespace ringroom::realtime
