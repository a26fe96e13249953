#include <bit>
#include <span>
#include <utility>

#include "base/check.h"
#include "realtime/letters/refusal.h"
#include "realtime/room/answers.h"
#include "realtime/room/room_table.h"
#include "realtime/shard.h"
#include "realtime/workspace_counters.h"

// What a publication meets on its way into a room: what it was before, who objects, how long it
// waits, its number.

namespace ringroom::realtime {

void RoomTable::refuse(const Publish& publish, RefusedBecause reason, std::uint64_t version) {
  shard_.counters.refused_limit_total.add();
  shard_.recorder.add(Happened::not_taken, publish.from == nobody ? no_connection : publish.from,
                      publish.user, publish.room.value, std::uint64_t(reason));
  if (publish.waited) shard_.counters.held_lost_total.add();
  if (publish.from == nobody) return;
  shard_.answer(refusal_of(publish, reason, version));
}

// Equal ids of two users are two messages; a backend has no user and is one.
std::uint64_t RoomTable::idempotency_key(const Publish& publish) const {
  return shard_.node.hash(publish.message_id) ^ std::rotl(shard_.node.hash(publish.sender), 32);
}

bool RoomTable::answers_again(const Publish& publish, Room& room, std::uint64_t key) {
  if (!room.idempotency) return false;
  const Idempotency::Known* known = room.idempotency->find(key, shard_.now_ms);
  if (known == nullptr) return false;
  shard_.counters.duplicates_total.add();
  if (!publish.wants_answer) return true;
  const MessageId::Text id = known->id.text();
  Published published = published_to(publish, room);
  published.sequence = known->sequence;
  published.message_id = {id.data(), id.size()};
  published.duplicate = true;
  published.replaced = known->sequence == 0;
  published.is_stored = room.history != nullptr;
  shard_.answer(published);
  return true;
}

void RoomTable::remember(Room& room, const Idempotency::Known& known) {
  if (!room.idempotency)
    room.idempotency =
        std::make_unique<Idempotency>(room.options().dedup_count, room.options().dedup_age_ms);
  const std::size_t before = room.idempotency->memory_bytes();
  room.idempotency->add(known);
  shard_.footprint.idempotency_bytes.add(room.idempotency->memory_bytes() - before);
}

std::string_view RoomTable::keep_value(Room& room, const Publish& publish, std::uint64_t version) {
  if (!room.state || publish.key.empty()) return {};
  const std::size_t before = room.state->bytes();
  const std::string_view patch = state_keeper_.keep(
      *room.state,
      {.key = publish.key, .json = publish.payload, .remove = publish.remove, .version = version});
  shard_.footprint.state_bytes.add(room.state->bytes() - before);
  return patch;
}

bool RoomTable::is_of_blocked_user(const Room& room) const {
  const NameIn user(room.name().workspace(), owner_of_personal(room.shown_name()));
  return shard_.live_rights.is_blocked(user, shard_.wall_ms / 1'000);
}

bool RoomTable::objects(const Publish& publish, const Room& room) {
  if (room.offline && is_of_blocked_user(room)) {
    refuse(publish, RefusedBecause::user_blocked);
    return true;
  }
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
  refuse(publish, room.state                                ? RefusedBecause::state_full
                  : shard_.config().off.has(Feature::state) ? RefusedBecause::switched_off
                                                            : RefusedBecause::no_state);
  return true;
}

// The ack says that it was taken: it goes with the next batch, unless a newer one does.
void RoomTable::receive_ephemeral(const Publish& publish, Room& room) {
  if (!room.is_used()) room.used_ms = shard_.now_ms;
  const std::uint64_t key = shard_.node.hash(publish.type) ^
                            std::rotl(shard_.node.hash(publish.sender), 32) ^
                            std::rotl(publish.permission, 17);
  switch (fanout_.put(room, key, publish)) {
    case Ephemerals::Put::full:
      return refuse(publish, RefusedBecause::overloaded);
    case Ephemerals::Put::replaced:
      shard_.counters.conflated_total.add();
      break;
    case Ephemerals::Put::added:
      break;
  }
  shard_.counters.publications_total.add();
  if (room.counted != nullptr) room.counted->publications_total.add();
  shard_.stages.reached_room(publish.since);
  if (publish.wants_answer) shard_.answer(published_to(publish, room));
}

void RoomTable::release_held() {
  quiet_keeper_.release([this](const Publish& held) {
    const Room* room = find(held.room, held.room_name);
    if (room != nullptr && fanout_.space(*room) != Fanout::Space::free) return false;
    Publish publish = held;
    publish.waited = true;
    publish.from = nobody;  // has its answer
    publish.wants_answer = false;
    receive(publish);
    return true;
  });
}

void RoomTable::receive(const Publish& publish) {
  if (publish.quiet_hours != 0 && !publish.waited) {
    release_held();  // before it is overtaken
    if (quiet_keeper_.holds(publish)) return;
  }
  const auto found = find_or_make(publish.room, publish.room_name);
  if (!found) return refuse(publish, found.error());
  Room& room = **found;
  if (!Sealer::is_for(room)) return take(publish, room);
  const auto opened = sealer_.open(room, publish);
  opened ? take(*opened, room) : refuse(publish, RefusedBecause::bad_fernet);
}

void RoomTable::take(const Publish& publish, Room& room) {
  if (publish.ephemeral) return receive_ephemeral(publish, room);
  const std::uint64_t key = publish.message_id.empty() ? 0 : idempotency_key(publish);
  if (key != 0 && answers_again(publish, room, key)) return;
  if (pace_keeper_.holds(publish, room, key)) return;
  this->publish(publish, room, key);
}

void RoomTable::release_paced() {
  for (const RoomId id : pace_keeper_.fired()) {
    const auto found = rooms_.find(id.value);
    RR_CHECK(found != rooms_.end());  // its timer ends with it
    if (!found->second->is_ending) release(*found->second, PaceKeeper::Which::due);
  }
}

void RoomTable::release_all() {
  for (const auto& [id, room] : rooms_)
    if (!room->is_ending) release(*room, PaceKeeper::Which::all);
}

void RoomTable::release(Room& room, PaceKeeper::Which which) {
  pace_keeper_.release(
      room, which, [&](const Publish& waiting, std::uint64_t key) { publish(waiting, room, key); });
}

void RoomTable::publish(const Publish& publish, Room& room, std::uint64_t key) {
  const Fanout::Space space = fanout_.space(room);
  if (space == Fanout::Space::exhausted || (space == Fanout::Space::full && !publish.can_wait))
    return refuse(publish, RefusedBecause::overloaded);
  if (Sealer::is_for(room) && publish.payload_kind != PayloadKind::sealed) {
    Publish sealed = publish;
    sealed.payload = sealer_.seal(room, publish.payload, publish.payload_kind);
    sealed.payload_kind = PayloadKind::sealed;
    return this->publish(sealed, room, key);
  }
  if (objects(publish, room)) return;
  if (space == Fanout::Space::full) fanout_.throttle(room, publish.from);
  if (room.gathering) room.gathering->heard(publish.from);
  if (!room.is_used()) room.used_ms = shard_.now_ms;
  shard_.counters.publications_total.add();
  if (!publish.waited) shard_.stages.reached_room(publish.since);
  if (room.counted != nullptr) room.counted->publications_total.add();
  if (CoreId{publish.from.core} != shard_.core) shard_.counters.publications_remote_total.add();

  const MessageId message_id = shard_.message_ids.next(shard_.wall_ms);
  const MessageId::Text id = message_id.text();
  const std::uint64_t sequence = room.next().value;
  if (key != 0)
    remember(room, {.key = key, .sequence = sequence, .at_ms = shard_.now_ms, .id = message_id});
  const std::string_view patch = keep_value(room, publish, sequence);
  shard_.recorder.add(Happened::numbered, publish.from == nobody ? no_connection : publish.from,
                      publish.user, publish.room.value, sequence);
  ConnectionId without[2];
  std::size_t without_count = 0;
  if (!(publish.exclude == nobody)) without[without_count++] = publish.exclude;
  if (publish.permission != no_permission) without[without_count++] = lacking(publish.permission);

  fanout_.add(room,
              proto::Publication{.type = publish.type,
                                 .room = room.shown_name(),
                                 .sequence = sequence,
                                 .previous = room.previous(publish.permission),
                                 .message_id = {id.data(), id.size()},
                                 .correlation_id = publish.message_id,
                                 .sender = publish.sender,
                                 .timestamp_ms = shard_.wall_ms,
                                 .payload = publish.payload,
                                 .key = publish.key,
                                 .removed = publish.remove,
                                 .patch = patch},
              publish.payload_kind, std::span(without, without_count),
              publish.priority.value_or(room.options().priority), publish.permission);
  if (!publish.wants_answer) return;
  Published published = published_to(publish, room);
  published.sequence = sequence;
  published.message_id = {id.data(), id.size()};
  published.is_stored = room.history != nullptr;
  shard_.answer(published);
}

}  // namespace ringroom::realtime
