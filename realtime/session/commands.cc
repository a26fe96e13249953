#include "realtime/session/commands.h"

#include <iterator>
#include <string>

#include "proto/dialect/native_binary.h"
#include "proto/dialect/native_json.h"
#include "realtime/session/commands_reply.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

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

}  // namespace ringroom::realtime
