#pragma once

#include <cstddef>

#include "proto/dialect/event_json.h"
#include "proto/dialect/native_binary.h"
#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "realtime/session/commands.h"
#include "realtime/shard.h"

// How Commands answers a client, in the client's dialect: for its own files only.

namespace ringroom::realtime {

template <class Value>
void Commands::encode(const Session& session, const Value& value) {
  frame_.clear();
  const std::size_t begin = proto::begin_frame(frame_);
  proto::Opcode opcode = proto::Opcode::text;
  if (is_json(session.dialect)) {
    proto::dialect::native_json::encode(value, frame_);
  } else if (session.dialect == WireForm::event) {
    proto::dialect::event_json::encode(value, frame_);
  } else {
    proto::dialect::native_binary::encode(value, frame_);
    opcode = proto::Opcode::binary;
  }
  proto::end_frame(frame_, begin, opcode);
  shard_.counters.messages_sent_total.add();
}

template <class Value>
void Commands::reply(Session& session, const Value& value) {
  encode(session, value);
  if (shard_.outbox.write(session.socket, frame_.bytes()) == engine::Outbox::Send::over_limit)
    shard_.lifecycle.drop_slow(session.socket);
}

}  // namespace ringroom::realtime
