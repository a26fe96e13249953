#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "proto/dialect/native_json.h"
#include "realtime/access/credentials.h"
#include "realtime/access/forwarded.h"
#include "realtime/http/routes.h"
#include "realtime/http/workspace_query.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

// The paths that become WebSockets, and what is asked before one does: where its page is from, who
// is behind the proxy, whether there is room.

namespace ringroom::realtime {

using proto::ErrorCode;
using proto::Request;

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
