#include <arpa/inet.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "realtime/config.h"
#include "realtime/config_secrets.h"

// What options mean together, and what has to hold between them.

namespace ringroom::realtime {

namespace {

// Roles that are named must be there: one that is not would grant nothing, and nobody would know.
Outcome<Complaint> check_roles(const Config& config) {
  const struct {
    std::string_view option;
    const std::string& name;
  } named[] = {{"default-role", config.default_role}, {"anonymous-role", config.anonymous_role}};
  for (const auto& [option, name] : named)
    if (!name.empty() && find_role(config.roles, name) == nullptr)
      return complain(std::string(option) + " names `" + name +
                      "`, and there is no role of that name");
  return Done{};
}

// Left of the path; what would be a password there could be read by others, and logged.
Outcome<Complaint> check_jwks_url(const Config& config) {
  std::string_view url = config.token_jwks_url;
  if (url.empty()) return Done{};
  const std::size_t scheme_end = url.find("://");
  const std::string_view scheme = url.substr(0, std::min(scheme_end, url.size()));
  if (scheme_end == url.npos || (scheme != "https" && scheme != "http"))
    return complain("token-jwks-url must begin with https:// or http://");
  url.remove_prefix(scheme_end + 3);
  const std::string_view host = url.substr(0, url.find_first_of("/?#"));
  if (host.empty() || host.find('@') != host.npos)
    return complain("token-jwks-url must name a host, without a user or password before it");
  if (config.token_jwks_refresh_min_ms > config.token_jwks_refresh_ms ||
      config.token_jwks_refresh_ms > config.token_jwks_max_age_ms)
    return complain(
        "token-jwks-refresh-min-ms, token-jwks-refresh-ms and token-jwks-max-age-ms must not "
        "become smaller in this order");
  return Done{};
}

Outcome<Complaint> check_namespaces(const Config& config) {
  // A returning user gets all that waits for it at once.
  const std::uint64_t offline_bytes_max = config.queue_bytes_max / 2;
  for (const Namespace& row : config.namespaces) {
    if (row.slow_consumer != SlowPolicy::close && row.history_count == 0 && !row.keeps_queue())
      return complain("namespace " + (row.name.empty() ? "default" : row.name) +
                      ": slow-consumer leaves messages out and brings the newest from the history: "
                      "set history-count too");
    if (row.keeps_queue() && row.offline_bytes > offline_bytes_max)
      return complain("namespace user: offline-bytes must be at most half of queue-bytes-max, " +
                      print_quantity(offline_bytes_max, Unit::bytes) + ", not " +
                      print_quantity(row.offline_bytes, Unit::bytes));
  }
  return Done{};
}

Outcome<Complaint> read_fernet_keys(std::vector<Namespace>& namespaces) {
  for (Namespace& row : namespaces) {
    if (row.fernet_keys_file.empty()) continue;
    const std::string subject =
        "namespace " + (row.name.empty() ? std::string(default_namespace) : row.name) + ": ";
    if (row.fernet_age_ms % 1'000 != 0)
      return complain(subject + "fernet-age-ms must be whole seconds, not " +
                      print_quantity(row.fernet_age_ms, Unit::milliseconds));
    if (row.state_deltas)
      return complain(subject +
                      "state-deltas tells what changed in a value, and with fernet-keys-file "
                      "nobody can see that: leave one of them out");
    const auto text = read_secret("fernet-keys-file", row.fernet_keys_file);
    if (!text) return complain(subject + text.error().sentence);
    auto keys = FernetKeys::parse(*text);
    if (!keys)
      return complain(subject + "fernet-keys-file " + row.fernet_keys_file + ", " + keys.error());
    row.fernet = std::make_shared<const FernetKeys>(std::move(*keys));
  }
  return Done{};
}

}  // namespace

Outcome<Complaint> settle(Config& config) {
  if (auto done = settle_secrets(config); !done) return done;
  if (auto done = derive(config); !done) return done;
  return check(config);
}

Outcome<Complaint> derive(Config& config) {
  config.namespaces = settle_namespaces(config.chosen_namespaces, config.insecure_dev);
  for (Namespace& row : config.namespaces) {
    if (config.off.has(Feature::history)) row.history_count = 0;
    if (config.off.has(Feature::state)) row.state_keys = 0;
    if (config.off.has(Feature::offline)) row.offline_count = 0;
    row.presence = row.presence && !config.off.has(Feature::presence);
  }
  if (auto done = read_fernet_keys(config.namespaces); !done) return done;
  if (config.queue_bytes_max == Config{}.queue_bytes_max)
    config.queue_bytes_max = std::max(config.queue_bytes_max, 2 * config.message_bytes_max);
  for (Namespace& row : config.namespaces)
    if (row.offline_bytes == Namespace{}.offline_bytes)
      row.offline_bytes = std::min(row.offline_bytes, config.queue_bytes_max / 2);
  return Done{};
}

Outcome<Complaint> check(const Config& config) {
  const AlgorithmRow& hmac = row_of(config.token_hmac_algorithm);
  if (!config.token_hmac_secret.empty() && config.token_hmac_secret.size() < hmac.bytes)
    return complain("token-hmac-secret must be at least " + std::to_string(hmac.bytes) +
                    " bytes long, not " + std::to_string(config.token_hmac_secret.size()) +
                    ": a shorter one can be guessed from any token");
  if (auto done = check_jwks_url(config); !done) return done;
  if (auto done = check_roles(config); !done) return done;
  if (config.token_skew_ms % 1'000 != 0)
    return complain("token-skew-ms must be whole seconds, not " +
                    print_quantity(config.token_skew_ms, Unit::milliseconds));

  const std::uint64_t queue_bytes_min = 2 * config.message_bytes_max;
  if (config.queue_bytes_max < queue_bytes_min)
    return complain("queue-bytes-max must be at least twice max-message-bytes, " +
                    print_quantity(queue_bytes_min, Unit::bytes) + ", not " +
                    print_quantity(config.queue_bytes_max, Unit::bytes));
  if (auto done = check_namespaces(config); !done) return done;

  if (config.forwarded_by == ForwardedBy::proxy_protocol && config.trusted_proxies.empty())
    return complain(
        "forwarded-by=proxy-protocol is for the connections of trusted-proxy, and there "
        "is none");

  if (config.drain_hard_stop_ms < config.drain_ms)
    return complain("drain-hard-stop-ms must be at least drain-ms, " +
                    print_quantity(config.drain_ms, Unit::milliseconds) + ", not " +
                    print_quantity(config.drain_hard_stop_ms, Unit::milliseconds));

  for (const QuietHours& hours : config.quiet_hours)
    if (const auto policy = compile(hours); !policy) return fail(policy.error());

  if (config.low_latency && config.low_power)
    return complain("low-latency and low-power exclude each other: set one of them or neither");

  if (config.insecure_dev && !is_loopback(config.listen))
    return complain("insecure-dev lets everybody in, so it is refused on " + config.listen.host +
                    ": listen on 127.0.0.1 or [::1], or leave insecure-dev out");
  return Done{};
}

bool has_token_keys(const Config& config) {
  return !config.token_hmac_secret.empty() || !config.token_key_files.empty() ||
         !config.token_jwks_file.empty() || !config.token_jwks_url.empty();
}

std::vector<std::string_view> notes(const Config& config) {
  std::vector<std::string_view> out;
  if (config.insecure_dev) out.push_back("insecure-dev is on: everybody may use any name and room");
  if (!config.anonymous_role.empty())
    out.push_back("anonymous-role is set: whoever has no token is let in with its rights");
  if (!config.insecure_dev && !has_token_keys(config) && config.anonymous_role.empty())
    out.push_back(
        "no token-hmac-secret, token-key-files, token-jwks-file or token-jwks-url is set: every "
        "client will be refused");
  if (config.token_jwks_url.starts_with("http:"))
    out.push_back("token-jwks-url is not https: whoever is on the way can choose the keys");
  if (!config.insecure_dev && config.api_key.empty() && config.access_keys.empty() &&
      config.admin_key.empty())
    out.push_back("api-key is not set: the server API is off");
  return out;
}

bool is_loopback(const Address& address) {
  in_addr four;
  if (inet_pton(AF_INET, address.host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  in6_addr six;
  if (inet_pton(AF_INET6, address.host.c_str(), &six) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&six)) return six.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace ringroom::realtime
