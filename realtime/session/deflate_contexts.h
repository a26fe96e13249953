#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>

#include "alloc/block.h"
#include "engine/outbox.h"
#include "proto/deflate_context.h"
#include "proto/zlib_stream.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// The connections of this core whose compression goes on from message to message
// (compression-context-takeover). Each reads and writes streams of its own, so what a room says is
// compressed here once more for each of them: the one place where a copy per listener is right.
//
//   batch of the room, plain form --send_batch()--> its frames, those that shrink compressed for
//                                                   this peer --> Outbox, copied
//
// Order: frames pass a stream in the order in which they are queued, and what is queued for the
//        socket besides (answers, pings) is not compressed, so it may stand anywhere between.
// Bound: compression-contexts-max places in the whole process; without one a connection starts each
//        message afresh, like all the others.
class DeflateContexts {
 public:
  explicit DeflateContexts(Shard& shard);
  ~DeflateContexts();
  DeflateContexts(const DeflateContexts&) = delete;
  DeflateContexts& operator=(const DeflateContexts&) = delete;

  // Before the answer to the handshake. False: the offer, the operator or the bound forbid it.
  bool open(Session& session, const proto::DeflateAgreement& agreement);
  void close(Session& session);

  // For messages of this session; nullptr: each starts afresh.
  proto::InflateStream* reading(const Session& session);

  // One message. Nothing of it is queued if it is over the limit, and no later one refers to it.
  engine::Outbox::Send send(engine::SocketId socket, proto::Opcode opcode,
                            std::span<const std::byte> payload);
  // Whole frames of ours, not compressed.
  engine::Outbox::Send send_batch(engine::SocketId socket, std::span<const std::byte> frames);

 private:
  proto::DeflateContext& context_of(engine::SocketId socket);
  void append(proto::DeflateContext& context, proto::Opcode opcode,
              std::span<const std::byte> payload);
  engine::Outbox::Send queue(engine::SocketId socket, proto::DeflateContext& context);

  Shard& shard_;
  proto::StreamMemory memory_;
  std::unordered_map<std::uint32_t, proto::DeflateContext> contexts_;  // by the socket's slot
  alloc::BlockBuilder frames_;
};

}  // namespace ringroom::realtime
