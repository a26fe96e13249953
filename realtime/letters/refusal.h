#pragma once

#include "realtime/letters/membership.h"
#include "realtime/letters/publication.h"
#include "realtime/letters/refused.h"

namespace ringroom::realtime {

// How a room's home, or who speaks for it, says no to each thing that can be asked of it.

inline Refused refusal_of(const JoinRoom& join, RefusedBecause reason) {
  return {.to = join.connection,
          .room = join.room,
          .ticket = join.ticket,
          .exchange = 0,
          .correlation_id = join.correlation_id,
          .room_name = join.room_name,
          .reason = reason};
}

inline Refused refusal_of(const Publish& publish, RefusedBecause reason,
                          std::uint64_t version = 0) {
  return {.to = publish.from,
          .room = publish.room,
          .ticket = 0,
          .exchange = publish.exchange,
          .correlation_id = publish.message_id,
          .room_name = publish.room_name,
          .reason = reason,
          .version = version};
}

// Of what a client says that is in the room: UpdatePresence, Acknowledge.
template <class Said>
requires requires(const Said& said) { said.from; }
Refused refusal_of(const Said& said, RefusedBecause reason) {
  return {.to = said.from,
          .room = said.room,
          .ticket = 0,
          .exchange = 0,
          .correlation_id = said.correlation_id,
          .room_name = said.room_name,
          .reason = reason};
}

// Of what a client or a request asks: ReadHistory, CreateRoom, ...
template <class Question>
requires requires(const Question& question) { question.asker; }
Refused refusal_of(const Question& question, RefusedBecause reason) {
  return {.to = question.asker.to,
          .room = question.room,
          .ticket = 0,
          .exchange = question.asker.exchange,
          .correlation_id = question.correlation_id,
          .room_name = question.room_name,
          .reason = reason};
}

}  // namespace ringroom::realtime
