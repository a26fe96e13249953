#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "realtime/access/algorithm.h"
#include "realtime/access/limit_rule.h"
#include "realtime/access/network.h"
#include "realtime/access/origin.h"
#include "realtime/access/role.h"
#include "realtime/access/scope.h"
#include "realtime/feature.h"
#include "realtime/namespace.h"
#include "realtime/option.h"
#include "realtime/quiet_hours.h"

namespace ringroom::realtime {

// How a handshake of a page that may not connect is refused.
enum class OriginRefusal : std::uint8_t {
  status,  // 403 before the upgrade
  close    // 4003 after it: the only answer that a script in a browser can tell from a dead network
};

// What an operator can choose. A plain value: made once before the cores start, read by all of
// them.
//
//   defaults  <-- file  <-- environment  <-- flags      (tools/options.h), then settle()
//
// Every way in and out goes by the rows of `options` below: flags, RINGROOM_* variables, keys of
// the file, --help, docs/config.md and `ringroom config show` cannot disagree. Errors: a Complaint,
// one sentence for the operator that names the option.

struct Config {
  Address listen{"127.0.0.1", 8000};
  std::uint64_t cores = 0;
  bool insecure_dev = false;
  bool echo = false;
  Features off;  // what is switched off
  bool low_latency = false;
  bool low_power = false;

  std::uint64_t message_bytes_max = 64 * 1024;
  std::uint64_t queue_bytes_max = 1024 * 1024;
  bool compression = true;
  std::uint64_t compression_bytes_min = 256;
  bool compression_context_takeover = false;
  std::uint64_t compression_contexts_max = 1000;
  std::uint64_t connections_max = 0;
  std::uint64_t connections_per_user_max = 0;
  std::uint64_t connections_per_address_max = 0;
  std::uint64_t connections_per_workspace_max = 0;
  DuplicateSessions duplicate_sessions = DuplicateSessions::allow;
  std::uint64_t rooms_per_connection_max = 128;
  std::uint64_t rooms_per_user_max = 0;
  std::uint64_t rooms_max = 1'000'000;
  std::uint64_t rooms_per_workspace_max = 0;
  std::uint64_t patterns_per_connection_max = 8;
  std::uint64_t patterns_max = 10'000;
  std::uint64_t history_bytes_max = 1024ull * 1024 * 1024;

  std::vector<std::string> counted_workspaces;

  std::vector<OriginRule> allowed_origins;
  bool origin_required = false;
  OriginRefusal origin_refusal = OriginRefusal::status;

  std::vector<Network> trusted_proxies;
  ForwardedBy forwarded_by = ForwardedBy::x_forwarded_for;

  std::vector<LimitRule> limits;
  std::uint64_t limit_keys_max = 64 * 1024;
  std::uint64_t refusals_per_minute_max = 100;

  std::uint64_t handshakes_per_second_max = 0;
  std::uint64_t handshakes_pending_max = 0;
  std::uint64_t joins_per_second_max = 0;

  std::uint64_t drain_ms = 10'000;
  std::uint64_t drain_reconnect_ms = 5'000;
  std::uint64_t drain_hard_stop_ms = 30'000;

  std::uint64_t ping_interval_ms = 25'000;
  std::uint64_t pong_timeout_ms = 8'000;
  std::uint64_t hello_timeout_ms = 10'000;
  std::uint64_t watchdog_turn_ms = 1'000;
  std::uint64_t recorder_events = 16'384;

  std::string api_key;
  std::string api_key_file;
  std::vector<AccessKey> access_keys;
  bool admin = false;
  Address admin_listen{"127.0.0.1", 8001};
  std::string admin_key;
  std::string admin_key_file;
  bool internal_api = false;
  bool internal_metrics = false;
  std::string token_hmac_secret;
  std::string token_hmac_secret_file;
  Algorithm token_hmac_algorithm = Algorithm::hs256;
  std::string token_key_files;
  std::string token_jwks_file;
  std::string token_jwks_url;
  std::string token_jwks_ca_file;
  std::uint64_t token_jwks_refresh_ms = 5 * 60'000;
  std::uint64_t token_jwks_refresh_min_ms = 10'000;
  std::uint64_t token_jwks_max_age_ms = 60 * 60'000;
  std::uint64_t token_jwks_timeout_ms = 5'000;
  std::string token_audience;
  std::string token_issuer;
  std::uint64_t token_skew_ms = 30'000;
  std::uint64_t token_expiring_ms = 60'000;
  std::string token_cookie;
  std::uint64_t revocations_max = 100'000;
  std::uint64_t revocation_keep_ms = 24 * 60 * 60'000;

  std::vector<ChosenNamespace> chosen_namespaces;  // as written
  std::vector<Namespace> namespaces;               // what that means; settle() makes them

  std::vector<QuietHours> quiet_hours;

  std::vector<Role> roles;
  std::string default_role;
  std::string anonymous_role;

  Log::Level log_level = Log::Level::info;
  Log::Format log_format = Log::Format::automatic;
  std::string log_file;  // empty: stderr
};

using Option = OptionRow<Config>;
using Number = Option::Number;
using Switch = Option::Switch;
using Text = Option::Text;
using Secret = Option::Secret;
using AddressAndPort = Option::AddressAndPort;
using Choice = Option::Choice;
using Several = Option::Several;
using List = Option::List;

extern const std::span<const Option> options;

inline constexpr std::size_t limits_max =
    32;  // all of them are asked for a message that they limit

const Option* find_option(std::string_view name);
// The option a mistyped name was probably meant to be, or nothing.
const Option* nearest_option(std::string_view name);
// RINGROOM_MAX_MESSAGE_BYTES for `max-message-bytes`.
std::string environment_name(const Option& option);

// Reads the files that hold secrets, makes the namespaces and checks what options ask of each
// other. Once, after the last assign().
Outcome<Complaint> settle(Config& config);
// Its parts: what follows from others, and what options ask of each other.
Outcome<Complaint> derive(Config& config);
Outcome<Complaint> check(const Config& config);

// A configuration that was read anew, under a server that runs by another: what of it applies at
// once, and what waits for a new process and stays as it is until then.
struct Reloaded {
  Config config;
  std::vector<std::string_view> changed, waiting;  // names of options
};
// Errors: why the two do not go together; nothing of it applies then.
Result<Reloaded, Complaint> reload(const Config& now, Config wanted);

// The content of a file that an option names, without what a text editor puts at its end.
Result<std::string, Complaint> read_secret(std::string_view option, const std::string& path);
// The content as it is.
Result<std::string, Complaint> read_file(std::string_view option, const std::string& path,
                                         std::size_t bytes_max);

// Is there anything to hold a token against?
bool has_token_keys(const Config& config);

// Choices that are allowed and probably not meant; for the log at the start.
std::vector<std::string_view> notes(const Config& config);

bool is_loopback(const Address& address);

}  // namespace ringroom::realtime
