#include "realtime/config.h"

#include <utility>

namespace ringroom::realtime {

namespace {

constexpr std::string_view level_names[] = {"trace", "debug", "info", "warning", "error"};
constexpr std::string_view format_names[] = {"auto", "logfmt", "json"};
constexpr std::string_view forwarded_by_names[] = {"x-forwarded-for", "forwarded",
                                                   "proxy-protocol"};
constexpr std::string_view origin_refusal_names[] = {"status", "close"};

constexpr std::string_view hmac_names[] = {"HS256", "HS384", "HS512"};  // in Algorithm's order

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t minute_ms = 60'000;

// Options that are tables of options, one of a name each.
template <auto field>
Outcome<Complaint> add_table(Config& config, std::string_view text) {
  return choose(config.*field, text);
}
template <auto field>
std::string print_tables(const Config& config) {
  std::string out;
  for (const auto& table : config.*field) out += (out.empty() ? "" : ";") + print(table);
  return out;
}

// A list of values that are kept as they were written.
template <auto field>
std::vector<std::string> texts_of(const Config& config) {
  std::vector<std::string> out;
  for (const auto& each : config.*field) out.push_back(each.text());
  return out;
}
template <auto field>
void clear(Config& config) {
  (config.*field).clear();
}
template <auto field>
void copy_field(Config& to, const Config& from) {
  to.*field = from.*field;
}

// What is added to a list, unless it is as long as it may be.
template <auto field>
Outcome<Complaint> add_one(Config& config, std::string_view option, std::size_t count_max,
                           auto&& value) {
  auto& list = config.*field;
  if (list.size() == count_max)
    return complain(std::string(option) + ": there are more than " + std::to_string(count_max));
  list.push_back(std::forward<decltype(value)>(value));
  return Done{};
}
Failure<Complaint> not_understood(std::string_view option, std::string_view text,
                                  std::string_view why) {
  return complain(std::string(option) + ": \"" + std::string(text) + "\" " + std::string(why));
}

// Each is compared with every handshake.
constexpr std::size_t allowed_origins_max = 256;

Outcome<Complaint> add_allowed_origin(Config& config, std::string_view text) {
  auto rule = OriginRule::parse(text);
  if (!rule) return not_understood("allowed-origin", text, rule.error());
  return add_one<&Config::allowed_origins>(config, "allowed-origin", allowed_origins_max,
                                           std::move(*rule));
}

// Each is some series of /metrics, and compared with the workspace of every connection.
constexpr std::size_t counted_workspaces_max = 100;

Outcome<Complaint> add_counted_workspace(Config& config, std::string_view text) {
  if (!is_plain_name(text))
    return not_understood(
        "workspace-metrics", text,
        "is no id that a label could show: 1 to 64 letters, digits, `-`, `_` or `.`");
  return add_one<&Config::counted_workspaces>(config, "workspace-metrics", counted_workspaces_max,
                                              std::string(text));
}

// Each is compared with every connection, and with every hop of a request.
constexpr std::size_t trusted_proxies_max = 256;

Outcome<Complaint> add_trusted_proxy(Config& config, std::string_view text) {
  auto network = Network::parse(text);
  if (!network)
    return not_understood("trusted-proxy", text,
                          "is no address or network, such as 10.0.0.0/8 or 2001:db8::/32 (all "
                          "bits behind the prefix are 0)");
  return add_one<&Config::trusted_proxies>(config, "trusted-proxy", trusted_proxies_max,
                                           std::move(*network));
}

Outcome<Complaint> add_limit(Config& config, std::string_view text) {
  auto rule = LimitRule::parse(text);
  if (!rule) return not_understood("limit", text, rule.error());
  return add_one<&Config::limits>(config, "limit", limits_max, std::move(*rule));
}

std::vector<std::string> off_texts(const Config& config) {
  const std::vector<std::string_view> names = config.off.names();
  return {names.begin(), names.end()};
}
void clear_off(Config& config) { config.off.clear(); }
Outcome<Complaint> add_off(Config& config, std::string_view text) {
  const auto feature = Features::find(text);
  if (!feature)
    return complain("off: nothing that could be switched off is called \"" + std::string(text) +
                    "\"");
  config.off.add(*feature);
  return Done{};
}

constexpr std::size_t access_keys_max = 256;  // each is compared with every call

Outcome<Complaint> add_access_key(Config& config, std::string_view text) {
  auto key = AccessKey::parse(text);
  if (!key) return not_understood("access-key", text, key.error());
  for (const AccessKey& other : config.access_keys)
    if (other.name == key->name) return complain("access-key: two are called " + key->name);
  return add_one<&Config::access_keys>(config, "access-key", access_keys_max, std::move(*key));
}

constexpr Option rows[] = {
    {"listen", AddressAndPort{&Config::listen},
     "Address and port for clients and the API; port 0 takes a free one and says which."},
    {"cores", Number{&Config::cores, 0, 256, Unit::count},
     "Threads, each pinned to a core of its own; 0 takes every core this process may use."},
    {"insecure-dev", Switch{&Config::insecure_dev},
     "Lets everybody in under any name and without a key; only on a loopback address."},
    {"echo", Switch{&Config::echo},
     "Serves /echo, a WebSocket that answers with what it gets, for measuring.",
     Applies::at_reload},
    {"off",
     List{"of websocket, raw, binary, events, compression, history, state, presence, patterns, "
          "ephemeral, offline, batches, broadcast, quiet-hours some, between commas",
          off_texts, clear_off, add_off},
     "What is switched off, whatever else is configured: asked for it is answered `unavailable`, "
     "and "
     "connection_ack says so. Without websocket the server speaks HTTP only."},

    {"low-latency", Switch{&Config::low_latency},
     "Cores never sleep: the quickest answers, for a whole processor per core even when idle."},
    {"low-power", Switch{&Config::low_power},
     "Cores sleep at once whenever they can. With neither of the two, each core finds out which "
     "wait costs the least processor time under its load."},

    {"max-message-bytes", Number{&Config::message_bytes_max, 128, 16 * mib, Unit::bytes},
     "Longest message of a client; a longer one closes its connection with 1009."},
    {"queue-bytes-max", Number{&Config::queue_bytes_max, 4 * kib, 1024 * mib, Unit::bytes},
     "Bytes that may wait for one client before it is closed with 4508 and told to recover; at "
     "least twice max-message-bytes, and the default grows with that."},
    {"compression", Switch{&Config::compression},
     "Agrees to permessage-deflate when a client offers it.", Applies::at_reload},
    {"compression-bytes-min", Number{&Config::compression_bytes_min, 0, 16 * mib, Unit::bytes},
     "Shortest message that is compressed; a short one costs more time than it saves bytes."},
    {"compression-context-takeover", Switch{&Config::compression_context_takeover},
     "Lets messages of a connection refer to its earlier ones when its client allows it: far fewer "
     "bytes where they are alike, for up to 94 KiB of memory per connection and a compression per "
     "listener instead of one for all.",
     Applies::at_reload},
    {"compression-contexts-max",
     Number{&Config::compression_contexts_max, 1, 1u << 24, Unit::count},
     "Connections of the whole process that may do so at a time; further ones are compressed as if "
     "compression-context-takeover was off.",
     Applies::at_reload},
    {"connections-max", Number{&Config::connections_max, 0, 1u << 24, Unit::count},
     "Connections of the whole process; 0 takes as many as descriptors allow."},
    {"connections-per-user-max",
     Number{&Config::connections_per_user_max, 0, 1u << 24, Unit::count},
     "Connections of one user; 0 is no limit.", Applies::at_reload},
    {"connections-per-address-max",
     Number{&Config::connections_per_address_max, 0, 1u << 24, Unit::count},
     "Connections of one client address, of IPv6 a /64; 0 is no limit. Behind a proxy set "
     "trusted-proxy, or it is the proxy that is counted.",
     Applies::at_reload},
    {"connections-per-workspace-max",
     Number{&Config::connections_per_workspace_max, 0, 1u << 24, Unit::count},
     "Connections of one workspace; 0 is no limit.", Applies::at_reload},
    {"duplicate-sessions", Option::choice<&Config::duplicate_sessions>(duplicate_sessions_names),
     "A user's second connection: allowed, refused, or it replaces the first, which is closed; the "
     "one that goes gets 4409. A namespace has an option of this name for its rooms."},
    {"rooms-per-connection-max", Number{&Config::rooms_per_connection_max, 1, 65'536, Unit::count},
     "Rooms one connection may be in.", Applies::at_reload},
    {"rooms-per-user-max", Number{&Config::rooms_per_user_max, 0, 100'000'000, Unit::count},
     "Rooms of one user, those of all its connections together: a room that two of them are in "
     "counts twice. 0 is no limit."},
    {"rooms-max", Number{&Config::rooms_max, 1, 100'000'000, Unit::count},
     "Rooms of the whole process; joining one more is refused.", Applies::at_reload},
    {"rooms-per-workspace-max",
     Number{&Config::rooms_per_workspace_max, 0, 100'000'000, Unit::count},
     "Rooms of one workspace. Each core takes its share of it, so a small limit is met a little "
     "early. 0 is no limit.",
     Applies::at_reload},
    {"patterns-per-connection-max",
     Number{&Config::patterns_per_connection_max, 0, 1'024, Unit::count},
     "Room patterns one connection may listen to; 0 allows none.", Applies::at_reload},
    {"patterns-max", Number{&Config::patterns_max, 0, 10'000'000, Unit::count},
     "Room patterns of the whole process that somebody listens to, each for every connection; a "
     "room that is made is compared with those that begin as it does.",
     Applies::at_reload},
    {"history-bytes-max", Number{&Config::history_bytes_max, 0, 1024 * 1024 * mib, Unit::bytes},
     "Memory of what all rooms remember together; a room that speaks when it is spent forgets its "
     "oldest messages early. 0 is no limit.",
     Applies::at_reload},

    {"workspace-metrics",
     List{"ids of workspaces, between commas",
          [](const Config& config) { return config.counted_workspaces; },
          clear<&Config::counted_workspaces>, add_counted_workspace},
     "Workspaces that /metrics counts by themselves. Of others there is no series: their ids come "
     "with tokens, and may be any number."},

    {"allowed-origin",
     List{"https://app.example.com, https://*.example.com, null or *, between commas",
          texts_of<&Config::allowed_origins>, clear<&Config::allowed_origins>, add_allowed_origin},
     "Pages that may open WebSockets, by the scheme, host and port of their Origin header. Without "
     "one, those of the server's own host and port (its Host header); with insecure-dev, those of "
     "any loopback name.",
     Applies::at_reload},
    {"origin-required", Switch{&Config::origin_required},
     "Refuses WebSockets without an Origin header too: only browsers send one.",
     Applies::at_reload},
    {"origin-refusal", Option::choice<&Config::origin_refusal>(origin_refusal_names),
     "How such pages are refused: status 403 before the upgrade, or close 4003 after it, which a "
     "script can see.",
     Applies::at_reload},

    {"trusted-proxy",
     List{"10.0.0.0/8, 2001:db8::/32 and the like, between commas",
          texts_of<&Config::trusted_proxies>, clear<&Config::trusted_proxies>, add_trusted_proxy},
     "Networks of the proxies in front: what they say about who connects is believed, and nobody "
     "else.",
     Applies::at_reload},
    {"forwarded-by", Option::choice<&Config::forwarded_by>(forwarded_by_names),
     "How they say it: in the header X-Forwarded-For or Forwarded, or by the PROXY protocol, "
     "version 2, which then every connection of theirs has to begin with."},

    {"limit",
     List{"WHAT/WHOM=COUNT/TIME, then `burst=COUNT` or `sliding`; between commas",
          texts_of<&Config::limits>, clear<&Config::limits>, add_limit},
     "How much clients may ask, such as publish/user=100/1s; docs/operations.md explains it. What "
     "is beyond it is refused as rate_limited with retry_after.",
     Applies::at_reload},
    {"limit-keys-max", Number{&Config::limit_keys_max, 1'024, 1u << 24, Unit::count},
     "Users or addresses that a limit tells apart at a time; more of them share what is left."},
    {"refusals-per-minute-max", Number{&Config::refusals_per_minute_max, 0, 1'000'000, Unit::count},
     "Refusals for a limit that one connection may meet before it is closed with 4429; 0 is any "
     "number.",
     Applies::at_reload},

    {"handshakes-per-second-max",
     Number{&Config::handshakes_per_second_max, 0, 1'000'000, Unit::count},
     "WebSocket handshakes of the whole process; more are answered 503 with Retry-After, those "
     "that "
     "come back (`resume=1` in the query) last. 0 is no limit.",
     Applies::at_reload},
    {"handshakes-pending-max", Number{&Config::handshakes_pending_max, 0, 1u << 24, Unit::count},
     "Connections that have not said yet what or who they are; beyond it the one that waited "
     "longest is closed with 503 or 1013. 0 is no limit.",
     Applies::at_reload},
    {"joins-per-second-max", Number{&Config::joins_per_second_max, 0, 10'000'000, Unit::count},
     "Joins of the whole process; more are refused as rate_limited with retry_after, those that "
     "recover last. 0 is no limit.",
     Applies::at_reload},

    {"drain-ms", Number{&Config::drain_ms, 0, 60 * minute_ms, Unit::milliseconds},
     "Time after SIGTERM over which connections are closed, evenly, each told `reconnect` before; "
     "0 closes them at once.",
     Applies::at_reload},
    {"drain-reconnect-ms",
     Number{&Config::drain_reconnect_ms, 0, 60 * minute_ms, Unit::milliseconds},
     "Longest delay after its close that a client is told to wait; each gets its own, at random.",
     Applies::at_reload},
    {"drain-hard-stop-ms",
     Number{&Config::drain_hard_stop_ms, 100, 24 * 60 * minute_ms, Unit::milliseconds},
     "Time after SIGTERM at which the process ends, whoever is still there; at least drain-ms.",
     Applies::at_reload},

    {"ping-interval-ms", Number{&Config::ping_interval_ms, 100, 60 * minute_ms, Unit::milliseconds},
     "Silence of a client after which it is pinged.", Applies::at_reload},
    {"pong-timeout-ms", Number{&Config::pong_timeout_ms, 50, 10 * minute_ms, Unit::milliseconds},
     "Time for a pinged client to show life before its connection is closed.", Applies::at_reload},
    {"hello-timeout-ms", Number{&Config::hello_timeout_ms, 50, 5 * minute_ms, Unit::milliseconds},
     "Time for a new connection to finish its upgrade and say who it is.", Applies::at_reload},
    {"watchdog-turn-ms", Number{&Config::watchdog_turn_ms, 40, 10 * minute_ms, Unit::milliseconds},
     "Longest turn of a core that is healthy: beyond it the log says which core is at what, and "
     "/ready says no."},
    {"recorder-events", Number{&Config::recorder_events, 1'024, 4 * 1'024 * 1'024, Unit::count},
     "Events that each core keeps for GET /admin/trace, 32 bytes each; rounded up to a power of "
     "two."},

    {"api-key", Secret{&Config::api_key},
     "Key of the server API (`Authorization: Bearer` or `X-API-Key`), for everything but /admin; "
     "without any key the API is off.",
     Applies::at_reload},
    {"api-key-file", Text{&Config::api_key_file}, "File that holds api-key.", Applies::at_reload},
    {"access-key",
     List{"NAME:SCOPE+SCOPE:FILE or NAME@WORKSPACE:SCOPE+SCOPE:FILE, between commas; scopes are "
          "publish, read, rooms, sessions, admin",
          texts_of<&Config::access_keys>, clear<&Config::access_keys>, add_access_key},
     "Further keys of the server API, each in a file of its own, and what each may be used for: in "
     "one workspace, or in any.",
     Applies::at_reload},

    {"admin", Switch{&Config::admin},
     "Listens on admin-listen too: the server API, /metrics and /admin, for people and programs of "
     "your own; no clients."},
    {"admin-listen", AddressAndPort{&Config::admin_listen},
     "Address and port for that; port 0 takes a free one and says which."},
    {"admin-key", Secret{&Config::admin_key},
     "Key for everything there, /admin too; it is worth nothing on `listen`.", Applies::at_reload},
    {"admin-key-file", Text{&Config::admin_key_file}, "File that holds admin-key.",
     Applies::at_reload},
    {"internal-api", Switch{&Config::internal_api},
     "Answers /api on admin-listen only; on `listen` there is no such path."},
    {"internal-metrics", Switch{&Config::internal_metrics},
     "Answers /metrics on admin-listen only."},

    {"token-hmac-secret", Secret{&Config::token_hmac_secret},
     "Secret that tokens of clients are signed with; at least 32 bytes, 48 for HS384, 64 for "
     "HS512.",
     Applies::at_reload},
    {"token-hmac-secret-file", Text{&Config::token_hmac_secret_file},
     "File that holds token-hmac-secret; read anew at SIGHUP.", Applies::at_reload},
    {"token-hmac-algorithm", Option::choice<&Config::token_hmac_algorithm>(hmac_names),
     "What tokens are signed with by token-hmac-secret.", Applies::at_reload},
    {"token-key-files", Text{&Config::token_key_files},
     "PEM files with public keys of tokens, separated by commas, each ALGORITHM:FILE or "
     "ALGORITHM:KID:FILE, such as ES256:/etc/ringroom/id.pem; read anew at SIGHUP.",
     Applies::at_reload},
    {"token-jwks-file", Text{&Config::token_jwks_file},
     "File with the keys of tokens as a JWK or JWKS; read anew at SIGHUP.", Applies::at_reload},
    {"token-jwks-url", Text{&Config::token_jwks_url},
     "Address of a JWKS with public keys of tokens, https or http; it is asked by a thread of its "
     "own, never by what a token says."},
    {"token-jwks-ca-file", Text{&Config::token_jwks_ca_file},
     "Certificates (PEM) to trust for token-jwks-url instead of the system's."},
    {"token-jwks-refresh-ms",
     Number{&Config::token_jwks_refresh_ms, 100, 24 * 60 * minute_ms, Unit::milliseconds},
     "Time after which token-jwks-url is asked again."},
    {"token-jwks-refresh-min-ms",
     Number{&Config::token_jwks_refresh_min_ms, 100, 60 * minute_ms, Unit::milliseconds},
     "Least time between two questions, also for tokens with a key that is not known."},
    {"token-jwks-max-age-ms",
     Number{&Config::token_jwks_max_age_ms, 100, 7 * 24 * 60 * minute_ms, Unit::milliseconds},
     "Time without an answer after which the fetched keys are not believed any more."},
    {"token-jwks-timeout-ms",
     Number{&Config::token_jwks_timeout_ms, 50, minute_ms, Unit::milliseconds},
     "Time for one answer of token-jwks-url, from the name look-up to its last byte."},
    {"token-audience", Text{&Config::token_audience},
     "Audience (`aud`) that a token must name; without it a token that names one is refused.",
     Applies::at_reload},
    {"token-issuer", Text{&Config::token_issuer}, "If set, a token must come from here (`iss`).",
     Applies::at_reload},
    {"token-skew-ms", Number{&Config::token_skew_ms, 0, 5 * minute_ms, Unit::milliseconds},
     "How far the clock of whoever signs tokens may be off; whole seconds.", Applies::at_reload},
    {"token-expiring-ms",
     Number{&Config::token_expiring_ms, 0, 24 * 60 * minute_ms, Unit::milliseconds},
     "Time before the end of its token at which a client is told `token_expiring`; 0 tells "
     "nobody.",
     Applies::at_reload},
    {"token-cookie", Text{&Config::token_cookie},
     "Cookie that may carry a token, for pages of our own origin; empty takes none.",
     Applies::at_reload},
    {"revocations-max", Number{&Config::revocations_max, 1, 10'000'000, Unit::count},
     "Revocations, and users whose rights the API changed, that are remembered at a time; one more "
     "of either is refused."},
    {"revocation-keep-ms",
     Number{&Config::revocation_keep_ms, 1'000, 366ull * 24 * 60 * minute_ms, Unit::milliseconds},
     "Time a revocation, block or change of grants is remembered that does not say until when; at "
     "least as long as tokens live.",
     Applies::at_reload},

    {"namespace",
     Several{';', "NAME or NAME:OPTION=VALUE,OPTION=VALUE",
             print_tables<&Config::chosen_namespaces>, add_table<&Config::chosen_namespaces>,
             copy_field<&Config::chosen_namespaces>},
     "What rooms do whose name begins with NAME and a colon; `default` is for the others. Each "
     "adds "
     "to those before it: several in a variable are separated by `;`. In the file it is a table, "
     "[namespace.NAME].",
     Applies::at_reload},

    {"quiet-hours",
     Several{';', "NAME or NAME:OPTION=VALUE,OPTION=VALUE", print_tables<&Config::quiet_hours>,
             add_table<&Config::quiet_hours>, copy_field<&Config::quiet_hours>},
     "Hours that a publication which names them waits for (`quiet_hours`). In the file it is a "
     "table, [quiet-hours.NAME]."},

    {"role",
     Several{';', "NAME or NAME:OPTION=VALUE,OPTION=VALUE", print_tables<&Config::roles>,
             add_table<&Config::roles>, copy_field<&Config::roles>},
     "Rights under a name, for tokens that list it among their `roles`. In the file it is a table, "
     "[role.NAME].",
     Applies::at_reload},
    {"default-role", Text{&Config::default_role}, "Role of everybody who comes with a token.",
     Applies::at_reload},
    {"anonymous-role", Text{&Config::anonymous_role},
     "Role of who comes without a token, as a user of its own for each connection; if none is "
     "named, nobody is let in without one.",
     Applies::at_reload},

    {"log-level", Option::choice<&Config::log_level>(level_names),
     "Least important record that is written.", Applies::at_reload},
    {"log-format", Option::choice<&Config::log_format>(format_names),
     "Form of the log; auto is logfmt on a terminal, json otherwise."},
    {"log-file", Text{&Config::log_file},
     "File that the log is appended to instead of stderr; opened anew at SIGUSR1, when it was "
     "moved "
     "away."},
};
static_assert(well_named(rows));

}  // namespace

const std::span<const Option> options = rows;

const Option* find_option(std::string_view name) { return find_row(options, name); }
const Option* nearest_option(std::string_view name) { return nearest_row(options, name); }

std::string environment_name(const Option& option) {
  std::string out = "RINGROOM_";
  for (const char c : option.name) out += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  return out;
}

Result<Reloaded, Complaint> reload(const Config& now, Config wanted) {
  Reloaded out{.config = std::move(wanted), .changed = {}, .waiting = {}};
  for (const Option& option : options) {
    if (is_same(now, out.config, option)) continue;
    if (option.applies == Applies::at_reload) {
      out.changed.push_back(option.name);
    } else {
      out.waiting.push_back(option.name);
      copy(out.config, now, option);
    }
  }
  // From what is chosen now: what is switched off may not have changed.
  if (const auto done = derive(out.config); !done) return fail(done.error());
  if (const auto done = check(out.config); !done) return fail(done.error());
  return out;
}

}  // namespace ringroom::realtime
