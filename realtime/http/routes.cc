#include "realtime/http/routes.h"

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "realtime/access/credentials.h"
#include "realtime/http/admin.h"
#include "realtime/http/metrics.h"
#include "realtime/http/page/page.h"
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
  const std::vector<std::string> reasons = SystemHealth::reasons_against(shard_.node);
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

void Routes::metrics(Session& session, const Request& request) {
  shard_.scrapes.begin(session, metrics_form_of(request));
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

}  // namespace ringroom::realtime
