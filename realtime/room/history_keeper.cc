#include "realtime/room/history_keeper.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "proto/json_object.h"
#include "realtime/bounds.h"
#include "realtime/letters/refusal.h"
#include "realtime/room/answers.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

History::Limits limits_of(const Namespace& rules) {
  return rules.keeps_queue() ? History::Limits{.count = rules.offline_count,
                                               .age_ms = rules.offline_age_ms,
                                               .bytes = rules.offline_bytes}
                             : History::Limits{.count = rules.history_count,
                                               .age_ms = rules.history_age_ms,
                                               .bytes = rules.history_bytes};
}

}  // namespace

HistoryKeeper::HistoryKeeper(Shard& shard, Fanout& fanout, OfflineKeeper& offline_keeper,
                             Tenants& tenants)
    : shard_(shard),
      fanout_(fanout),
      offline_keeper_(offline_keeper),
      tenants_(tenants),
      frame_(shard.heap) {}

void HistoryKeeper::adopt_settings() {
  history_of_core_.bytes_max = shard_.node.share_of_core(shard_.config().history_bytes_max);
}

void HistoryKeeper::begin(Room& room) {
  const Namespace& rules = room.options();
  const bool is_queue = rules.keeps_queue();
  if (!is_queue && rules.history_count == 0) return;
  History::Budget& of_namespace = tenants_.history_of(room.name().workspace(), rules);
  room.history = std::make_unique<History>(
      limits_of(rules), History::Account{.of_namespace = of_namespace,
                                         .of_core = history_of_core_,
                                         .memory = is_queue ? shard_.footprint.offline_bytes
                                                            : shard_.footprint.history_bytes});
  if (is_queue) room.offline = std::make_unique<OfflineQueue>();
}

void HistoryKeeper::adopt(Room& room) {
  const Namespace& now = room.options();
  // Whether it is the queue of an absent user stays as it was made.
  if (now.keeps_queue() != (room.offline != nullptr)) return;
  if (!room.offline && now.history_count == 0) {
    room.history = nullptr;
  } else if (room.history) {
    room.history->adopt(limits_of(now));
  } else {
    begin(room);
  }
}

std::size_t HistoryKeeper::look_back_bytes_max() const {
  return std::min<std::size_t>(shard_.config().queue_bytes_max / 2, bounds::look_back_bytes_max);
}

HistoryKeeper::Past HistoryKeeper::look_back(const JoinRoom& join, Room& room) {
  messages_.clear();
  if (room.history) room.history->expire(shard_.now_ms);
  const std::optional<bool> recovered = recover(join, room);
  // The newest, in the order they were said.
  if (!recovered.value_or(false) && join.history_limit > 0 && room.history)
    room.history->newest(0, History::Pick::all, join.history_limit, look_back_bytes_max(),
                         messages_, PermissionView::of(join.permissions));
  return {.recovered = recovered, .messages = messages_};
}

std::optional<bool> HistoryKeeper::recover(const JoinRoom& join, const Room& room) {
  if (join.recover_epoch.empty()) return std::nullopt;
  const std::uint64_t last = room.last().value;
  bool recovered = join.recover_epoch == room.epoch();
  if (!room.history) {
    // There is still nothing to miss where nothing was said.
    recovered = recovered && join.recover_sequence == last;
  } else if (recovered) {
    recovered =
        room.history->since(join.recover_sequence, last, room.options().recovery_messages_max,
                            look_back_bytes_max(), messages_,
                            PermissionView::of(join.permissions)) == History::Recovery::complete;
  }
  if (recovered) {
    shard_.counters.recoveries_complete_total.add();
    shard_.counters.recovered_messages_total.add(messages_.size());
  } else {
    shard_.counters.recoveries_failed_total.add();
  }
  return recovered;
}

void HistoryKeeper::receive(const ReadHistory& read, Room* found) {
  if (found == nullptr) return shard_.answer(refusal_of(read, RefusedBecause::no_room));
  Room& room = *found;
  if (!room.history) return shard_.answer(refusal_of(read, RefusedBecause::no_history));
  fanout_.seal(room);  // what is being gathered is said already
  room.history->expire(shard_.now_ms);
  const std::uint64_t last = room.last().value;
  const PermissionView reader = PermissionView::of(read.permissions);
  std::uint64_t from = read.reverse ? last + 1 : room.history->oldest().value_or(last + 1) - 1;
  if (!read.since_epoch.empty()) {
    from = read.since_sequence;
    // Never partial: a hole between the position and what is kept is said, not skipped.
    const bool is_gone = read.since_epoch != room.epoch() || from > last + 1 ||
                         (!read.reverse && from < last && room.history->has_lost(from, reader));
    if (is_gone) return shard_.answer(refusal_of(read, RefusedBecause::unrecoverable));
  }
  room.history->read(from, read.reverse, read.limit, look_back_bytes_max(), messages_, reader);
  const proto::HistoryPage page{.correlation_id = read.correlation_id,
                                .room = room.shown_name(),
                                .messages = messages_,
                                .sequence = last,
                                .epoch = room.epoch()};
  if (read.asker.exchange != 0) return reply(shard_, read.asker, page, frame_);
  frame_.clear();
  proto::dialect::native_json::append_frame(page, frame_);
  shard_.answer(HistoryRead{.to = read.asker.to,
                            .edition = read.edition,
                            .correlation_id = read.correlation_id,
                            .room_name = room.shown_name(),
                            .frame = frame_.text()});
}

void HistoryKeeper::receive(const ClearHistory& clear, Room* found) {
  if (found == nullptr) return shard_.answer(refusal_of(clear, RefusedBecause::no_room));
  Room& room = *found;
  if (!room.history) return shard_.answer(refusal_of(clear, RefusedBecause::no_history));
  fanout_.seal(room);  // what is being gathered is said already
  const std::size_t cleared = room.history->size();
  if (room.offline) {
    offline_keeper_.look(room);
    room.offline->acknowledge(*room.history, room.last().value);
  } else {
    room.history->clear();
  }
  frame_.clear();
  proto::JsonObject answer(frame_);
  answer.text("room", room.shown_name());
  answer.number("cleared", cleared);
  answer.number("sequence", room.last().value);
  answer.text("epoch", room.epoch());
  answer.end();
  frame_.append('\n');
  shard_.answer(Answered{.asker = clear.asker, .body = frame_.text()});
}

void HistoryKeeper::receive(const CatchUp& catch_up, Room& room) {
  fanout_.seal(room);
  messages_.clear();
  if (room.history) {
    room.history->expire(shard_.now_ms);
    room.history->newest(catch_up.since,
                         room.options().slow_consumer == SlowPolicy::keep_latest
                             ? History::Pick::last_of_key
                             : History::Pick::all,
                         room.options().recovery_messages_max, look_back_bytes_max(), messages_,
                         PermissionView::of(catch_up.permissions));
  }
  frame_.clear();
  for (const std::string_view message : messages_)
    proto::append_frame(frame_, proto::Opcode::text, std::as_bytes(std::span(message)));
  shard_.answer(CaughtUp{.room = room.id(),
                         .to = catch_up.to,
                         .ticket = catch_up.ticket,
                         .sequence = room.last().value,
                         .frames = frame_.text()});
}

}  // namespace ringroom::realtime
