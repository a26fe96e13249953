#include "realtime/room/presence_keeper.h"

#include <algorithm>

#include "base/check.h"
#include "proto/dialect/reply.h"
#include "proto/json_object.h"
#include "realtime/bounds.h"
#include "realtime/letters/refusal.h"
#include "realtime/room/answers.h"
#include "realtime/room/fanout.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

using Difference = Presence::Difference;

void write_member(alloc::BlockBuilder& out, std::string_view user_id, std::string_view info) {
  proto::JsonObject object(out);
  object.text("user_id", user_id);
  object.raw_if_any("info", info);
  object.end();
}

}  // namespace

PresenceKeeper::PresenceKeeper(Shard& shard, Fanout& fanout)
    : shard_(shard),
      fanout_(fanout),
      timers_(shard, bounds::presence_cookie),
      payload_(shard.heap) {}

void PresenceKeeper::begin(Room& room) {
  if (!room.options().presence) return;
  room.presence = std::make_unique<Presence>(room.options(), shard_.memory, shard_.node.hash_seed);
  shard_.footprint.presence_bytes.add(room.presence->bytes());
}

void PresenceKeeper::end(Room& room) {
  if (!room.presence) return;
  timers_.cancel(room.presence_timer);
  shard_.footprint.presence_bytes.subtract(room.presence->bytes());
}

void PresenceKeeper::change(Room& room, auto&& f) {
  const std::size_t before = room.presence->bytes();
  f(*room.presence);
  shard_.footprint.presence_bytes.add(room.presence->bytes() - before);
}

void PresenceKeeper::enter(Room& room, const JoinRoom& join) {
  if (!room.presence || join.user_id.empty()) return;
  // The newcomer is not told what happens with it, so all else has to be told before: its list
  // would keep somebody whose grace ended at this very moment.
  tell(room, nobody);
  change(room, [&](Presence& presence) {
    const bool says_nothing_new = join.info_is_default && presence.connections_of(join.user_id);
    presence.enter(join.user_id, says_nothing_new ? std::string_view() : join.info, shard_.now_ms);
  });
}

void PresenceKeeper::leave(Room& room, std::string_view user_id, bool is_broken) {
  if (!room.presence || user_id.empty()) return;
  tell(room, nobody);
  const Presence::Why why = is_broken ? Presence::Why::broken : Presence::Why::left;
  change(room, [&](Presence& presence) { presence.leave(user_id, why, shard_.now_ms); });
}

bool PresenceKeeper::update(Room& room, std::string_view user_id, std::string_view info) {
  if (!room.presence) return false;
  tell(room, nobody);
  bool is_member = false;
  change(room,
         [&](Presence& presence) { is_member = presence.update(user_id, info, shard_.now_ms); });
  return is_member;
}

void PresenceKeeper::tell(Room& room, const ConnectionId& about) {
  if (!room.presence) return;
  Presence& presence = *room.presence;
  change(room, [this](Presence& known) { known.advance(shard_.now_ms); });
  if (presence.is_due(shard_.now_ms)) {
    // In a drain everybody leaves, and comes back where others are told of it.
    const bool is_heard =
        room.has_members_listening() && !shard_.node.draining.load(std::memory_order_relaxed);
    if (is_heard && fanout_.space(room) != Fanout::Space::free) {
      // Its listeners do not keep up. What comes and goes until they do cancels out.
      presence.put_off(shard_.now_ms);
    } else {
      if (is_heard) presence.is_batch() ? tell_batch(room) : tell_each(room, about);
      change(room, [](Presence& told) { told.told(); });
    }
  }
  see_to(room);
}

void PresenceKeeper::announce(Room& room, std::string_view type, const ConnectionId& about) {
  const auto id = shard_.message_ids.next(shard_.wall_ms).text();
  shard_.counters.presence_told_total.add();
  fanout_.announce(room,
                   proto::Publication{.type = type,
                                      .room = room.shown_name(),
                                      .sequence = 0,
                                      .message_id = {id.data(), id.size()},
                                      .correlation_id = {},
                                      .sender = {},
                                      .timestamp_ms = shard_.wall_ms,
                                      .payload = payload_.text()},
                   about);
}

void PresenceKeeper::tell_each(Room& room, const ConnectionId& about) {
  constexpr struct {
    Difference kind;
    std::string_view type;
  } rows[] = {{Difference::left, "user_left"},
              {Difference::joined, "user_joined"},
              {Difference::updated, "user_updated"}};
  for (const auto& row : rows) {
    room.presence->each(row.kind, [&](std::string_view user_id, std::string_view info) {
      payload_.clear();
      write_member(payload_, user_id, row.kind == Difference::left ? std::string_view() : info);
      announce(room, row.type, about);
    });
  }
}

void PresenceKeeper::tell_batch(Room& room) {
  const Presence& presence = *room.presence;
  const std::size_t differences = presence.count(Difference::joined) +
                                  presence.count(Difference::left) +
                                  presence.count(Difference::updated);
  if (differences == 0) return;  // all of it has cancelled out
  proto::PresenceDiff diff{
      .room = room.shown_name(), .names = std::nullopt, .count = presence.users()};
  if (differences <= room.options().presence_listed_max) {
    joined_.clear(), updated_.clear(), left_.clear();
    presence.each(Difference::joined, [this](std::string_view user_id, std::string_view info) {
      joined_.push_back({.user_id = user_id, .info = info});
    });
    presence.each(Difference::left,
                  [this](std::string_view user_id, std::string_view) { left_.push_back(user_id); });
    presence.each(Difference::updated, [this](std::string_view user_id, std::string_view info) {
      updated_.push_back({.user_id = user_id, .info = info});
    });
    diff.names = proto::PresenceDiff::Names{.joined = joined_, .left = left_, .updated = updated_};
  }
  payload_.clear();
  proto::dialect::write_payload(diff, payload_);
  if (payload_.size() > shard_.config().queue_bytes_max / 4) {
    // Nobody shall be closed as a slow listener for having many neighbours.
    diff.names.reset();
    payload_.clear();
    proto::dialect::write_payload(diff, payload_);
  }
  announce(room, "presence_diff", nobody);
}

std::span<const proto::PresenceMember> PresenceKeeper::list(const Room& room,
                                                            std::size_t bytes_max) {
  listed_.clear();
  std::size_t bytes_left = bytes_max;
  room.presence->list(
      room.options().presence_listed_max,
      [&](std::string_view user_id, std::uint32_t connections, std::string_view info) {
        // A name may double by escaping; the keys around it take less than 64.
        const std::size_t bytes = 2 * user_id.size() + info.size() + 64;
        bytes_left -= std::min(bytes_left, bytes);
        if (bytes_left == 0) return;
        listed_.push_back({.user_id = user_id, .connections = connections, .info = info});
      });
  return listed_;
}

void PresenceKeeper::receive(const ReadPresence& read, Room* found) {
  if (found == nullptr) return shard_.answer(refusal_of(read, RefusedBecause::no_room));
  Room& room = *found;
  if (!room.presence) return shard_.answer(refusal_of(read, RefusedBecause::no_presence));
  tell(room, nobody);  // who is gone by now is not listed
  std::optional<std::span<const proto::PresenceMember>> members;
  if (!read.counts_only) members = list(room, shard_.config().queue_bytes_max / 2);
  reply(shard_, read.asker,
        proto::PresenceList{.correlation_id = read.correlation_id,
                            .room = room.shown_name(),
                            .members = members,
                            .count = room.presence->users(),
                            .connections = room.presence->connections()},
        payload_);
}

void PresenceKeeper::receive(const UpdatePresence& said, Room* found) {
  if (found == nullptr) return shard_.answer(refusal_of(said, RefusedBecause::not_a_member));
  Room& room = *found;
  if (!room.presence) return shard_.answer(refusal_of(said, RefusedBecause::no_presence));
  if (!update(room, said.user_id, said.info))
    return shard_.answer(refusal_of(said, RefusedBecause::not_a_member));
  if (!said.correlation_id.empty())
    reply(shard_, {.to = said.from, .exchange = 0},
          proto::Ack{.correlation_id = said.correlation_id, .room = room.shown_name()}, payload_);
  tell(room, nobody);
}

void PresenceKeeper::see_to(Room& room) {
  timers_.set(room.presence_timer, room.id(), room.presence->next_ms().value_or(0));
}

}  // namespace ringroom::realtime
