#include "realtime/session/websocket_session.h"

#include <cstring>
#include <optional>

#include "proto/frame.h"
#include "realtime/session/security_log.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

void WebsocketSessions::received(Session& session, std::span<std::byte> bytes) {
  shard_.lifecycle.heard(session);
  while (session.state != SessionState::draining) {
    if (session.awaits_greeting) return shard_.greetings.hold(session, bytes);
    const auto message = session.messages.next(
        bytes, shard_.message_pool, shard_.config().message_bytes_max,
        session.deflate_window_bits != 0 ? proto::Coding::deflated : proto::Coding::plain);
    if (!message) {
      shard_.counters.protocol_errors_total.add();
      return shard_.lifecycle.close(session, message.error());
    }
    if (!message->has_value()) return;
    take(session, **message);
  }
}

void WebsocketSessions::take(Session& session, const proto::Message& message) {
  switch (message.opcode) {
    case proto::Opcode::text:
    case proto::Opcode::binary:
      if (message.coding == proto::Coding::deflated) return take_deflated(session, message);
      return take_data(session, message);
    case proto::Opcode::ping:
      return write_frame(session, proto::Opcode::pong, message.payload);
    case proto::Opcode::pong:
      return;  // being heard was all
    case proto::Opcode::close:
      // The peer's code goes back to it (RFC 6455, 5.5.1).
      return shard_.lifecycle.answer_close(session, message.close_code);
    case proto::Opcode::continuation:
      break;
  }
  RR_CHECK(false);  // the reader puts fragments together
}

void WebsocketSessions::take_deflated(Session& session, const proto::Message& message) {
  const auto inflated = shard_.inflater.inflate(message, shard_.config().message_bytes_max,
                                                shard_.deflate_contexts.reading(session));
  if (inflated) {
    take_data(session, *inflated);
  } else {
    shard_.counters.protocol_errors_total.add();
    const bool is_broken = inflated.error() == proto::CloseCode::invalid_payload;
    shard_.lifecycle.close(
        session, inflated.error(),
        is_broken ? "a compressed message is no deflate stream, or its text is not UTF-8" : "");
  }
  shard_.inflater.release_large();
}

void WebsocketSessions::take_data(Session& session, const proto::Message& message) {
  shard_.counters.messages_received_total.add();
  switch (session.kind) {
    case SessionKind::echo:
      return echo(session, message);
    case SessionKind::raw:
      return publish_raw(session, message);
    case SessionKind::native:
      // Each dialect is of one kind of frame.
      if ((message.opcode == proto::Opcode::binary) != (session.dialect == WireForm::binary))
        return shard_.lifecycle.close(
            session, proto::CloseCode::unsupported_data,
            session.dialect == WireForm::binary
                ? "this connection speaks ringroom.v1.bin; send binary messages"
                : "");
      return shard_.commands.run(session, message.payload);
    case SessionKind::http:
      break;
  }
  RR_CHECK(false);
}

void WebsocketSessions::write_frame(Session& session, proto::Opcode opcode,
                                    std::span<const std::byte> payload) {
  if (payload.size() >= bounds::held_frame_bytes_min) return send_held(session, opcode, payload);
  const proto::EncodedHeader header = proto::encode(
      {.opcode = opcode, .final = true, .compressed = false, .payload_bytes = payload.size()});
  const std::span<std::byte> room = shard_.outbox.reserve(sizeof(header.bytes) + payload.size());
  // A size known to the compiler is two stores; what is too long of it the payload covers.
  std::memcpy(room.data(), header.bytes.data(), sizeof(header.bytes));
  if (!payload.empty()) {
    std::memcpy(room.data() + header.size_bytes, payload.data(), payload.size());
  }
  if (shard_.outbox.commit(session.socket, header.size_bytes + payload.size()) ==
      engine::Outbox::Send::over_limit)
    shard_.lifecycle.drop_slow(session.socket);
}

void WebsocketSessions::send_held(Session& session, proto::Opcode opcode,
                                  std::span<const std::byte> payload) {
  alloc::BlockBuilder frame(shard_.heap);
  frame.reserve(proto::frame_header_bytes_max + payload.size());
  proto::append_frame(frame, opcode, payload);
  if (shard_.outbox.send(session.socket, frame.finish()) == engine::Outbox::Send::over_limit)
    shard_.lifecycle.drop_slow(session.socket);
}

void WebsocketSessions::echo(Session& session, const proto::Message& message) {
  shard_.counters.messages_sent_total.add();
  if (session.deflate_window_bits == 0)
    return write_frame(session, message.opcode, message.payload);
  if (send_deflated(session, message) == engine::Outbox::Send::over_limit)
    shard_.lifecycle.drop_slow(session.socket);
}

engine::Outbox::Send WebsocketSessions::send_deflated(Session& session,
                                                      const proto::Message& message) {
  if (session.keeps_context)
    return shard_.deflate_contexts.send(session.socket, message.opcode, message.payload);
  alloc::BlockBuilder frame(shard_.heap);
  shard_.append_deflated(frame, message.opcode, message.payload, session.deflate_window_bits);
  return shard_.outbox.send(session.socket, frame.finish());
}

void WebsocketSessions::publish_raw(Session& session, const proto::Message& message) {
  if (session.raw == nullptr || !session.raw->publishes) {
    constexpr std::string_view because =
        "mode=subscribe only listens; connect with mode=publish or both";
    log_security(shard_, session, SecurityEvent::authz_refusal, because,
                 session.raw == nullptr ? std::string_view() : session.raw->name.shown());
    return shard_.lifecycle.close(session, proto::CloseCode::forbidden, because);
  }
  if (shard_.rate_limits.limits_commands() && shard_.rate_limits.publish_raw(session)) {
    shard_.counters.rate_closes_total.add();  // no words to refuse one message with
    log_security(shard_, session, SecurityEvent::limit_hit, "a limit of raw messages",
                 session.raw->name.shown());
    return shard_.lifecycle.close(session, proto::CloseCode::rate);
  }
  const RawTarget& target = *session.raw;
  const CoreId home = shard_.node.home_of(target.room);
  if (!shard_.accepts_mail(home, message.payload.size())) {
    // The dialect has no words to refuse one message with.
    shard_.counters.refused_limit_total.add();
    return shard_.lifecycle.close(session, proto::CloseCode::try_later);
  }
  shard_.send(home,
              Publish{.room = target.room,
                      .room_name = target.name,
                      .from = shard_.connection_id(session),
                      .type = "room_message",
                      .sender = session.user ? session.user->id() : "",
                      .message_id = {},
                      .payload = {reinterpret_cast<const char*>(message.payload.data()),
                                  message.payload.size()},
                      .payload_kind = message.opcode == proto::Opcode::text ? PayloadKind::text
                                                                            : PayloadKind::binary,
                      .ephemeral = false,
                      .can_wait = true,
                      .wants_answer = false,
                      .exchange = 0,
                      .exclude = nobody,
                      .since = shard_.stages.stamp()});
}

}  // namespace ringroom::realtime
