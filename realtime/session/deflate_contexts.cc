#include "realtime/session/deflate_contexts.h"

#include "base/check.h"
#include "proto/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

DeflateContexts::DeflateContexts(Shard& shard)
    : shard_(shard), memory_(shard.memory), frames_(shard.heap) {}

DeflateContexts::~DeflateContexts() = default;

bool DeflateContexts::open(Session& session, const proto::DeflateAgreement& agreement) {
  const Config& config = shard_.config();
  if (!config.compression_context_takeover || !proto::allows_context(agreement)) return false;
  std::atomic<std::uint64_t>& taken = shard_.node.deflate_contexts;
  if (taken.fetch_add(1, std::memory_order_relaxed) >= config.compression_contexts_max) {
    taken.fetch_sub(1, std::memory_order_relaxed);
    shard_.counters.deflate_contexts_refused_total.add();
    return false;
  }
  const bool is_new = contexts_
                          .try_emplace(session.socket.slot, memory_, agreement,
                                       static_cast<std::size_t>(config.compression_bytes_min))
                          .second;
  RR_CHECK(is_new);
  session.keeps_context = true;
  shard_.counters.deflate_contexts.add();
  return true;
}

void DeflateContexts::close(Session& session) {
  if (!session.keeps_context) return;
  session.keeps_context = false;
  RR_CHECK(contexts_.erase(session.socket.slot) == 1);
  shard_.node.deflate_contexts.fetch_sub(1, std::memory_order_relaxed);
  shard_.counters.deflate_contexts.subtract();
  shard_.counters.deflate_context_bytes.set(memory_.bytes());
}

proto::InflateStream* DeflateContexts::reading(const Session& session) {
  if (!session.keeps_context) return nullptr;
  proto::InflateStream* stream = context_of(session.socket).reading();
  shard_.counters.deflate_context_bytes.set(memory_.bytes());
  return stream;
}

engine::Outbox::Send DeflateContexts::send(engine::SocketId socket, proto::Opcode opcode,
                                           std::span<const std::byte> payload) {
  proto::DeflateContext& context = context_of(socket);
  append(context, opcode, payload);
  return queue(socket, context);
}

engine::Outbox::Send DeflateContexts::send_batch(engine::SocketId socket,
                                                 std::span<const std::byte> frames) {
  proto::DeflateContext& context = context_of(socket);
  while (!frames.empty()) {
    const proto::OwnFrame frame = proto::first_frame(frames);
    append(context, frame.opcode, frame.payload);
    frames = frames.subspan(frame.frame_bytes);
  }
  return queue(socket, context);
}

proto::DeflateContext& DeflateContexts::context_of(engine::SocketId socket) {
  const auto found = contexts_.find(socket.slot);
  RR_CHECK(found != contexts_.end());
  return found->second;
}

void DeflateContexts::append(proto::DeflateContext& context, proto::Opcode opcode,
                             std::span<const std::byte> payload) {
  const std::size_t bytes = context.append_frame(frames_, opcode, payload);
  if (bytes == 0) return;
  shard_.counters.deflate_context_messages_total.add();
  shard_.counters.deflate_context_bytes_in_total.add(payload.size());
  shard_.counters.deflate_context_bytes_out_total.add(bytes);
}

engine::Outbox::Send DeflateContexts::queue(engine::SocketId socket,
                                            proto::DeflateContext& context) {
  const bool is_large = frames_.size() > proto::pooled_buffer_bytes_max;
  const engine::Outbox::Send sent = is_large ? shard_.outbox.send(socket, frames_.finish())
                                             : shard_.outbox.write(socket, frames_.bytes());
  frames_.clear();
  // The peer will not have seen it. It is about to be closed, but what is still said to it until
  // then must be readable.
  if (sent != engine::Outbox::Send::queued) context.forget_written();
  shard_.counters.deflate_context_bytes.set(memory_.bytes());
  return sent;
}

}  // namespace ringroom::realtime
