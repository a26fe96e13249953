#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "proto/dialect/native_json.h"
#include "realtime/session/commands_reply.h"
#include "realtime/session/connection_text.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"
#include "realtime/source/topics.h"

// What those ask who look after the server.

namespace ringroom::realtime {

using proto::Command;
using proto::ErrorCode;

void Commands::invalid(Session& session, const Command& command, std::string_view path,
                       std::string_view message) {
  shard_.counters.refused(ErrorCode::invalid);
  const proto::InvalidField field{.path = path, .message = message};
  reply(session,
        proto::Invalid{.correlation_id = command.message_id, .errors = std::span(&field, 1)});
}

std::optional<proto::JsonValue> Commands::payload_of(const Command& command) {
  const auto payload = payload_parser_.parse_copy(command.payload);
  return payload ? std::optional(*payload) : std::nullopt;
}

// Joins the room; the answer is that of any join.
void Commands::start_topic(Session& session, const Command& command) {
  TopicRoom room{topic_of_command(command.type), topic_interval_s};
  const auto payload = payload_of(command);
  const auto interval = payload ? payload->find("interval") : std::nullopt;
  if (interval && !interval->is_null()) {
    const auto seconds = interval->unsigned_integer();
    if (!seconds || *seconds == 0 || *seconds > topic_interval_s_max)
      return invalid(session, command, "payload.interval", "must be whole seconds, 1 to 3600");
    room.interval_s = static_cast<std::uint32_t>(*seconds);
  }
  join(session, room.name(), command, std::nullopt);
}

// Leaves all rooms of the topic, whatever their interval.
void Commands::stop_topic(Session& session, const Command& command) {
  const TopicRow* const row = topic_of_command(command.type);
  std::vector<std::string> names;
  for (const Subscription& subscription : session.subscriptions)
    if (topic_of_room(subscription.audience->name.shown()) == row)
      names.emplace_back(subscription.audience->name.shown());
  if (names.empty())
    return refuse(session, ErrorCode::not_joined, command,
                  "you hear none of these numbers; there is nothing to stop");
  for (const std::string& name : names) {
    shard_.membership.leave(session, shard_.node.room_id(NameIn(workspace_of(session), name)));
    say_left(session, {.correlation_id = command.message_id, .room = name, .reason = {}});
  }
}

void Commands::request_metrics(Session& session, const Command& command) {
  constexpr std::string_view room = topics[std::size_t(Topic::performance)].room;
  if (!actions_in(session, room).has(Action::join))
    return refuse(session, ErrorCode::forbidden, command, refusal_of(Action::join, room));
  if (!shard_.own_numbers.request(session, command.message_id))
    refuse(session, ErrorCode::unavailable, command,
           "others are being told already; ask again in a moment");
}

bool Commands::is_admin(Session& session, const Command& command) {
  if (session.is_internal) return true;
  refuse(session, ErrorCode::forbidden, command,
         "this is asked on admin-listen, with a key of the scope `admin`");
  return false;
}

// {connection}, {user, workspace?} or {room, workspace?}: from here on; {}: no more.
void Commands::trace(Session& session, const Command& command) {
  if (!is_admin(session, command)) return;
  const auto payload = payload_of(command);
  const auto text = [&](std::string_view name) -> std::optional<std::string_view> {
    const auto value = payload ? payload->find(name) : std::nullopt;
    return value ? value->string() : std::nullopt;
  };
  const auto connection = text("connection"), user = text("user"), room = text("room");
  const auto done = [&] {
    if (!command.message_id.empty())
      reply(session, proto::Ack{.correlation_id = command.message_id});
  };
  if (!connection && !user && !room) {
    shard_.traces.unwatch(session);
    return done();
  }
  if (connection.has_value() + user.has_value() + room.has_value() != 1)
    return invalid(session, command, "payload", "say one of `connection`, `user` and `room`");
  const auto workspace = Workspace::of(text("workspace").value_or(Workspace::default_id));
  const std::string_view name = user ? *user : room ? *room : "x";
  if (!workspace || !proto::dialect::native_json::is_room_name(name))
    return invalid(session, command, "payload",
                   "a name is 1 to 255 bytes of UTF-8 without control characters");
  FlightSubject subject;
  if (connection) {
    const auto id = ConnectionText::parse(*connection);
    if (!id || id->core >= shard_.node.cores)
      return invalid(session, command, "payload.connection", "must be a connection_id of ours");
    subject.connection = *id;
  } else if (user) {
    subject = {.kind = FlightSubject::Kind::user,
               .hash = shard_.node.hash(NameIn(*workspace, name)->text())};
  } else {
    subject = {.kind = FlightSubject::Kind::room,
               .hash = shard_.node.room_id(NameIn(*workspace, name)).value};
  }
  if (!shard_.traces.watch(session, subject))
    return refuse(session, ErrorCode::unavailable, command,
                  "as many connections watch as may; stop another trace first");
  done();
}

void Commands::admin_alert(Session& session, const Command& command) {
  if (!is_admin(session, command)) return;
  static constexpr std::string_view severities[] = {"info", "warning", "critical"};
  static constexpr proto::Priority priorities[] = {proto::Priority::medium, proto::Priority::high,
                                                   proto::Priority::critical};
  const auto payload = payload_of(command);
  const auto severity = payload ? payload->find("severity") : std::nullopt;
  const auto* const found =
      std::ranges::find(severities, severity ? severity->string().value_or("") : "");
  if (found == std::end(severities))
    return invalid(session, command, "payload.severity", "must be info, warning or critical");
  const auto message = payload->find("message");
  if (!message || !message->string() || message->string()->empty())
    return invalid(session, command, "payload.message", "is required: a text for people");
  shard_.send_to_all(
      AdminAlert{.payload = command.payload, .priority = priorities[found - severities]});
  if (!command.message_id.empty()) reply(session, proto::Ack{.correlation_id = command.message_id});
}

}  // namespace ringroom::realtime
