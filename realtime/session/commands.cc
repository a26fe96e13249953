#include "realtime/session/commands.h"

#include <array>
#include <string>

#include "proto/dialect/event_json.h"
#include "proto/dialect/native_binary.h"
#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "realtime/bounds.h"
#include "realtime/session/connection_text.h"
#include "realtime/session/identity.h"
#include "realtime/session/security_log.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace event_json = proto::dialect::event_json;
namespace native_binary = proto::dialect::native_binary;
namespace native_json = proto::dialect::native_json;
using proto::Command;
using proto::CommandKind;
using proto::ErrorCode;

struct CommandRow {
  CommandKind kind;
  bool before_identity;  // may be asked by a connection that has not said who it is
  void (Commands::*run)(Session&, const Command&);

  static const CommandRow rows[];
};

constexpr CommandRow CommandRow::rows[] = {
    {CommandKind::connect, true, &Commands::connect},
    {CommandKind::join_room, false, &Commands::join_room},
    {CommandKind::leave_room, false, &Commands::leave_room},
    {CommandKind::publish, false, &Commands::publish},
    {CommandKind::ephemeral, false, &Commands::publish},
    {CommandKind::ping, true, &Commands::ping},
    {CommandKind::heartbeat, true, &Commands::heartbeat},
    {CommandKind::presence, false, &Commands::presence},
    {CommandKind::history, false, &Commands::history},
    {CommandKind::refresh_token, false, &Commands::refresh_token},
    {CommandKind::subscribe, false, &Commands::subscribe},
    {CommandKind::unsubscribe, false, &Commands::unsubscribe},
    {CommandKind::request_metrics, false, &Commands::request_metrics},
    {CommandKind::query_request, false, &Commands::not_offered},
    {CommandKind::query_cancel, false, &Commands::not_offered},
    {CommandKind::message_batch, false, &Commands::message_batch},
    {CommandKind::create_room, false, &Commands::create_room},
    {CommandKind::delete_room, false, &Commands::delete_room},
    {CommandKind::list_rooms, false, &Commands::list_rooms},
    {CommandKind::room_info, false, &Commands::room_info},
    {CommandKind::update_presence, false, &Commands::update_presence},
    {CommandKind::acknowledge, false, &Commands::acknowledge},
    {CommandKind::trace, false, &Commands::trace},
    {CommandKind::start_topic, false, &Commands::start_topic},
    {CommandKind::stop_topic, false, &Commands::stop_topic},
    {CommandKind::admin_alert, false, &Commands::admin_alert},
};

namespace {

// What a kind of command is part of, if that can be switched off.
struct FeatureRow {
  CommandKind kind;
  Feature feature;
};
constexpr FeatureRow features_of_kinds[] = {{CommandKind::ephemeral, Feature::ephemeral},
                                            {CommandKind::presence, Feature::presence},
                                            {CommandKind::update_presence, Feature::presence},
                                            {CommandKind::history, Feature::history},
                                            {CommandKind::subscribe, Feature::events},
                                            {CommandKind::unsubscribe, Feature::events},
                                            {CommandKind::message_batch, Feature::batches},
                                            {CommandKind::acknowledge, Feature::offline}};

// A star in the user's own id makes no pattern of its room.
bool is_pattern_for(const Session& session, std::string_view room) {
  return has_star(room) && (session.user == nullptr || !is_personal_of(room, session.user->id()));
}

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(CommandRow::rows); ++i)
    if (std::size_t(CommandRow::rows[i].kind) != i) return false;
  return std::size(CommandRow::rows) == std::size_t(CommandKind::admin_alert) + 1;
}
static_assert(rows_are_in_order(), "dispatch indexes by the kind");

}  // namespace

Commands::Commands(Shard& shard)
    : shard_(shard), features_off_(shard.config().off.names()), frame_(shard.heap) {
  for (const CommandRow& row : CommandRow::rows) runs_[std::size_t(row.kind)] = row.run;
  for (const FeatureRow& row : features_of_kinds)
    if (shard.config().off.has(row.feature)) runs_[std::size_t(row.kind)] = &Commands::switched_off;
}

template <class Value>
void Commands::encode(const Session& session, const Value& value) {
  frame_.clear();
  const std::size_t begin = proto::begin_frame(frame_);
  proto::Opcode opcode = proto::Opcode::text;
  if (is_json(session.dialect)) {
    native_json::encode(value, frame_);
  } else if (session.dialect == WireForm::event) {
    event_json::encode(value, frame_);
  } else {
    native_binary::encode(value, frame_);
    opcode = proto::Opcode::binary;
  }
  proto::end_frame(frame_, begin, opcode);
  shard_.counters.messages_sent_total.add();
}

void Commands::say_left(Session& session, const proto::RoomLeft& left) {
  encode(session, left);
  engine::LanePlace place;
  if (shard_.subscribers.write_behind(session, frame_.text(), place) ==
      engine::Outbox::Send::over_limit)
    shard_.lifecycle.drop_slow(session.socket);
}

template <class Value>
void Commands::reply(Session& session, const Value& value) {
  encode(session, value);
  if (shard_.outbox.write(session.socket, frame_.bytes()) == engine::Outbox::Send::over_limit)
    shard_.lifecycle.drop_slow(session.socket);
}

// For commands_events.cc and commands_refusals.cc.
template void Commands::reply(Session& session, const proto::Subscribed& value);
template void Commands::reply(Session& session, const proto::Unsubscribed& value);
template void Commands::reply(Session& session, const proto::Refusal& value);
template void Commands::reply(Session& session, const proto::Invalid& value);

void Commands::run(Session& session, std::span<std::byte> message) {
  if (session.dialect == WireForm::binary) {
    if (!native_binary::is_batch(message)) return run_binary(session, message);
    auto batch = native_binary::BatchReader::open(message);
    if (!batch) return refuse_text(session, batch.error());
    while (const auto inner = batch->next()) {
      if (session.state == SessionState::draining) return;
      run_binary(session, *inner);
    }
    return;
  }
  text_ = message;
  const auto command = native_json::decode(message, parser_);
  if (!command) return refuse_text(session, command.error());
  dispatch(session, *command);
}

void Commands::run_binary(Session& session, std::span<std::byte> message) {
  auto command = native_binary::decode(message, parser_, inner_parser_);
  if (!command) return refuse_text(session, command.error());
  if (command->room_number != 0) {
    const Subscription* subscription = session.find_number(command->room_number);
    if (subscription == nullptr)
      return refuse(session, ErrorCode::not_joined, *command,
                    "you are in no room of this number; join it, and take the room_id that "
                    "room_joined gives, or name the room in the fields");
    room_name_ = subscription->audience->name.shown();  // it may end with what is asked
    command->room = room_name_;
  }
  dispatch(session, *command);
}

void Commands::dispatch(Session& session, const Command& command) {
  const CommandRow& row = CommandRow::rows[std::size_t(command.kind)];
  shard_.beat.is(Doing::command, std::size_t(command.kind));
  // What is said in a room is recorded where it gets its number.
  if (command.kind != CommandKind::publish && command.kind != CommandKind::ephemeral)
    shard_.record(Happened::asked, session, RoomId{0}, std::uint64_t(command.kind));
  shard_.counters.messages_of_type[usage_of(command.kind, command.type)].add();
  if (session.state != SessionState::authenticated && !row.before_identity) {
    refuse(session, ErrorCode::unauthorized, command,
           "say who you are first: send `connect` with a token");
    return shard_.lifecycle.close(session, proto::CloseCode::unauthorized);
  }
  if (shard_.rate_limits.limits_commands() &&
      !is_within(session, command, shard_.rate_limits.command(session, command)))
    return;
  (this->*runs_[std::size_t(command.kind)])(session, command);
}

void Commands::tell_reconnect(Session& session, std::uint64_t delay_ms, std::string_view reason) {
  reply(session, proto::Reconnect{.delay_ms = delay_ms, .reason = reason});
}

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
  if (!is_within(session, about, shard_.rate_limits.join(session))) return;
  const std::uint64_t retry_ms =
      shard_.admission.join(recover ? Admission::Who::returning : Admission::Who::stranger);
  if (retry_ms != 0)
    return refuse(session, ErrorCode::rate_limited, about,
                  "more joins at once than this server takes; try again after retry_after",
                  retry_ms);
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
  if (!is_within(session, about, shard_.rate_limits.join(session))) return;
  const std::uint64_t retry_ms = shard_.admission.join(Admission::Who::stranger);
  if (retry_ms != 0)
    return refuse(session, ErrorCode::rate_limited, about,
                  "more joins at once than this server takes; try again after retry_after",
                  retry_ms);
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

std::uint64_t Commands::permission_of(const Command& command) const {
  return command.required_permission.empty() ? no_permission
                                             : shard_.node.permission(command.required_permission);
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
  if (!shard_.accepts_mail(home, command.payload.size())) {
    shard_.counters.refused_limit_total.add();
    return refuse(session, ErrorCode::unavailable, command,
                  "the room's core does not keep up; try again shortly");
  }
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

Questions::About Commands::about(const Session& session, const Command& command) const {
  return {.workspace = workspace_of(session),
          .room = command.room,
          .asker = {.to = shard_.connection_id(session), .exchange = 0},
          .correlation_id = command.message_id};
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

void Commands::left(Session& session, std::string_view room, std::string_view reason) {
  say_left(session, {.correlation_id = {}, .room = room, .reason = reason});
}

void Commands::presence(Session& session, const Command& command) {
  if (!shard_.room_tokens.in(session, command.room).has(Action::presence))
    return refuse(session, ErrorCode::forbidden, command,
                  refusal_of(Action::presence, command.room));
  shard_.questions.presence(about(session, command), command.counts_only
                                                         ? Questions::Presence::counts
                                                         : Questions::Presence::members);
}

void Commands::update_presence(Session& session, const Command& command) {
  const NameIn name(workspace_of(session), command.room);
  const RoomId room = shard_.node.room_id(name);
  if (session.find(room) == nullptr)
    return refuse(session, ErrorCode::not_joined, command,
                  "join the room before you say there who you are");
  const CoreId home = shard_.node.home_of(room);
  if (!shard_.accepts_mail(home, command.info.size())) {
    shard_.counters.refused_limit_total.add();
    return refuse(session, ErrorCode::unavailable, command,
                  "the room's core does not keep up; try again shortly");
  }
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

void Commands::ping(Session& session, const Command& command) {
  reply(session, proto::Pong{.correlation_id = command.message_id, .timestamp_ms = shard_.wall_ms});
}

void Commands::heartbeat(Session& session, const Command& command) {
  reply(session,
        proto::Heartbeat{.correlation_id = command.message_id, .timestamp_ms = shard_.wall_ms});
}

void Commands::message_batch(Session& session, const Command& command) {
  for (const std::string_view inner : command.messages) {
    if (session.state == SessionState::draining) return;
    const auto offset = reinterpret_cast<const std::byte*>(inner.data()) - text_.data();
    const auto decoded = native_json::decode(
        text_.subspan(static_cast<std::size_t>(offset), inner.size()), inner_parser_);
    if (!decoded) {
      refuse_text(session, decoded.error());
    } else if (decoded->kind == CommandKind::message_batch) {
      refuse(session, ErrorCode::bad_request, *decoded,
             "a message_batch cannot hold another; send its messages side by side");
    } else {
      dispatch(session, *decoded);
    }
  }
}

void Commands::switched_off(Session& session, const Command& command) {
  refuse(session, ErrorCode::unavailable, command, row_of(RefusedBecause::switched_off).sentence);
}

void Commands::not_offered(Session& session, const Command& command) {
  std::string message = "this server does not offer `";
  message.append(command.type).append("`; see its documentation for what it does");
  refuse(session, ErrorCode::unavailable, command, message);
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

}  // namespace ringroom::realtime
