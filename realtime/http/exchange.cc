#include "realtime/http/exchange.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "proto/bounds.h"
#include "proto/dialect/reply.h"
#include "proto/json_object.h"
#include "proto/proxy_header.h"
#include "realtime/bounds.h"
#include "realtime/session/connection_text.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

Exchanges::Exchanges(Shard& shard)
    : shard_(shard), routes_(shard), out_(shard.heap), body_(shard.heap), problem_(shard.heap) {
  // Once for nothing (the example of RFC 6455): the library loads the algorithm when it is first
  // used, which takes a millisecond that no handshake should wait for.
  proto::accept_key("dGhlIHNhbXBsZSBub25jZQ==");
}

void Exchanges::received(Session& session, std::span<std::byte> bytes) {
  Exchange& exchange = *session.exchange;
  if (exchange.is_over) return;
  if (exchange.is_paused) {
    // No more than what was on its way when the socket was paused.
    exchange.behind.insert(exchange.behind.end(), bytes.begin(), bytes.end());
    return;
  }
  if (exchange.awaits_proxy_header && !take_proxy_header(session, bytes)) return;
  read(session, bytes);
}

void Exchanges::read(Session& session, std::span<std::byte> bytes) {
  while (session.kind == SessionKind::http && session.state == SessionState::connecting) {
    Exchange& exchange = *session.exchange;
    // A server that goes answers what it has begun.
    if (shard_.drain.has_begun() && exchange.is_waiting()) exchange.is_over = true;
    if (exchange.is_over) return;
    if (!may_read(session)) return bytes.empty() ? void() : pause(session, bytes);

    const bool begins_here = exchange.reader.is_idle();
    const std::span<std::byte> whole = bytes;
    const auto request = exchange.reader.next(bytes, shard_.http_pool);
    if (!request) {
      const proto::HttpErrorRow& row = proto::row_of(request.error());
      shard_.counters.protocol_errors_total.add();
      exchange.calls.push_back({.number = exchange.number + 1});
      return refuse(
          session,
          {.status = row.status, .code = row.code, .message = row.sentence, .close = true});
    }
    if (*request == nullptr) return let_continue(session);
    const Routes::Found found = routes_.find(session, **request);
    if (!found.flows && exchange.is_waiting()) {
      exchange.awaits_all = true;
      if (!begins_here) {
        exchange.held = std::make_unique<HeldRequest>(**request);
        return pause(session, bytes);
      }
      exchange.reader.reset();
      return pause(session, whole);  // it is read again when its turn has come
    }
    begin(session, **request, found);
  }
  // What is behind the handshake are frames.
  if (session.kind != SessionKind::http && !bytes.empty())
    shard_.websockets.received(session, bytes);
}

bool Exchanges::may_read(Session& session) {
  Exchange& exchange = *session.exchange;
  // Whoever asks on and on and reads nothing waits, instead of being closed for what is queued.
  const std::size_t unread_max = shard_.config().queue_bytes_max / 4;
  if (!exchange.awaits_reader && shard_.outbox.queued_bytes(session.socket) > unread_max) {
    exchange.awaits_reader = true;
    shard_.outbox.tell_when_drained(session.socket);
  }
  return !exchange.awaits_reader && exchange.takes_more();
}

void Exchanges::drained(engine::SocketId socket) {
  Session* session = shard_.sessions.find(socket);
  if (session == nullptr || session->kind != SessionKind::http ||
      session->state != SessionState::connecting)
    return;
  session->exchange->awaits_reader = false;
  go_on(*session);
}

// It is an answer too, and comes behind those of the requests before.
void Exchanges::let_continue(Session& session) {
  if (session.exchange->is_waiting() || !session.exchange->reader.wants_continue()) return;
  out_.clear();
  proto::append_continue(out_);
  shard_.outbox.write(session.socket, out_.bytes());
}

void Exchanges::pause(Session& session, std::span<const std::byte> behind) {
  session.exchange->behind.assign(behind.begin(), behind.end());
  session.exchange->is_paused = true;
  shard_.outbox.pause(session.socket);
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

namespace {

// What a request is called: as the client said, or enough to find it in a log of this process.
class RequestId {
 public:
  RequestId(const ConnectionId& connection, const Call& call) : text_(call.request_id) {
    if (!text_.empty()) return;
    const ConnectionText text(connection);
    char* end = std::ranges::copy(std::string_view(text), ours_).out;
    *end++ = '-';
    end = std::to_chars(end, std::end(ours_), call.number).ptr;
    text_ = {ours_, static_cast<std::size_t>(end - ours_)};
  }
  RequestId(const RequestId&) = delete;
  operator std::string_view() const { return text_; }

 private:
  std::string_view text_;
  char ours_[40];  // 20 of the connection, 10 of the number
};

// What a client calls its request, if we can say it back: 1 to 128 visible characters.
bool is_request_id(std::string_view id) {
  return !id.empty() && id.size() <= proto::id_bytes_max &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

void Exchanges::begin(Session& session, const proto::Request& request, const Routes::Found& found) {
  Exchange& exchange = *session.exchange;
  shard_.counters.http_requests_total.add();
  if (++exchange.number == 1) shard_.admission.known();
  Call& call = exchange.calls.push_back({.number = exchange.number,
                                         .keep_alive = request.keep_alive,
                                         .head_only = request.method == "HEAD"});
  const std::string_view id = request.header("X-Request-Id");
  if (is_request_id(id)) call.request_id = id;
  exchange.is_over = !request.keep_alive;
  exchange.is_reading = true;
  routes_.answer(session, request, found);
  // A handshake ends the exchange and takes the object with it.
  if (session.exchange == nullptr) return;
  exchange.is_reading = false;
  exchange.is_alone = !found.flows && exchange.is_waiting();
  exchange.reader.reset();
}

Exchanges::Problem Exchanges::problem_of(proto::ErrorCode code, std::string_view message) {
  const proto::ErrorRow& row = proto::row_of(code);
  return {.status = row.http_status, .code = row.name, .message = message};
}

Call& Exchanges::current(Session& session) {
  Exchange& exchange = *session.exchange;
  // Nobody has asked: the connection ends for another reason.
  if (exchange.calls.empty() || exchange.calls.back().is_answered)
    exchange.calls.push_back({.number = exchange.number});
  return exchange.calls.back();
}

void Exchanges::respond(Session& session, const Answer& answer) {
  if (Batches::is_beginning(session))
    return shard_.batches.reply(session, Batches::command(session), answer.status, answer.body);
  settle(session, current(session), answer);
}

void Exchanges::refuse(Session& session, const Problem& problem) {
  if (Batches::is_beginning(session))
    return shard_.batches.reply(session, Batches::command(session), problem.status,
                                write_problem(problem, id_of_batch(session)));
  settle(session, current(session), problem);
}

std::string_view Exchanges::id_of_batch(Session& session) {
  Call& call = current(session);
  if (call.request_id.empty()) call.request_id = RequestId(shard_.connection_id(session), call);
  return call.request_id;
}

std::uint32_t Exchanges::wait(Session& session) {
  return Batches::is_beginning(session) ? Batches::command(session)
                                        : session.exchange->calls.back().number;
}

void Exchanges::answer(Session& session, std::uint32_t exchange, const Answer& answer) {
  if (Batches::holds(session, exchange))
    return shard_.batches.reply(session, exchange, answer.status, answer.body);
  Call* call = session.exchange->find(exchange);
  if (call == nullptr) return;
  settle(session, *call, answer);
  go_on(session);
}

void Exchanges::answer(Session& session, std::uint32_t exchange, std::string_view json,
                       int status) {
  answer(session, exchange, {.status = status, .content_type = "application/json", .body = json});
}

void Exchanges::refuse(Session& session, std::uint32_t exchange, const Problem& problem) {
  if (Batches::holds(session, exchange))
    return shard_.batches.reply(session, exchange, problem.status,
                                write_problem(problem, id_of_batch(session)));
  Call* call = session.exchange->find(exchange);
  if (call == nullptr) return;
  settle(session, *call, problem);
  go_on(session);
}

void Exchanges::settle(Session& session, Call& call, const Problem& problem) {
  std::vector<proto::HttpHeader> headers(problem.headers.begin(), problem.headers.end());
  const std::string seconds = std::to_string((problem.retry_after_ms.value_or(0) + 999) / 1'000);
  if (problem.retry_after_ms) headers.push_back({"Retry-After", seconds});
  settle(session, call,
         {.status = problem.status,
          .content_type = "application/json",
          .body = write_problem(problem, RequestId(shard_.connection_id(session), call)),
          .headers = headers,
          .close = problem.close});
}

std::string_view Exchanges::write_problem(const Problem& problem, std::string_view request_id) {
  const auto* const known =
      std::ranges::find(proto::error_rows, problem.code, &proto::ErrorRow::name);
  known != std::end(proto::error_rows) ? shard_.counters.refused(known->code)
                                       : shard_.counters.refused_otherwise();
  problem_.clear();
  problem_.append(R"({"error":)");
  proto::JsonObject error(problem_);
  error.text("code", problem.code);
  error.text("message", problem.message);
  error.text_if_any("path", problem.path);
  if (problem.retry_after_ms) error.seconds("retry_after", *problem.retry_after_ms);
  error.text_if_any("request_id", request_id);
  error.end();
  problem_.append("}\n");
  return problem_.text();
}

void Exchanges::settle(Session& session, Call& call, const Answer& answer) {
  Exchange& exchange = *session.exchange;
  const bool is_last = &call == &exchange.calls.back();
  call.keep_alive = call.keep_alive && !answer.close && !(is_last && shard_.drain.has_begun());
  if (!call.keep_alive) exchange.is_over = true;
  const RequestId request_id(shard_.connection_id(session), call);
  out_.clear();
  proto::append_response(out_, {.status = answer.status,
                                .content_type = answer.content_type,
                                .body = std::as_bytes(std::span(answer.body)),
                                .headers = answer.headers,
                                .request_id = request_id,
                                .keep_alive = call.keep_alive,
                                .head_only = call.head_only});
  if (&call == &exchange.calls.front()) return write(session, out_.bytes(), call.keep_alive);
  const auto response = out_.bytes();
  call.answer.assign(response.begin(), response.end());
  call.is_answered = true;
}

void Exchanges::write(Session& session, std::span<const std::byte> response, bool keep_alive) {
  Exchange& exchange = *session.exchange;
  for (;;) {
    const auto sent = shard_.outbox.write(session.socket, response);
    if (sent != engine::Outbox::Send::queued || !keep_alive)
      return shard_.lifecycle.close_http(session);
    exchange.calls.pop_front();
    if (exchange.calls.empty() || !exchange.calls.front().is_answered) break;
    response = exchange.calls.front().answer;
    keep_alive = exchange.calls.front().keep_alive;
  }
  if (!exchange.calls.empty()) return;
  exchange.is_alone = false;
  shard_.lifecycle.await_request(session);
  let_continue(session);
}

void Exchanges::receive(Session& session, const Published& published) {
  body_.clear();
  proto::JsonObject body(body_);
  body.text("room", published.room_name.shown());
  if (published.held_until_ms != 0) {
    body.number("held_until", published.held_until_ms / 1'000);
  } else if (published.replaced) {
    body.flag("replaced", true);
  } else {
    body.number("sequence", published.sequence);
    body.text("epoch", published.epoch);
    body.text("message_id", published.message_id);
    body.text("level", level_of(published));
    if (published.duplicate) body.flag("duplicate", true);
  }
  body.end();
  body_.append('\n');
  answer(session, published.exchange, body_.text(), published.held_until_ms != 0 ? 202 : 200);
}

void Exchanges::receive(Session& session, const Refused& refused) {
  const RefusalRow& row = row_of(refused.reason);
  std::string message(row.sentence);
  if (refused.reason == RefusedBecause::conflict)
    message.append("; version ").append(std::to_string(refused.version)).append(" is there");
  refuse(session, refused.exchange, problem_of(row.code, message));
}

void Exchanges::receive(Session& session, const RoomDescribed& room) {
  body_.clear();
  proto::dialect::write_payload(proto::RoomInfo{.correlation_id = {}, .room = description_of(room)},
                                body_);
  body_.append('\n');
  answer(session, room.asker.exchange, body_.text(), room.why == Described::created ? 201 : 200);
}

void Exchanges::receive(Session& session, std::uint32_t exchange, const proto::RoomList& list) {
  body_.clear();
  proto::dialect::write_payload(list, body_);
  body_.append('\n');
  if (body_.size() > shard_.config().queue_bytes_max / 2)
    return refuse(session, exchange, proto::ErrorCode::too_large,
                  "so many rooms with their metadata do not fit into one answer; say a smaller "
                  "`limit`");
  answer(session, exchange, body_.text());
}

// What was held back while calls had no answer.
void Exchanges::go_on(Session& session) {
  if (session.state != SessionState::connecting) return;
  Exchange& exchange = *session.exchange;
  if (exchange.is_reading || !exchange.is_paused || exchange.is_over || !exchange.may_go_on())
    return;
  exchange.is_paused = exchange.awaits_all = false;
  shard_.outbox.resume(session.socket);
  std::vector<std::byte> behind = std::exchange(exchange.behind, {});
  if (const auto held = std::move(exchange.held))
    begin(session, held->request, routes_.find(session, held->request));
  const std::size_t size = behind.size();
  if (size == 0) return;
  behind.resize(size + proto::readable_behind_bytes);
  read(session, std::span(behind).first(size));
}

}  // namespace ringroom::realtime
