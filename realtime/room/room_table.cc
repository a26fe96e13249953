#include "realtime/room/room_table.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "proto/dialect/native_json.h"
#include "realtime/access/grants.h"
#include "realtime/bounds.h"
#include "realtime/letters/refusal.h"
#include "realtime/room/answers.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

RoomTable::RoomTable(Shard& shard)
    : shard_(shard),
      sealer_(shard),
      fanout_(shard, sealer_),
      state_keeper_(shard.heap),
      presence_keeper_(shard, fanout_),
      offline_keeper_(shard, fanout_),
      quiet_keeper_(shard),
      room_seats_(shard),
      pace_keeper_(shard, fanout_),
      tenants_(shard.node, shard.core),
      history_keeper_(shard, fanout_, offline_keeper_, tenants_),
      frame_(shard.heap),
      payload_(shard.heap) {
  adopt_settings();
}

void RoomTable::adopt_settings() {
  ++edition_;
  history_keeper_.adopt_settings();
}

void RoomTable::adopt(Room& room) {
  room.edition = edition_;
  std::shared_ptr<const Namespace> rules = shard_.namespaces().hold(room.shown_name());
  // Of a namespace that is gone, where there is no default: as it was, until it is forgotten.
  if (rules == nullptr || rules.get() == &room.options()) return;
  fanout_.seal(room);
  room.adopt(std::move(rules));
  const Namespace& now = room.options();
  history_keeper_.adopt(room);
  if (now.state_keys > 0 && !room.state) room.state = std::make_unique<State>(now);
  if (now.state_keys == 0 && room.state) {
    shard_.footprint.state_bytes.subtract(room.state->bytes());
    room.state = nullptr;
  }
}

Room* RoomTable::find(RoomId id, ScopedName name) {
  const auto found = rooms_.find(id.value);
  if (found == rooms_.end() || !(found->second->name() == name) || found->second->is_ending)
    return nullptr;
  if (found->second->edition != edition_) adopt(*found->second);
  return found->second.get();
}

Result<Room*, RefusedBecause> RoomTable::find_or_make(RoomId id, ScopedName name) {
  const auto found = rooms_.find(id.value);
  if (found != rooms_.end()) {
    // Two names with one hash: 2^-64 per pair, and the seed is secret. Never serve the wrong room.
    if (!(found->second->name() == name)) return fail(RefusedBecause::too_many_rooms);
    if (found->second->is_ending)
      return fail(found->second->rests ? RefusedBecause::room_rests : RefusedBecause::room_ends);
    if (found->second->edition != edition_) adopt(*found->second);
    return found->second.get();
  }
  std::shared_ptr<const Namespace> rules = shard_.namespaces().hold(name.shown());
  if (rules == nullptr) return fail(RefusedBecause::unknown_namespace);
  if (!rules->auto_create && !rules->is_personal()) return fail(RefusedBecause::no_room);
  return make(id, name, std::move(rules));
}

Result<Room*, RefusedBecause> RoomTable::make(RoomId id, ScopedName name,
                                              std::shared_ptr<const Namespace> rules) {
  // A user's id is not ours to choose.
  if (has_star(name.shown()) && !is_personal(name.shown()))
    return fail(RefusedBecause::is_a_pattern);
  const std::uint64_t rooms_max = shard_.node.share_of_core(shard_.config().rooms_max);
  if (rooms_max != 0 && rooms_.size() >= rooms_max) return fail(RefusedBecause::too_many_rooms);
  if (tenants_.is_full(name.workspace(), shard_.config().rooms_per_workspace_max))
    return fail(RefusedBecause::workspace_full);
  auto& room = rooms_[id.value];
  RR_CHECK(room == nullptr);
  const auto epoch = static_cast<std::uint32_t>(shard_.message_ids.random());
  room = std::make_unique<Room>(id, name, std::move(rules), epoch, next_number());
  room->edition = edition_;
  room->used_ms = shard_.now_ms;
  room->created_wall_ms = shard_.wall_ms;
  room->counted = tenants_.begin(name.workspace());
  history_keeper_.begin(*room);
  presence_keeper_.begin(*room);
  shard_.counters.rooms.add();
  index_.add(*room);
  // Before anybody can say something in it.
  shard_.reach.welcome(*room);
  return room.get();
}

std::uint32_t RoomTable::next_number() {
  const std::uint64_t number = shard_.core.value + shard_.node.cores * ++rooms_made_;
  // After four thousand million rooms they are called by their names.
  return number > std::numeric_limits<std::uint32_t>::max() ? 0
                                                            : static_cast<std::uint32_t>(number);
}

void RoomTable::end(Room& room, std::string_view reason) {
  pace_keeper_.release(room, PaceKeeper::Which::all, [this](const Publish& waiting, std::uint64_t) {
    refuse(waiting, RefusedBecause::room_ends);
  });
  fanout_.seal(room);
  room.is_ending = true;
  CoreId told{0xffff};
  // The leaves come back, here at once from this core, so the list is copied.
  const std::vector<Room::Hearing> hearings(room.hearings().begin(), room.hearings().end());
  const RoomId id = room.id();
  if (hearings.empty()) return forget(id);
  for (const Room::Hearing& hearing : hearings)
    if (std::exchange(told, hearing.core) != hearing.core)
      shard_.send(hearing.core, RoomGone{.room = id, .reason = reason});
}

void RoomTable::forget(RoomId id) {
  const auto found = rooms_.find(id.value);
  Room& room = *found->second;
  fanout_.let_go(room);
  presence_keeper_.end(room);
  index_.remove(room);
  pace_keeper_.end(room);
  if (room.idempotency)
    shard_.footprint.idempotency_bytes.subtract(room.idempotency->memory_bytes());
  if (room.state) shard_.footprint.state_bytes.subtract(room.state->bytes());
  const OwnedWorkspace workspace(room.name().workspace());
  rooms_.erase(found);
  tenants_.end(workspace);  // behind its history, which is on its account
  shard_.counters.rooms.subtract();
}

void RoomTable::receive(const JoinRoom& join) {
  const auto found = find_or_make(join.room, join.room_name);
  if (!found) return refuse(join, found.error());
  Room* room = *found;
  const RoomSeats::Place place = room_seats_.look(*room, join);
  if (place != RoomSeats::Place::free) shard_.counters.duplicate_sessions_total.add();
  if (place == RoomSeats::Place::taken) return refuse(join, RefusedBecause::already_there);
  if (place == RoomSeats::Place::free && room->is_full_for(join.user_id))
    return refuse(join, RefusedBecause::room_full);
  // What is gathered so far belongs to those who were here: the newcomer's position is behind it.
  fanout_.seal(*room);
  room->enter(CoreId{join.connection.core}, join.form);
  presence_keeper_.enter(*room, join);
  const std::optional<Seats::Holder> older = room_seats_.take(*room, join);
  shard_.counters.joins_total.add();
  shard_.own_numbers.listened(room->id(), room->name().text());

  join.greets ? offline_keeper_.greet(join, *room) : answer(join, *room);
  presence_keeper_.tell(*room, join.connection);
  // Behind the newcomer, so that the user never seems to have left.
  if (older) room_seats_.end(*room, *older);
}

void RoomTable::enter_by_pattern(Room& room, const PatternTable::Listener& listener) {
  fanout_.seal(room);
  room.enter(CoreId{listener.connection.core}, listener.form);
  ++room.pattern_listeners;
  shard_.counters.joins_total.add();
  shard_.own_numbers.listened(room.id(), room.name().text());
  answer(JoinRoom{.room = room.id(),
                  .room_name = room.name(),
                  .connection = listener.connection,
                  .user_id = {},
                  .correlation_id = {},
                  .ticket = listener.ticket,
                  .form = listener.form,
                  .wants_members = false,
                  .recover_sequence = 0,
                  .recover_epoch = {},
                  .history_limit = 0,
                  .info = {},
                  .info_is_default = true,
                  .by_pattern = true},
         room);
}

void RoomTable::answer(const JoinRoom& join, Room& room) {
  frame_.clear();
  if (!is_raw(join.form)) {
    const HistoryKeeper::Past past = history_keeper_.look_back(join, room);
    std::optional<std::span<const std::string_view>> members;
    if (join.wants_members && room.presence) {
      listed_.clear();
      for (const proto::PresenceMember& member :
           presence_keeper_.list(room, shard_.config().queue_bytes_max / 4))
        listed_.push_back(member.user_id);
      members = listed_;
    }
    // Who recovered has what changed the values since; the others get them as they are now.
    const bool shows_state = room.state != nullptr && !past.recovered.value_or(false);
    // The others call the room by its name.
    const bool is_numbered = dialect_of(join.form) == WireForm::binary;
    proto::dialect::native_json::append_frame(
        proto::RoomJoined{.correlation_id = join.correlation_id,
                          .room = room.shown_name(),
                          .room_id = is_numbered ? room.number() : 0,
                          .sequence = room.last().value,
                          .epoch = room.epoch(),
                          .recovered = past.recovered,
                          .messages = past.messages,
                          .members = members,
                          .member_count = room.member_count(),
                          .state = shows_state ? std::optional(state_keeper_.snapshot(*room.state))
                                               : std::nullopt},
        frame_);
  }
  Joined joined = joined_to(join, room);
  joined.frame = frame_.text();
  if (join.by_pattern) joined.room_name = join.room_name;
  shard_.answer(joined);
}

void RoomTable::tell_presence() {
  for (const RoomId id : presence_keeper_.fired()) {
    const auto found = rooms_.find(id.value);
    RR_CHECK(found != rooms_.end());  // its timer ends with it
    if (!found->second->is_ending) presence_keeper_.tell(*found->second, nobody);
  }
}

void RoomTable::receive(const CatchUp& catch_up) {
  const auto found = rooms_.find(catch_up.room.value);
  if (found == rooms_.end() || found->second->is_ending) return;  // it is told of that instead
  history_keeper_.receive(catch_up, *found->second);
}

void RoomTable::reset(Room& room, std::string_view reason) {
  fanout_.seal(room);
  room.begin_epoch(static_cast<std::uint32_t>(shard_.message_ids.random()));
  room.audited = Sequence{0};
  if (room.history) room.history->clear();
  if (room.offline) room.offline->clear();
  if (room.idempotency) room.idempotency->clear();
  if (room.state) {
    // A version is a sequence, so values of the old numbering would look newer than new ones.
    shard_.footprint.state_bytes.subtract(room.state->bytes());
    room.state = std::make_unique<State>(room.options());
  }
  fanout_.reset(room, reason);
}

void RoomTable::take_from(ScopedName name) {
  Room* room = find(shard_.node.room_id(name), name);
  if (room == nullptr || !room->offline) return;
  fanout_.seal(*room);
  room->offline->acknowledge(*room->history, room->last().value);
}

void RoomTable::receive(const LeaveRoom& leave) {
  const auto found = rooms_.find(leave.room.value);
  RR_CHECK(found != rooms_.end());  // a room with listeners is never forgotten
  Room& room = *found->second;
  room.leave(CoreId{leave.connection.core}, leave.form);
  room.pattern_listeners -= leave.by_pattern ? 1 : 0;
  shard_.counters.leaves_total.add();
  room.used_ms = shard_.now_ms;
  if (room.is_ending) {
    if (room.listener_count() == 0) forget(room.id());
    return;
  }
  room_seats_.leave(room, leave);
  presence_keeper_.leave(room, leave.user_id, leave.is_broken);
  presence_keeper_.tell(room, leave.connection);
}

void RoomTable::receive(const Farewell& farewell) {
  const auto found = rooms_.find(farewell.room.value);  // none: its join was refused
  if (found != rooms_.end()) {
    // What it asked for and what has to wait is answered before it goes.
    release(*found->second, PaceKeeper::Which::all);
    fanout_.seal(*found->second);
  }
  shard_.answer(FarewellSaid{.to = farewell.connection});
}

void RoomTable::refuse(const JoinRoom& join, RefusedBecause reason) {
  shard_.counters.refused_limit_total.add();
  shard_.answer(refusal_of(join, reason));
}

void RoomTable::receive(const RoomBusy& busy) {
  // A room that was forgotten had no listeners, so nobody was busy with it.
  const auto found = rooms_.find(busy.room.value);
  if (found == rooms_.end()) return;
  std::uint32_t& cores = found->second->busy_cores;
  RR_CHECK(busy.busy || cores > 0);
  cores += busy.busy ? 1 : -1u;
}

// A room is kept as long as somebody listens, it remembers something, or was used a moment ago.
bool RoomTable::is_forgotten(const Room& room) const {
  return !room.is_used() && room.batch == nullptr && !room.conflation &&
         room.used_ms + room.options().empty_room_ms <= shard_.now_ms &&
         (!room.history || room.history->empty()) && (!room.state || room.state->size() == 0) &&
         (!room.presence || room.presence->users() == 0) && !offline_keeper_.has_untold(room);
}

void RoomTable::visit(Room& room) {
  if (room.edition != edition_ && !room.is_ending) adopt(room);
  if (room.history) room.history->expire(shard_.now_ms);
  offline_keeper_.look(room);
  pace_keeper_.visit(room);
  if (is_forgotten(room)) return forgotten_.push_back(room.id().value);
  if (room.sent == room.audited) return;
  room.audited = room.sent;
  const std::span<const Room::Hearing> hearings = room.hearings();
  for (std::size_t i = 0; i < hearings.size(); ++i)
    if (i == 0 || hearings[i].core != hearings[i - 1].core)
      shard_.send(hearings[i].core, AuditPosition{.room = room.id(), .sequence = room.sent.value});
}

void RoomTable::begin_sweep() {
  const std::size_t buckets = rooms_.bucket_count();
  sweep_left_ = std::min(buckets, sweep_left_ + 1 + buckets / bounds::sweep_rounds);
}

void RoomTable::sweep() {
  const std::size_t buckets = rooms_.bucket_count();
  for (std::size_t looks = bounds::sweep_looks_per_turn;
       looks > 0 && sweep_left_ > 0 && forgotten_.size() < bounds::sweep_ends_per_turn;
       --looks, --sweep_left_) {
    sweep_bucket_ = sweep_bucket_ + 1 < buckets ? sweep_bucket_ + 1 : 0;
    for (auto room = rooms_.begin(sweep_bucket_); room != rooms_.end(sweep_bucket_); ++room)
      visit(*room->second);
  }
  for (const std::uint64_t id : forgotten_) {
    Room& room = *rooms_.find(id)->second;
    if (room.listener_count() == 0) {
      forget(room.id());
    } else if (!room.is_ending) {
      // Patterns alone: their listeners are told, and come back with the room.
      room.rests = true;
      end(room, "empty");
    }
  }
  forgotten_.clear();
}

}  // namespace ringroom::realtime
