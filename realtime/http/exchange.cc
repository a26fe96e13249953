#include "realtime/http/exchange.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "proto/bounds.h"
#include "proto/dialect/reply.h"
#include "proto/json.h"
#include "proto/proxy_header.h"
#include "realtime/bounds.h"
#include "realtime/session/connection_text.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

Exchanges::Exchanges(Shard& shard)
    : shard_(shard), routes_(shard), out_(shard.heap), body_(shard.heap) {
  // Once for nothing (the example of RFC 6455): the library loads the algorithm when it is first
  // used, which takes a millisecond that no handshake should wait for.
  proto::accept_key("dGhlIHNhbXBsZSBub25jZQ==");
}

void Exchanges::received(Session& session, std::span<std::byte> bytes) {
  Exchange& exchange = *session.exchange;
  if (exchange.waiting) {
    // One answer at a time: the socket is paused, so no more than what was on its way comes here.
    exchange.behind.insert(exchange.behind.end(), bytes.begin(), bytes.end());
    return;
  }
  if (exchange.awaits_proxy_header && !take_proxy_header(session, bytes)) return;
  while (session.kind == SessionKind::http && session.state == SessionState::connecting) {
    const auto request = exchange.reader.next(bytes, shard_.http_pool);
    if (!request) {
      const proto::HttpErrorRow& row = proto::row_of(request.error());
      shard_.counters.protocol_errors_total.add();
      return refuse(session, row.status, row.code, row.sentence, {}, true);
    }
    if (*request == nullptr) {
      if (exchange.reader.wants_continue()) {
        out_.clear();
        proto::append_continue(out_);
        shard_.outbox.write(session.socket, out_.bytes());
      }
      return;
    }
    shard_.counters.http_requests_total.add();
    answer(session, **request);
    if (session.kind != SessionKind::http || session.state != SessionState::connecting) break;
    if (exchange.waiting) {
      exchange.behind.assign(bytes.begin(), bytes.end());
      return shard_.outbox.pause(session.socket);
    }
  }
  // What is behind the handshake are frames.
  if (session.kind != SessionKind::http && !bytes.empty())
    shard_.websockets.received(session, bytes);
}

bool Exchanges::take_proxy_header(Session& session, std::span<std::byte>& bytes) {
  Exchange& exchange = *session.exchange;
  const std::size_t before = exchange.behind.size();
  exchange.behind.insert(exchange.behind.end(), bytes.begin(), bytes.end());
  const auto header = proto::parse_proxy_header(exchange.behind);
  if (!header) {
    shard_.counters.proxy_headers_refused_total.add();
    Log::line(Log::Level::warning,
              "a trusted proxy's connection does not begin with a PROXY header, version 2");
    shard_.lifecycle.close_http(session);
    return false;
  }
  if (!header->has_value()) return false;
  bytes = bytes.subspan((*header)->size_bytes - before);
  exchange.behind = {};
  exchange.awaits_proxy_header = false;
  const auto& source = (*header)->source;
  if (!source) return !bytes.empty();  // its own: a look whether we are there
  std::ranges::copy(source->ip, session.peer.ip);
  session.peer.port = source->port;
  shard_.quotas.ask_for_address(session);
  return session.state == SessionState::connecting && !bytes.empty();
}

void Exchanges::answer(Session& session, const proto::Request& request) {
  Exchange& exchange = *session.exchange;
  if (++exchange.number == 1) shard_.admission.known();
  exchange.keep_alive = request.keep_alive;
  exchange.head_only = request.method == "HEAD";
  exchange.key = nullptr;
  exchange.is_reading = true;
  routes_.answer(session, request);
  // A handshake ends the exchange and takes the object with it.
  if (session.exchange != nullptr) session.exchange->is_reading = false;
}

void Exchanges::respond(Session& session, const Answer& answer) {
  Exchange& exchange = *session.exchange;
  const bool keep_alive = exchange.keep_alive && !answer.close && !shard_.drain.has_begun();
  out_.clear();
  proto::append_response(out_, {.status = answer.status,
                                .content_type = answer.content_type,
                                .body = std::as_bytes(std::span(answer.body)),
                                .headers = answer.headers,
                                .keep_alive = keep_alive,
                                .head_only = exchange.head_only});
  const auto sent = shard_.outbox.write(session.socket, out_.bytes());
  if (sent != engine::Outbox::Send::queued || !keep_alive)
    return shard_.lifecycle.close_http(session);
  shard_.lifecycle.await_request(session);
}

void Exchanges::refuse(Session& session, proto::ErrorCode code, std::string_view message) {
  const proto::ErrorRow& row = proto::row_of(code);
  refuse(session, row.http_status, row.name, message);
}

void Exchanges::refuse(Session& session, int status, std::string_view code,
                       std::string_view message, std::span<const proto::HttpHeader> headers,
                       bool close) {
  const auto* const known = std::ranges::find(proto::error_rows, code, &proto::ErrorRow::name);
  known != std::end(proto::error_rows) ? shard_.counters.refused(known->code)
                                       : shard_.counters.refused_otherwise();
  // Enough to find the request in a log of this process.
  const ConnectionText connection(shard_.connection_id(session));
  body_.clear();
  body_.append(R"({"error":{"code":)");
  proto::append_json_string(body_, code);
  body_.append(R"(,"message":)");
  proto::append_json_string(body_, message);
  body_.append(R"(,"request_id":")");
  body_.append(std::string_view(connection));
  body_.append('-');
  proto::append_number(body_, std::uint64_t(session.exchange->number));
  body_.append("\"}}\n");
  respond(session, {.status = status,
                    .content_type = "application/json",
                    .body = body_.text(),
                    .headers = headers,
                    .close = close});
}

std::uint32_t Exchanges::wait(Session& session) {
  session.exchange->waiting = true;
  return session.exchange->number;
}

void Exchanges::receive(Session& session, const Published& published) {
  if (!session.exchange->waiting || session.exchange->number != published.exchange) return;
  body_.clear();
  body_.append(R"({"room":)");
  proto::append_json_string(body_, published.room_name.shown());
  if (published.held_until_ms != 0) {
    body_.append(R"(,"held_until":)");
    proto::append_number(body_, published.held_until_ms / 1'000);
    body_.append("}\n");
    session.exchange->waiting = false;
    respond(session, {.status = 202, .content_type = "application/json", .body = body_.text()});
    return go_on(session);
  }
  if (published.replaced) {
    body_.append(R"(,"replaced":true)");
  } else {
    body_.append(R"(,"sequence":)");
    proto::append_number(body_, published.sequence);
    body_.append(R"(,"epoch":)");
    proto::append_json_string(body_, published.epoch);
    body_.append(R"(,"message_id":)");
    proto::append_json_string(body_, published.message_id);
    body_.append(R"(,"level":)");
    proto::append_json_string(body_, level_of(published));
  }
  body_.append("}\n");
  session.exchange->waiting = false;
  respond(session, {.status = 200, .content_type = "application/json", .body = body_.text()});
  go_on(session);
}

void Exchanges::receive(Session& session, const Refused& refused) {
  if (!session.exchange->waiting || session.exchange->number != refused.exchange) return;
  session.exchange->waiting = false;
  std::string message(row_of(refused.reason).sentence);
  if (refused.reason == RefusedBecause::conflict)
    message.append("; version ").append(std::to_string(refused.version)).append(" is there");
  refuse(session, row_of(refused.reason).code, message);
  go_on(session);
}

void Exchanges::receive(Session& session, const RoomDescribed& room) {
  if (!session.exchange->waiting || session.exchange->number != room.asker.exchange) return;
  body_.clear();
  proto::dialect::write_payload(proto::RoomInfo{.correlation_id = {}, .room = description_of(room)},
                                body_);
  body_.append('\n');
  session.exchange->waiting = false;
  respond(session, {.status = room.why == Described::created ? 201 : 200,
                    .content_type = "application/json",
                    .body = body_.text()});
  go_on(session);
}

void Exchanges::receive(Session& session, std::uint32_t exchange, const proto::RoomList& list) {
  body_.clear();
  proto::dialect::write_payload(list, body_);
  body_.append('\n');
  answer(session, exchange,
         {.status = 200, .content_type = "application/json", .body = body_.text()});
}

void Exchanges::answer(Session& session, std::uint32_t exchange, const Answer& answer) {
  if (!session.exchange->waiting || session.exchange->number != exchange) return;
  session.exchange->waiting = false;
  respond(session, answer);
  go_on(session);
}

void Exchanges::refuse(Session& session, std::uint32_t exchange, proto::ErrorCode code,
                       std::string_view message) {
  if (!session.exchange->waiting || session.exchange->number != exchange) return;
  session.exchange->waiting = false;
  refuse(session, code, message);
  go_on(session);
}

// The requests that came behind the one that waited.
void Exchanges::go_on(Session& session) {
  if (session.state != SessionState::connecting || session.exchange->is_reading) return;
  shard_.outbox.resume(session.socket);
  std::vector<std::byte> behind = std::exchange(session.exchange->behind, {});
  if (behind.empty()) return;
  const std::size_t size = behind.size();
  behind.resize(size + proto::readable_behind_bytes);
  received(session, std::span(behind).first(size));
}

}  // namespace ringroom::realtime
