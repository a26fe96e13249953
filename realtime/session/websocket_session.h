#pragma once

#include <cstddef>
#include <span>

#include "engine/outbox.h"
#include "proto/message.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// A connection after its upgrade: bytes in, whole messages to the part that its kind belongs to,
// control frames answered here.
class WebsocketSessions {
 public:
  explicit WebsocketSessions(Shard& shard) : shard_(shard) {}

  void received(Session& session, std::span<std::byte> bytes);

 private:
  void take(Session& session, const proto::Message& message);
  void take_deflated(Session& session, const proto::Message& message);
  void take_data(Session& session, const proto::Message& message);
  void echo(Session& session, const proto::Message& message);
  engine::Outbox::Send send_deflated(Session& session, const proto::Message& message);
  void publish_raw(Session& session, const proto::Message& message);

  // A frame of ours around the payload, written once: into the turn's memory, or a block if long.
  void write_frame(Session& session, proto::Opcode opcode, std::span<const std::byte> payload);
  void send_held(Session& session, proto::Opcode opcode, std::span<const std::byte> payload);

  Shard& shard_;
};

}  // namespace ringroom::realtime
