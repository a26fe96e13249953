#include "realtime/room/pace_keeper.h"

#include <bit>
#include <limits>

#include "realtime/bounds.h"
#include "realtime/room/fanout.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

PaceKeeper::PaceKeeper(Shard& shard, const Fanout& fanout)
    : shard_(shard), fanout_(fanout), timers_(shard, bounds::pace_cookie) {}

bool PaceKeeper::holds(const Publish& publish, Room& room, std::uint64_t message_key) {
  const TypePace* pace = room.options().paces.find(publish.type);
  if (pace == nullptr || shard_.drain.has_begun()) return false;
  // The raw dialect has no types, and no words for what becomes of a message. One that has waited
  // for its hours was promised to be heard.
  if (publish.can_wait || publish.waited) return false;
  if (!room.conflation) room.conflation = std::make_unique<Conflation>();
  const bool has_key = !publish.key.empty();
  const std::uint64_t stream =
      shard_.node.hash(publish.type) ^
      std::rotl(shard_.node.hash(has_key ? publish.key : publish.sender), has_key ? 32 : 31) ^
      std::rotl(publish.permission, 17);  // what few may hear replaces nothing that all do
  switch (room.conflation->put(stream, *pace, publish, message_key, shard_.now_ms)) {
    case Conflation::Put::passes:
      return false;
    case Conflation::Put::waits:
      break;
    case Conflation::Put::repeats:
      shard_.counters.duplicates_total.add();
      return true;
    case Conflation::Put::replaces:
      tell_displaced(room);
      break;
    case Conflation::Put::full:
      shard_.rooms.refuse(publish, RefusedBecause::overloaded);
      return true;
  }
  shard_.counters.paced_total.add();
  // What is due by now has a timer already, that fires in this turn or tries again.
  const std::uint64_t due_ms = room.conflation->due_ms(), armed_ms = room.pace_timer.due_ms;
  if (due_ms > shard_.now_ms && (armed_ms == 0 || due_ms < armed_ms))
    timers_.set(room.pace_timer, room.id(), due_ms);
  return true;
}

void PaceKeeper::tell_displaced(Room& room) {
  shard_.counters.paced_replaced_total.add();
  const Conflation::Waiting& displaced = room.conflation->displaced();
  // Sent again it must not come back as the newest.
  if (displaced.message_key != 0)
    shard_.rooms.remember(room,
                          {.key = displaced.message_key, .sequence = 0, .at_ms = shard_.now_ms});
  if (!displaced.wants_answer) return;
  shard_.answer(Published{.to = displaced.from,
                          .exchange = displaced.exchange,
                          .correlation_id = displaced.message_id,
                          .room_name = room.name(),
                          .sequence = 0,
                          .epoch = {},
                          .message_id = {},
                          .replaced = true});
}

const Conflation::Waiting* PaceKeeper::next(Room& room, Which which) {
  if (which == Which::all)
    return room.conflation->take(shard_.now_ms, std::numeric_limits<std::uint64_t>::max());
  // While its listeners do not keep up a newer one may still take the place of what is due.
  if (fanout_.space(room) != Fanout::Space::free) return nullptr;
  return room.conflation->take(shard_.now_ms, shard_.now_ms);
}

void PaceKeeper::see_to(Room& room) {
  const std::uint64_t due_ms = room.conflation->due_ms();
  timers_.set(
      room.pace_timer, room.id(),
      due_ms == 0 || due_ms > shard_.now_ms ? due_ms : shard_.now_ms + bounds::pace_retry_ms);
}

void PaceKeeper::visit(Room& room) {
  if (room.conflation && room.conflation->is_idle(shard_.now_ms)) room.conflation.reset();
}

}  // namespace ringroom::realtime
