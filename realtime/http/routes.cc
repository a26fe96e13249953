#include "realtime/http/routes.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "proto/dialect/native_json.h"
#include "realtime/access/credentials.h"
#include "realtime/access/forwarded.h"
#include "realtime/http/admin.h"
#include "realtime/http/metrics.h"
#include "realtime/http/page/page.h"
#include "realtime/http/workspace_query.h"
#include "realtime/session/identity.h"
#include "realtime/session/security_log.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

using proto::ErrorCode;
using proto::Request;

struct Route {
  // Whom it is for. The admin listener has no clients; and what only it answers does not exist
  // elsewhere.
  enum class For : std::uint8_t { clients, anybody, metrics, api, admin };

  std::string_view method;
  std::string_view path;  // one that ends in a slash stands for everything behind it
  For whom;
  std::optional<Scope> scope;  // that a key must have
  void (Routes::*answer)(Session&, const Request&);

  bool matches(std::string_view asked) const {
    return path.back() == '/' ? asked.starts_with(path) : asked == path;
  }
  static const Route table[];
};

using For = Route::For;
constexpr Route Route::table[] = {
    {"GET", "/ws", For::clients, {}, &Routes::native},
    {"GET", "/echo", For::clients, {}, &Routes::echo},
    {"GET", "/raw/", For::clients, {}, &Routes::raw},
    {"GET", "/ws", For::admin, Scope::admin, &Routes::admin_socket},
    {"GET", "/admin/config", For::admin, Scope::admin, &Routes::admin_config},
    {"GET", "/admin/trace", For::admin, Scope::admin, &Routes::admin_trace},
    {"POST", "/admin/drain", For::admin, Scope::admin, &Routes::drain},
    {"GET", "/health", For::anybody, {}, &Routes::health},
    {"GET", "/ready", For::anybody, {}, &Routes::ready},
    {"GET", "/api/system-health", For::api, Scope::read, &Routes::system_health},
    {"GET", "/metrics", For::metrics, {}, &Routes::metrics},
};

std::string Routes::words_for(std::size_t route) {
  const std::vector<Line> lines = list();
  if (route >= lines.size()) return "?";
  return std::string(lines[route].method).append(" ").append(lines[route].path);
}

bool Routes::is_offered(const Route& route, const Session& session) const {
  const Config& config = shard_.config();
  switch (route.whom) {
    case For::clients:
      return !session.is_internal;
    case For::anybody:
      return true;
    case For::metrics:
      return session.is_internal || !config.internal_metrics;
    case For::api:
      return offers_api(session);
    case For::admin:
      break;
  }
  return session.is_internal;
}

bool Routes::offers_api(const Session& session) const {
  return session.is_internal || !shard_.config().internal_api;
}

namespace {

// A HEAD is answered as a GET; the response leaves its body out.
std::string_view method_of(const Request& request) {
  return request.method == "HEAD" ? "GET" : request.method;
}

// The part that stands in the place of {room}, as sent; a path without one has an empty part.
std::optional<std::string_view> part_in(std::string_view path, std::string_view asked) {
  const std::size_t open = path.find('{');
  if (open == path.npos) return path == asked ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view behind = path.substr(path.find('}') + 1);
  if (asked.size() <= open + behind.size() || !asked.starts_with(path.substr(0, open)) ||
      !asked.ends_with(behind))
    return std::nullopt;
  const std::string_view part = asked.substr(open, asked.size() - open - behind.size());
  return part.find('/') == part.npos ? std::optional(part) : std::nullopt;
}

}  // namespace

Routes::Found Routes::find(const Session& session, const Request& request) const {
  const std::string_view method = method_of(request);
  if (offers_api(session))
    for (const ApiCall& call : ApiCall::all())
      if (call.method == method && part_in(call.path, request.path))
        return {.call = &call, .flows = call.flows};
  for (const Route& route : Route::table)
    if (route.method == method && route.matches(request.path) && is_offered(route, session))
      return {.route = &route};
  return {};
}

void Routes::answer(Session& session, const Request& request, const Found& found) {
  if (found.call != nullptr) {
    shard_.beat.is(
        Doing::request,
        std::size(Route::table) + static_cast<std::size_t>(found.call - ApiCall::all().data()));
    return call(session, request, *found.call);
  }
  if (found.route == nullptr) return refuse_unknown(session, request);
  shard_.beat.is(Doing::request, static_cast<std::size_t>(found.route - Route::table));
  if (found.route->scope && !may_use(session, request, *found.route->scope)) return;
  (this->*found.route->answer)(session, request);
}

void Routes::call(Session& session, const Request& request, const ApiCall& call) {
  const auto access = access_of(session, request);
  if (!access) return;
  if (call.run == nullptr) {
    if (!is_off(session, Feature::batches)) shard_.batches.begin(session, request, *access);
    return;
  }
  if (!has_scope(session, *access, *call.scope)) return;
  const std::string_view part = *part_in(call.path, request.path);
  if (part.empty()) return shard_.api.call(session, *access, request, call, std::nullopt);
  const auto in_path = proto::percent_decoded(part);
  if (!in_path)
    return shard_.exchanges.refuse(session, ErrorCode::bad_request,
                                   "the path has a broken percent sequence");
  shard_.api.call(session, *access, request, call, std::string_view(*in_path));
}

void Routes::refuse_unknown(Session& session, const Request& request) {
  std::string methods;
  const auto add = [&methods](std::string_view method) {
    if (!methods.empty()) methods.append(", ");
    methods.append(method);
  };
  if (offers_api(session))
    for (const ApiCall& call : ApiCall::all())
      if (part_in(call.path, request.path)) add(call.method);
  for (const Route& route : Route::table)
    if (route.matches(request.path) && is_offered(route, session)) add(route.method);
  if (!methods.empty()) {
    const proto::HttpHeader allow[] = {{"Allow", methods}};
    return shard_.exchanges.refuse(
        session, {.status = 405,
                  .code = "method_not_allowed",
                  .message = "this path takes another method; see the Allow header",
                  .headers = allow});
  }
  if (method_of(request) == "GET" && page(session, request)) return;
  shard_.exchanges.refuse(session, ErrorCode::not_found,
                          "there is nothing at this path; / is the page, /ws the WebSocket");
}

std::vector<Routes::Line> Routes::list() {
  static constexpr std::string_view whom[] = {"clients", "anybody", "metrics", "api", "admin"};
  std::vector<Line> out;
  for (const Route& route : Route::table)
    out.push_back({route.method, route.path, whom[std::size_t(route.whom)],
                   route.scope ? name_of(*route.scope) : std::string_view()});
  for (const ApiCall& call : ApiCall::all())
    out.push_back(
        {call.method, call.path, "api", call.scope ? name_of(*call.scope) : std::string_view()});
  return out;
}

std::string_view Routes::origin_problem(const Session& session, const Request& request) {
  std::vector<std::string_view> said;
  for (const proto::HttpHeader& field : request.headers)
    if (proto::equals_ignoring_case(field.name, "Origin")) said.push_back(field.value);
  const Config& config = shard_.config();
  // Pages of clients have no business on the admin listener, its own has.
  const OriginVerdict verdict =
      judge(said, request.header("Host"),
            {.listed = session.is_internal ? std::span<const OriginRule>()
                                           : std::span(config.allowed_origins),
             .is_required = config.origin_required,
             .is_local = config.insecure_dev});
  if (verdict == OriginVerdict::allowed) return {};
  shard_.counters.origins_refused_total.add();
  Log::line(
      Log::Level::info, "origin refused",
      {{"event", "origin_refused"}, {"origin", said.empty() ? std::string_view() : said.front()}});
  switch (verdict) {
    case OriginVerdict::absent:
      return "this server takes WebSockets with an Origin header only";
    case OriginVerdict::malformed:
      return "the header Origin must be one origin, as browsers write it";
    default:
      return "pages of this Origin may not connect here; its operator lists those that may in "
             "allowed-origin";
  }
}

bool Routes::settle_client(Session& session, const Request& request) {
  const Config& config = shard_.config();
  if (!session.exchange->is_proxied || config.forwarded_by == ForwardedBy::proxy_protocol)
    return true;
  const Forwarded forwarded = client_of(std::to_array(session.peer.ip), request.headers,
                                        config.forwarded_by, config.trusted_proxies);
  if (!forwarded.is_whole) shard_.counters.forwarded_unreadable_total.add();
  std::ranges::copy(forwarded.client, session.peer.ip);
  session.peer.port = 0;
  shard_.quotas.ask_for_address(session);
  return session.state == SessionState::connecting;
}

bool Routes::is_within(Session& session, const RateLimits::Verdict& verdict) {
  if (!verdict) return true;
  log_security(shard_, session, SecurityEvent::limit_hit, verdict->sentence);
  Exchanges::Problem problem = Exchanges::problem_of(ErrorCode::rate_limited, verdict->sentence);
  problem.retry_after_ms = verdict->retry_ms;
  shard_.exchanges.refuse(session, problem);
  return false;
}

std::optional<Access> Routes::access_of(Session& session, const Request& request) {
  // A script in a browser that has a key is one of those that may connect, or it has stolen it; and
  // in development, without a key, nothing else keeps the pages of others out.
  if (request.has_header("Origin")) {
    if (const std::string_view problem = origin_problem(session, request); !problem.empty()) {
      shard_.exchanges.refuse(session, ErrorCode::forbidden, problem);
      return std::nullopt;
    }
  }
  if (shard_.api_keys->is_empty()) {
    if (shard_.config().insecure_dev)
      return Access{
          .scopes = {Scope::publish, Scope::read, Scope::rooms, Scope::sessions, Scope::admin}};
    shard_.exchanges.refuse(session, ErrorCode::forbidden,
                            "the API is off; set api-key in the server's configuration");
    return std::nullopt;
  }
  std::string_view said = request.header("X-API-Key");
  if (said.empty()) said = proto::bearer_of(request);
  // A page can say nothing else with its handshake.
  std::string of_page;
  if (said.empty() && session.is_internal) said = of_page = key_in_subprotocols(request);
  const ApiKeys::Entry* key = shard_.api_keys->find(said);
  // What opens everything is of no use where everybody is.
  if (key == nullptr || (key->scopes.has(Scope::admin) && !session.is_internal)) {
    shard_.counters.not_let_in(AuthRefusal::api_key);
    log_security(shard_, session, SecurityEvent::auth_failure,
                 session.is_internal ? "no API key of admin-listen" : "no API key of listen");
    const proto::HttpHeader challenge[] = {{"WWW-Authenticate", "Bearer"}};
    shard_.exchanges.refuse(session, 401, "unauthorized",
                            "send the API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
                            challenge);
    return std::nullopt;
  }
  const std::uint64_t number = shard_.node.hash(key->name);
  if (!is_within(session, shard_.rate_limits.call(number))) return std::nullopt;
  return Access{.scopes = key->scopes, .key = key, .number = number};
}

bool Routes::may_use(Session& session, const Request& request, Scope scope) {
  const auto access = access_of(session, request);
  return access && has_scope(session, *access, scope);
}

bool Routes::has_scope(Session& session, const Access& access, Scope scope) {
  if (access.scopes.has(scope)) return true;
  shard_.counters.not_let_in(AuthRefusal::scope);
  Log::line(
      Log::Level::info, "security",
      {{"event", "authz_refusal"},
       {"key", access.key == nullptr ? std::string_view() : std::string_view(access.key->name)},
       {"scope", name_of(scope)},
       {"because", "the API key does not have the scope"}});
  std::string message = "this key may not be used for that: it needs the scope `";
  message.append(name_of(scope)).append("`");
  shard_.exchanges.refuse(session, ErrorCode::forbidden, message);
  return false;
}

void Routes::admin_config(Session& session, const Request&) {
  alloc::BlockBuilder body(shard_.heap);
  append_config(body, shard_.config());
  shard_.exchanges.respond(
      session, {.status = 200, .content_type = "application/json", .body = body.text()});
}

void Routes::admin_trace(Session& session, const Request& request) {
  shard_.traces.begin(session, request);
}

void Routes::drain(Session& session, const Request&) {
  if (shard_.node.ask_to_drain == nullptr)
    return shard_.exchanges.refuse(session, ErrorCode::unavailable,
                                   "the program that this server is part of ends it by itself");
  shard_.node.ask_to_drain();
  shard_.exchanges.respond(
      session,
      {.status = 202, .content_type = "application/json", .body = "{\"draining\":true}\n"});
}

void Routes::health(Session& session, const Request&) {
  char body[160];
  const int size = std::snprintf(
      body, sizeof body,
      "{\"status\":\"ok\",\"version\":\"%s\",\"uptime_s\":%llu,\"cores\":%u,"
      "\"io_backend\":\"io_uring\"}\n",
      RINGROOM_VERSION,
      static_cast<unsigned long long>((shard_.wall_ms - shard_.node.started_wall_ms) / 1000),
      shard_.node.cores);
  shard_.exchanges.respond(session, {.status = 200,
                                     .content_type = "application/json",
                                     .body = {body, static_cast<std::size_t>(size)}});
}

void Routes::ready(Session& session, const Request&) {
  const std::vector<std::string> reasons = SystemHealth::reasons_against(shard_);
  alloc::BlockBuilder body(shard_.heap);
  body.append(reasons.empty() ? R"({"ready":true,"reasons":[)" : R"({"ready":false,"reasons":[)");
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    body.append(i == 0 ? "" : ",");
    proto::append_json_string(body, reasons[i]);
  }
  body.append("]}\n");
  shard_.exchanges.respond(session, {.status = reasons.empty() ? 200 : 503,
                                     .content_type = "application/json",
                                     .body = body.text()});
}

void Routes::system_health(Session& session, const Request&) {
  shard_.system_health.begin(session);
}

void Routes::metrics(Session& session, const Request&) {
  shard_.scrapes.begin(session, Scrapes::Form::text);
}

bool Routes::page(Session& session, const Request& request) {
  const auto* file =
      find_page_file(session.is_internal ? Site::admin : Site::clients, request.path);
  if (file == nullptr) return false;
  const proto::HttpHeader headers[] = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
       "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Cache-Control", "no-cache"}};
  shard_.exchanges.respond(session, {.status = 200,
                                     .content_type = file->content_type,
                                     .body = file->content,
                                     .headers = headers});
  return true;
}

bool Routes::is_off(Session& session, Feature feature) {
  return shard_.api.is_off(session, feature);
}

std::optional<std::string_view> Routes::upgrade(Session& session, const Request& request,
                                                SessionKind kind,
                                                std::span<const std::string_view> subprotocols) {
  if (is_off(session, Feature::websocket)) return std::nullopt;
  const bool comes_back = proto::query_parameter(request.query, "resume") == "1";
  const auto agreed = shake_hands(session, request, kind, subprotocols, comes_back);
  ShardCounters& counters = shard_.counters;
  if (comes_back)
    (agreed ? counters.reconnects_admitted_total : counters.reconnects_refused_total).add();
  return agreed;
}

std::optional<std::string_view> Routes::shake_hands(Session& session, const Request& request,
                                                    SessionKind kind,
                                                    std::span<const std::string_view> subprotocols,
                                                    bool comes_back) {
  const auto upgrade = proto::check_upgrade(request);
  if (!upgrade) {
    const proto::UpgradeRefusal& refusal = upgrade.error();
    shard_.counters.upgrades_refused_total.add();
    shard_.exchanges.refuse(session, refusal.status, "bad_handshake", refusal.sentence,
                            refusal.headers, true);
    return std::nullopt;
  }
  const std::string_view origin_problem = this->origin_problem(session, request);
  const bool is_told_by_close = shard_.config().origin_refusal == OriginRefusal::close;
  if (!origin_problem.empty() && !is_told_by_close) {
    shard_.counters.upgrades_refused_total.add();
    const proto::ErrorRow& row = proto::row_of(ErrorCode::forbidden);
    shard_.exchanges.refuse(session, row.http_status, row.name, origin_problem, {}, true);
    return std::nullopt;
  }
  if (shard_.node.draining.load(std::memory_order_relaxed)) {
    shard_.counters.upgrades_refused_total.add();
    const proto::HttpHeader retry[] = {{"Retry-After", "1"}};
    shard_.exchanges.refuse(session, 503, "unavailable",
                            "this server is going away; connect again to reach another", retry,
                            true);
    return std::nullopt;
  }
  if (!settle_client(session, request)) return std::nullopt;
  if (!is_within(session, shard_.rate_limits.connect_from_address(session))) {
    shard_.counters.upgrades_refused_total.add();
    return std::nullopt;
  }
  const std::uint64_t retry_ms =
      shard_.admission.handshake(comes_back ? Admission::Who::returning : Admission::Who::stranger);
  if (retry_ms != 0) {
    shard_.counters.upgrades_refused_total.add();
    const std::string seconds = std::to_string((retry_ms + 999) / 1'000);
    const proto::HttpHeader retry[] = {{"Retry-After", seconds}};
    shard_.exchanges.refuse(session, 503, "rate_limited",
                            "more clients at once than this server lets in; connect again after "
                            "Retry-After seconds",
                            retry, true);
    return std::nullopt;
  }
  std::string_view chosen;
  for (const std::string_view offer : upgrade->subprotocols()) {
    const auto ours = std::ranges::find(subprotocols, offer);
    if (ours == subprotocols.end()) continue;
    chosen = *ours;
    break;
  }
  session.user_agent = shard_.sessions.user_agent_number(request.header("User-Agent"));
  alloc::BlockBuilder response(shard_.heap);
  const Config& config = shard_.config();
  auto deflate =
      config.compression && !config.off.has(Feature::compression) ? upgrade->deflate : std::nullopt;
  session.deflate_window_bits = deflate ? deflate->server_window_bits : std::uint8_t{0};
  if (deflate) deflate->keeps_context = shard_.deflate_contexts.open(session, *deflate);
  proto::append_upgrade_response(response, upgrade->key, chosen, deflate);
  shard_.outbox.write(session.socket, response.bytes());
  shard_.lifecycle.upgraded(session, kind);
  if (origin_problem.empty()) return chosen;
  shard_.lifecycle.close(session, proto::CloseCode::origin_not_allowed);
  return std::nullopt;
}

std::optional<OwnedWorkspace> Routes::workspace_in(Session& session, const Request& request) {
  if (!shard_.config().insecure_dev) return OwnedWorkspace();  // its token says which
  const auto said = workspace_in_query(request.query);
  if (!said) return OwnedWorkspace();
  if (const auto workspace = Workspace::of(*said)) return OwnedWorkspace(*workspace);
  shard_.exchanges.refuse(session, ErrorCode::bad_request,
                          "workspace is 1 to 255 bytes of UTF-8 without control characters");
  return std::nullopt;
}

void Routes::native(Session& session, const Request& request) {
  // Read before the handshake: the request is gone after it.
  const auto token = token_of(request, shard_.config().token_cookie);
  const auto user = proto::query_parameter(request.query, "user");
  const auto workspace = workspace_in(session, request);
  if (!workspace) return;
  if (!token && !user && !Workspace(*workspace).is_default())
    return shard_.exchanges.refuse(session, ErrorCode::bad_request,
                                   "say who you are with it: /ws?user=NAME&workspace=ID; elsewhere "
                                   "the workspace is that of the token");
  const std::string dialect = proto::query_parameter(request.query, "dialect").value_or("json");
  const bool is_event = dialect == "event";
  const bool wants_batches = proto::query_parameter(request.query, "batch") == "1";
  if (!is_event && dialect != "json")
    return shard_.exchanges.refuse(session, ErrorCode::bad_request,
                                   "dialect is json or event; the binary one is chosen by the "
                                   "subprotocol ringroom.v1.bin");
  static constexpr std::string_view binary = "ringroom.v1.bin";
  static constexpr std::string_view subprotocols[] = {"ringroom.v1.json", binary};
  if (is_event && is_off(session, Feature::events)) return;
  const bool knows_binary = !shard_.config().off.has(Feature::binary);
  if (!knows_binary && request.header("Sec-WebSocket-Protocol") == binary) {
    is_off(session, Feature::binary);
    return;
  }
  // Events are JSON, whatever else the client could speak.
  const auto subprotocol =
      upgrade(session, request, SessionKind::native,
              std::span(subprotocols).first(is_event || !knows_binary ? 1 : 2));
  if (!subprotocol) return;
  if (wants_batches && !shard_.config().off.has(Feature::batches))
    session.dialect = WireForm::batched;
  if (is_event) session.dialect = WireForm::event;
  if (*subprotocol == binary) session.dialect = WireForm::binary;
  if (!token && !user) return;  // it will say so in its first message
  const auto identified =
      shard_.identities.identify(session, {.token = token ? *token : std::string_view(),
                                           .user_id = user ? *user : std::string_view(),
                                           .workspace = *workspace});
  if (identified) return shard_.greetings.begin(session, identified->zone, {}, {});
  shard_.commands.refuse(session, identified.error().code, {}, identified.error().message);
  shard_.lifecycle.close(session, identified.error().close);
}

// The same protocol, for who looks after the server: no user of anybody's, no limits of users.
void Routes::admin_socket(Session& session, const Request& request) {
  static constexpr std::string_view subprotocols[] = {"ringroom.v1.json"};
  if (!upgrade(session, request, SessionKind::native, subprotocols)) return;
  shard_.identities.admit_admin(session);
  shard_.greetings.begin(session, {}, {}, {});
}

void Routes::echo(Session& session, const Request& request) {
  if (!shard_.config().echo)
    return shard_.exchanges.refuse(session, ErrorCode::not_found,
                                   "the echo endpoint is off; start the server with --echo");
  if (upgrade(session, request, SessionKind::echo, {})) shard_.lifecycle.authenticated(session, {});
}

void Routes::raw(Session& session, const Request& request) {
  if (is_off(session, Feature::raw)) return;
  if (!shard_.config().insecure_dev)
    return shard_.exchanges.refuse(
        session, ErrorCode::forbidden,
        "raw rooms know no identity; they are served with --insecure-dev only");
  const auto room = proto::percent_decoded(request.path.substr(std::string_view("/raw/").size()));
  if (!room || !proto::dialect::native_json::is_room_name(*room))
    return shard_.exchanges.refuse(session, ErrorCode::bad_request,
                                   "a room name is 1 to 255 bytes without control characters");
  if (is_personal(*room))
    return shard_.exchanges.refuse(session, ErrorCode::forbidden,
                                   "a room `user:<id>` is its user's, and nobody is known here");
  const std::string mode = proto::query_parameter(request.query, "mode").value_or("both");
  const bool publishes = mode == "publish" || mode == "both";
  const bool subscribes = mode == "subscribe" || mode == "both";
  if (!publishes && !subscribes)
    return shard_.exchanges.refuse(session, ErrorCode::bad_request,
                                   "mode is publish, subscribe or both");
  const auto workspace = workspace_in(session, request);
  if (!workspace) return;
  const NameIn name(*workspace, *room);
  if (!upgrade(session, request, SessionKind::raw, {})) return;
  session.raw = std::make_unique<RawTarget>(RawTarget{
      .room = shard_.node.room_id(name), .name = OwnedName(name), .publishes = publishes});
  shard_.lifecycle.authenticated(session, {});
  if (session.state != SessionState::authenticated) return;
  if (!subscribes) return;
  if (shard_.rate_limits.join(session) || shard_.admission.join(Admission::Who::stranger) != 0)
    return shard_.lifecycle.close(session, proto::CloseCode::try_later,
                                  "more joins at once than this server takes; come back shortly");
  if (shard_.membership.join(session,
                             {.room = name, .dialect = WireForm::raw, .actions = Actions::all()}) !=
      Membership::Join::asked)
    shard_.lifecycle.close(session, proto::CloseCode::try_later);
}

}  // namespace ringroom::realtime
