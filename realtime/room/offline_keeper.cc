#include "realtime/room/offline_keeper.h"

#include <limits>
#include <span>
#include <string>

#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "realtime/letters/refusal.h"
#include "realtime/room/answers.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace native_json = proto::dialect::native_json;

OfflineKeeper::OfflineKeeper(Shard& shard, Fanout& fanout)
    : shard_(shard), fanout_(fanout), frames_(shard.heap) {}

void OfflineKeeper::look(Room& room) {
  if (!room.offline) return;
  shard_.counters.offline_dropped_total.add(
      room.offline->newly_dropped(*room.history, room.sent.value));
}

bool OfflineKeeper::has_untold(const Room& room) const {
  return room.offline && room.offline->dropped(*room.history, room.sent.value) > 0 &&
         room.used_ms + room.options().offline_age_ms > shard_.now_ms;
}

void OfflineKeeper::greet(const JoinRoom& join, Room& room) {
  if (room.history) room.history->expire(shard_.now_ms);
  messages_.clear();
  frames_.clear();
  const std::uint64_t position = room.offline ? bring(join, room) : recover(join, room);
  for (const std::string_view message : messages_)
    proto::append_frame(frames_, proto::Opcode::text, std::as_bytes(std::span(message)));
  Joined joined = joined_to(join, room);
  joined.frame = frames_.empty() ? "" : frames_.text();
  joined.greets = true;
  joined.position = position;
  joined.epoch = room.epoch();
  shard_.answer(joined);
}

std::uint64_t OfflineKeeper::bring(const JoinRoom& join, Room& room) {
  const std::uint64_t last = room.last().value;
  OfflineQueue& queue = *room.offline;
  look(room);
  if (!join.zone.empty()) queue.zone = TimeZone::find(join.zone);
  if (join.recover_epoch == room.epoch() && join.recover_sequence <= last)
    queue.acknowledge(*room.history, join.recover_sequence);
  tell_dropped(queue.dropped(*room.history, last));
  // All of it fits: settle() holds offline-bytes against the queue of a connection.
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  const std::uint64_t position = queue.position(*room.history, last);
  room.history->read(position, false, all, all, messages_, PermissionView::of(join.permissions));
  shard_.counters.offline_brought_total.add(messages_.size());
  return position;
}

std::uint64_t OfflineKeeper::recover(const JoinRoom& join, Room& room) {
  const std::uint64_t last = room.last().value;
  if (!room.history || join.recover_epoch != room.epoch()) return last;
  const auto recovery = room.history->since(
      join.recover_sequence, last, room.options().recovery_messages_max,
      shard_.config().queue_bytes_max / 2, messages_, PermissionView::of(join.permissions));
  return recovery == History::Recovery::complete ? join.recover_sequence : last;
}

void OfflineKeeper::tell_dropped(std::uint64_t dropped) {
  if (dropped == 0) return;
  const std::string sentence =
      std::to_string(dropped) +
      " messages for you were dropped before you acknowledged them; load anew what they were about";
  native_json::append_frame(proto::SystemMessage{.code = "offline_overflow",
                                                 .message = sentence,
                                                 .timestamp_ms = shard_.wall_ms,
                                                 .count = dropped},
                            frames_);
}

void OfflineKeeper::receive(const Acknowledge& acknowledge, Room* room) {
  if (room == nullptr || acknowledge.epoch != room->epoch())
    return shard_.answer(refusal_of(acknowledge, RefusedBecause::other_epoch));
  if (!room->offline) return shard_.answer(refusal_of(acknowledge, RefusedBecause::no_queue));
  if (acknowledge.sequence > room->last().value)
    return shard_.answer(refusal_of(acknowledge, RefusedBecause::not_said_yet));
  fanout_.seal(*room);  // what is cut off has to be there
  look(*room);
  room->offline->acknowledge(*room->history, acknowledge.sequence);
  shard_.counters.acknowledgements_total.add();
  if (acknowledge.correlation_id.empty()) return;
  alloc::BlockBuilder frame(shard_.heap);
  native_json::append_frame(proto::Ack{.correlation_id = acknowledge.correlation_id,
                                       .room = room->shown_name(),
                                       .sequence = room->offline->acknowledged(),
                                       .epoch = room->epoch()},
                            frame);
  shard_.answer(ToConnection{.to = acknowledge.from, .frame = frame.text()});
}

}  // namespace ringroom::realtime
