#pragma once

#include "alloc/block.h"
#include "proto/dialect/native_json.h"
#include "realtime/letters/membership.h"
#include "realtime/letters/publication.h"
#include "realtime/room/room.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

// What a room's home answers, where several of its parts answer alike. What else one has to say is
// set by it.

inline Joined joined_to(const JoinRoom& join, const Room& room) {
  return {.to = join.connection,
          .room = join.room,
          .ticket = join.ticket,
          .form = join.form,
          .room_number = room.number(),
          .sequence = room.last().value,
          .user_id = join.user_id,
          .frame = {}};
}

// It has no number: it is ephemeral, if nothing else is said.
inline Published published_to(const Publish& publish, const Room& room) {
  return {.to = publish.from,
          .exchange = publish.exchange,
          .correlation_id = publish.message_id,
          .room_name = room.name(),
          .sequence = 0,
          .epoch = room.epoch(),
          .message_id = {},
          .since = publish.since,
          .room = publish.room};
}

// A frame for a client that asked, a JSON object for a request. `scratch` is written over.
void reply(Shard& shard, const Asker& asker, const auto& value, alloc::BlockBuilder& scratch) {
  scratch.clear();
  if (asker.exchange == 0) {
    proto::dialect::native_json::append_frame(value, scratch);
    return shard.answer(ToConnection{.to = asker.to, .frame = scratch.text()});
  }
  proto::dialect::write_payload(value, scratch);
  scratch.append('\n');
  shard.answer(Answered{.asker = asker, .body = scratch.text()});
}

}  // namespace ringroom::realtime
