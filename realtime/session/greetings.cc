#include "realtime/session/greetings.h"

#include <optional>
#include <utility>

#include "proto/bounds.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

void Greetings::begin(Session& session, std::string_view zone, std::string_view correlation_id,
                      std::span<const proto::RoomRequest> rooms) {
  if (session.state != SessionState::authenticated) return;  // refused for a limit meanwhile
  if (shard_.namespaces().personal() == nullptr) {
    shard_.commands.greet(session, correlation_id, {});
    return shard_.commands.join_all(session, correlation_id, rooms);
  }
  const std::string room = std::string(personal_prefix).append(session.user->id());
  std::optional<proto::Position> position;  // that the client says it is at
  Waiting waiting{.correlation_id = std::string(correlation_id), .rooms = {}, .behind = {}};
  for (const proto::RoomRequest& request : rooms) {
    if (request.room == room) {
      position = request.recover;
      continue;
    }
    const proto::Position recover = request.recover.value_or(proto::Position{});
    waiting.rooms.push_back({.room = std::string(request.room),
                             .epoch = std::string(recover.epoch),
                             .sequence = recover.sequence,
                             .recovers = request.recover.has_value()});
  }
  waiting_.insert_or_assign(session.socket.slot, std::move(waiting));
  session.awaits_greeting = true;
  is_asking_ = true;
  const NameIn name(workspace_of(session), room);
  const Membership::Join join =
      shard_.membership.join(session, {.room = name,
                                       .dialect = session.dialect,
                                       .actions = actions_in(session, room),
                                       .recover = position,
                                       .greets = true,
                                       .zone = shard_.node.asks_for_zones() ? zone : ""});
  is_asking_ = false;
  if (join != Membership::Join::asked)
    return shard_.lifecycle.close(session, proto::CloseCode::try_later,
                                  "your room's core does not keep up; come back shortly");
  if (!session.awaits_greeting) return go_on(session);  // this core is the room's home
  shard_.outbox.pause(session.socket);
}

void Greetings::hold(Session& session, std::span<const std::byte> bytes) {
  std::vector<std::byte>& behind = waiting_.at(session.socket.slot).behind;
  behind.insert(behind.end(), bytes.begin(), bytes.end());
}

void Greetings::receive(Session& session, const Joined& joined) {
  if (!session.awaits_greeting) return;
  session.awaits_greeting = false;
  const std::string room = std::string(personal_prefix).append(session.user->id());
  const proto::RoomPosition position{
      .room = room,
      .epoch = joined.epoch,
      .sequence = joined.position,
      .room_id = session.dialect == WireForm::binary ? joined.room_number : 0};
  shard_.commands.greet(session, waiting_.at(session.socket.slot).correlation_id,
                        std::span(&position, 1));
  if (!joined.frame.empty() && session.state == SessionState::authenticated &&
      shard_.dialects.write(session, joined.frame, joined.room_number, Dialects::Events::all) ==
          engine::Outbox::Send::over_limit)
    shard_.lifecycle.drop_slow(session.socket);
  if (!is_asking_) go_on(session);
}

void Greetings::receive(Session& session, const Refused& refused) {
  if (session.awaits_greeting)
    shard_.lifecycle.close(session, proto::CloseCode::try_later, row_of(refused.reason).sentence);
}

void Greetings::forget(Session& session) {
  if (waiting_.erase(session.socket.slot) > 0) session.awaits_greeting = false;
}

void Greetings::go_on(Session& session) {
  auto waiting = waiting_.extract(session.socket.slot);
  if (!waiting) return;  // it has ended meanwhile
  shard_.outbox.resume(session.socket);
  const Waiting& held = waiting.mapped();
  std::vector<proto::RoomRequest> rooms;
  for (const Request& request : held.rooms)
    rooms.push_back({.room = request.room,
                     .recover = request.recovers
                                    ? std::optional(proto::Position{.epoch = request.epoch,
                                                                    .sequence = request.sequence})
                                    : std::nullopt});
  shard_.commands.join_all(session, held.correlation_id, rooms);
  std::vector<std::byte>& behind = waiting.mapped().behind;
  if (behind.empty()) return;
  const std::size_t size = behind.size();
  behind.resize(size + proto::readable_behind_bytes);
  shard_.websockets.received(session, std::span(behind).first(size));
}

}  // namespace ringroom::realtime
