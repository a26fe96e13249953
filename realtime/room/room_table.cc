#include "realtime/room/room_table.h"

#include <optional>
#include <span>

#include "base/check.h"
#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

RoomTable::RoomTable(Shard& shard)
    : shard_(shard),
      fanout_(shard),
      state_keeper_(shard.heap),
      frame_(shard.heap),
      payload_(shard.heap) {}

Result<Room*, RefusedBecause> RoomTable::find_or_make(RoomId id, std::string_view name) {
  const auto found = rooms_.find(id.value);
  if (found != rooms_.end()) {
    // Two names with one hash: 2^-64 per pair, and the seed is secret. Never serve the wrong room.
    if (found->second->name() != name) return fail(RefusedBecause::too_many_rooms);
    return found->second.get();
  }
  const Namespace* rules = shard_.node.namespaces.find(name);
  if (rules == nullptr) return fail(RefusedBecause::unknown_namespace);
  const std::uint64_t rooms_max = shard_.node.config.rooms_max;
  if (rooms_max != 0 && rooms_.size() >= (rooms_max + shard_.node.cores - 1) / shard_.node.cores)
    return fail(RefusedBecause::too_many_rooms);
  const auto epoch = static_cast<std::uint32_t>(shard_.message_ids.random());
  auto& room = rooms_[id.value];
  room = std::make_unique<Room>(id, name, *rules, epoch, shard_.node.cores);
  shard_.counters.rooms.add();
  note_if_empty(*room);
  return room.get();
}

void RoomTable::receive(const JoinRoom& join) {
  const auto found = find_or_make(join.room, join.room_name);
  if (!found) return refuse(join, found.error());
  Room* room = *found;
  // What is gathered so far belongs to those who were here: the newcomer's position is behind it.
  fanout_.seal(*room);
  const bool is_new_user = room->enter(CoreId{join.connection.core}, join.form, join.user_id);
  shard_.counters.joins_total.add();

  answer(join, *room);
  if (is_new_user) announce(*room, "user_joined", join.user_id, join.connection);
}

void RoomTable::answer(const JoinRoom& join, const Room& room) {
  frame_.clear();
  if (is_json(join.form)) {
    std::optional<std::span<const std::string_view>> members;
    if (join.wants_members) {
      listed_.clear();
      for (const auto& [user_id, connections] : room.members()) {
        if (listed_.size() == bounds::listed_members_max) break;
        listed_.push_back(user_id);
      }
      members = listed_;
    }
    const std::size_t begin = proto::begin_frame(frame_);
    proto::dialect::native_json::encode(
        proto::RoomJoined{.correlation_id = join.correlation_id,
                          .room = room.name(),
                          .room_id = 0,
                          .sequence = room.last().value,
                          .epoch = room.epoch(),
                          // Rooms keep no history yet, so whoever asks has to start over.
                          .recovered = join.asked_to_recover ? std::optional(false) : std::nullopt,
                          .messages = {},
                          .members = members,
                          .member_count = room.members().size(),
                          .state = room.state ? std::optional(state_keeper_.snapshot(*room.state))
                                              : std::nullopt},
        frame_);
    proto::end_frame(frame_, begin, proto::Opcode::text);
  }
  shard_.send(CoreId{join.connection.core}, Joined{.to = join.connection,
                                                   .room = join.room,
                                                   .ticket = join.ticket,
                                                   .form = join.form,
                                                   .user_id = join.user_id,
                                                   .frame = frame_.text()});
}

void RoomTable::receive(const LeaveRoom& leave) {
  const auto found = rooms_.find(leave.room.value);
  RR_CHECK(found != rooms_.end());  // a room with listeners is never forgotten
  Room& room = *found->second;
  const bool was_last_of_user =
      room.leave(CoreId{leave.connection.core}, leave.form, leave.user_id);
  shard_.counters.leaves_total.add();
  if (was_last_of_user) announce(room, "user_left", leave.user_id, leave.connection);
  note_if_empty(room);
}

void RoomTable::refuse(const JoinRoom& join, RefusedBecause reason) {
  shard_.counters.refused_limit_total.add();
  shard_.send(CoreId{join.connection.core}, Refused{.to = join.connection,
                                                    .room = join.room,
                                                    .ticket = join.ticket,
                                                    .exchange = 0,
                                                    .correlation_id = join.correlation_id,
                                                    .room_name = join.room_name,
                                                    .reason = reason});
}

void RoomTable::refuse(const Publish& publish, RefusedBecause reason, std::uint64_t version) {
  shard_.counters.refused_limit_total.add();
  if (publish.from == nobody) return;
  shard_.send(CoreId{publish.from.core}, Refused{.to = publish.from,
                                                 .room = publish.room,
                                                 .ticket = 0,
                                                 .exchange = publish.exchange,
                                                 .correlation_id = publish.message_id,
                                                 .room_name = publish.room_name,
                                                 .reason = reason,
                                                 .version = version});
}

bool RoomTable::objects(const Publish& publish, const Room& room) {
  if (publish.expected_version != any_version) {
    const std::uint64_t version = publish.key.empty() ? room.last().value
                                  : room.state        ? room.state->version(publish.key)
                                                      : 0;
    if (version != publish.expected_version) {
      refuse(publish, RefusedBecause::conflict, version);
      return true;
    }
  }
  if (publish.key.empty() || publish.remove) return false;
  if (room.state && room.state->has_room_for(publish.key, publish.payload)) return false;
  refuse(publish, room.state ? RefusedBecause::state_full : RefusedBecause::no_state);
  return true;
}

void RoomTable::receive(const RoomBusy& busy) {
  // A room that was forgotten had no listeners, so nobody was busy with it.
  const auto found = rooms_.find(busy.room.value);
  if (found == rooms_.end()) return;
  std::uint32_t& cores = found->second->busy_cores;
  RR_CHECK(busy.busy || cores > 0);
  cores += busy.busy ? 1 : -1u;
}

void RoomTable::receive(const Publish& publish) {
  const auto found = find_or_make(publish.room, publish.room_name);
  if (!found) return refuse(publish, found.error());
  Room* room = *found;
  const Fanout::Space space = fanout_.space(*room);
  if (space == Fanout::Space::exhausted || (space == Fanout::Space::full && !publish.can_wait))
    return refuse(publish, RefusedBecause::overloaded);
  if (objects(publish, *room)) return;
  if (space == Fanout::Space::full) fanout_.throttle(*room, publish.from);
  const CoreId asker{publish.from.core};
  if (room->listener_count() == 0) room->used_ms = shard_.now_ms;
  shard_.counters.publications_total.add();
  if (asker != shard_.core) shard_.counters.publications_remote_total.add();

  const MessageIds::Text id = shard_.message_ids.next(shard_.wall_ms);
  const std::uint64_t sequence = publish.ephemeral ? 0 : room->next().value;
  std::string_view patch;
  if (room->state && !publish.key.empty())
    patch = state_keeper_.keep(*room->state, {.key = publish.key,
                                              .json = publish.payload,
                                              .remove = publish.remove,
                                              .version = sequence});
  ConnectionId without[2];
  std::size_t without_count = 0;
  if (publish.skip_sender) without[without_count++] = publish.from;
  if (publish.exclude != nobody) without[without_count++] = publish.exclude;

  fanout_.add(*room,
              proto::Publication{.type = publish.type,
                                 .room = room->name(),
                                 .sequence = sequence,
                                 .message_id = {id.data(), id.size()},
                                 .correlation_id = publish.message_id,
                                 .sender = publish.sender,
                                 .timestamp_ms = shard_.wall_ms,
                                 .payload = publish.payload,
                                 .key = publish.key,
                                 .removed = publish.remove,
                                 .patch = patch},
              publish.payload_kind, std::span(without, without_count));
  if (publish.wants_answer)
    shard_.send(asker, Published{.to = publish.from,
                                 .exchange = publish.exchange,
                                 .correlation_id = publish.message_id,
                                 .room_name = room->name(),
                                 .sequence = sequence,
                                 .epoch = room->epoch(),
                                 .message_id = {id.data(), id.size()}});
}

void RoomTable::announce(Room& room, std::string_view type, std::string_view user_id,
                         const ConnectionId& about) {
  if (room.members().size() > bounds::announced_members_max) return;
  if (!room.is_heard_in_json()) return;
  payload_.clear();
  payload_.append(R"({"user_id":)");
  proto::append_json_string(payload_, user_id);
  payload_.append('}');
  const MessageIds::Text id = shard_.message_ids.next(shard_.wall_ms);
  fanout_.announce(room,
                   proto::Publication{.type = type,
                                      .room = room.name(),
                                      .sequence = 0,
                                      .message_id = {id.data(), id.size()},
                                      .correlation_id = {},
                                      .sender = {},
                                      .timestamp_ms = shard_.wall_ms,
                                      .payload = payload_.text()},
                   about);
}

void RoomTable::note_if_empty(Room& room) {
  if (room.listener_count() > 0) return;
  room.used_ms = shard_.now_ms;
  if (room.is_on_the_way_out) return;
  room.is_on_the_way_out = true;
  emptied_.push_back({.room = room.id(), .since_ms = shard_.now_ms});
}

void RoomTable::sweep() {
  const std::uint64_t now_ms = shard_.now_ms;
  while (!emptied_.empty() && emptied_.front().since_ms + bounds::empty_room_ms <= now_ms) {
    const Emptied old = emptied_.front();
    emptied_.pop_front();
    const auto found = rooms_.find(old.room.value);
    RR_CHECK(found != rooms_.end());
    Room& room = *found->second;
    room.is_on_the_way_out = false;
    if (room.listener_count() > 0) continue;
    const bool keeps_values = room.state && room.state->size() > 0;
    if (room.used_ms + bounds::empty_room_ms > now_ms || room.batch != nullptr || keeps_values) {
      room.is_on_the_way_out = true;
      emptied_.push_back({.room = room.id(), .since_ms = now_ms});
      continue;
    }
    rooms_.erase(found);
    shard_.counters.rooms.subtract();
  }
}

}  // namespace ringroom::realtime
