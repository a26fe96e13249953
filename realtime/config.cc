#include "realtime/config.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>

namespace ringroom::realtime {

namespace {

constexpr std::string_view level_names[] = {"trace", "debug", "info", "warning", "error"};
constexpr std::string_view format_names[] = {"auto", "logfmt", "json"};

template <auto field>
constexpr Choice choice(std::span<const std::string_view> names) {
  using Enum = std::remove_reference_t<decltype(std::declval<Config&>().*field)>;
  return {names, [](const Config& config) { return static_cast<std::size_t>(config.*field); },
          [](Config& config, std::size_t index) { config.*field = static_cast<Enum>(index); }};
}

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t minute_ms = 60'000;

constexpr Option rows[] = {
    {"listen", AddressAndPort{&Config::listen},
     "Address and port for clients and the API; port 0 takes a free one and says which."},
    {"cores", Number{&Config::cores, 0, 256, Unit::count},
     "Threads, each pinned to a core of its own; 0 takes every core this process may use."},
    {"insecure-dev", Switch{&Config::insecure_dev},
     "Lets everybody in under any name and without a key; only on a loopback address."},
    {"echo", Switch{&Config::echo},
     "Serves /echo, a WebSocket that answers with what it gets, for measuring."},

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
     "Agrees to permessage-deflate when a client offers it."},
    {"compression-bytes-min", Number{&Config::compression_bytes_min, 0, 16 * mib, Unit::bytes},
     "Shortest message that is compressed; a short one costs more time than it saves bytes."},
    {"connections-max", Number{&Config::connections_max, 0, 1u << 24, Unit::count},
     "Connections of the whole process; 0 takes as many as descriptors allow."},
    {"connections-per-user-max",
     Number{&Config::connections_per_user_max, 0, 1u << 24, Unit::count},
     "Connections of one user; 0 is no limit."},
    {"connections-per-address-max",
     Number{&Config::connections_per_address_max, 0, 1u << 24, Unit::count},
     "Connections of one client address; 0 is no limit, right behind a proxy."},
    {"rooms-per-connection-max", Number{&Config::rooms_per_connection_max, 1, 65'536, Unit::count},
     "Rooms one connection may be in."},
    {"rooms-max", Number{&Config::rooms_max, 1, 100'000'000, Unit::count},
     "Rooms of the whole process; joining one more is refused."},

    {"ping-interval-ms", Number{&Config::ping_interval_ms, 100, 60 * minute_ms, Unit::milliseconds},
     "Silence of a client after which it is pinged."},
    {"pong-timeout-ms", Number{&Config::pong_timeout_ms, 50, 10 * minute_ms, Unit::milliseconds},
     "Time for a pinged client to show life before its connection is closed."},
    {"hello-timeout-ms", Number{&Config::hello_timeout_ms, 50, 5 * minute_ms, Unit::milliseconds},
     "Time for a new connection to finish its upgrade and say who it is."},

    {"api-key", Secret{&Config::api_key},
     "Key of the server API (`Authorization: Bearer` or `X-API-Key`); without one the API is off."},
    {"api-key-file", Text{&Config::api_key_file}, "File that holds api-key."},
    {"token-hmac-secret", Secret{&Config::token_hmac_secret},
     "Secret that HS256 tokens of clients are signed with; at least 32 bytes."},
    {"token-hmac-secret-file", Text{&Config::token_hmac_secret_file},
     "File that holds token-hmac-secret."},
    {"token-audience", Text{&Config::token_audience},
     "If set, a token must name this audience (`aud`)."},
    {"token-issuer", Text{&Config::token_issuer}, "If set, a token must come from here (`iss`)."},

    {"log-level", choice<&Config::log_level>(level_names),
     "Least important record that is written."},
    {"log-format", choice<&Config::log_format>(format_names),
     "Form of the log on stderr; auto is logfmt on a terminal, json otherwise."},
};

// The table is read by programs and people: a name is lower-case words with dashes.
constexpr bool well_named() {
  for (const Option& option : rows)
    for (const char c : option.name)
      if (c != '-' && (c < 'a' || c > 'z')) return false;
  return true;
}
static_assert(well_named());

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::optional<bool> parse_switch(std::string_view text) {
  for (const std::string_view yes : {"true", "1", "yes", "on"})
    if (text == yes) return true;
  for (const std::string_view no : {"false", "0", "no", "off"})
    if (text == no) return false;
  return std::nullopt;
}

bool is_literal(const std::string& host) {
  in6_addr any;
  return inet_pton(AF_INET, host.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);

  std::uint16_t port = 0;
  const auto end = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (end.ec != std::errc{} || end.ptr != port_text.data() + port_text.size()) return std::nullopt;

  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  Address out{.host = host == "localhost" ? "127.0.0.1" : std::string(host), .port = port};
  if (bracketed != (out.host.find(':') != std::string::npos) || !is_literal(out.host))
    return std::nullopt;
  return out;
}

// Insertions, deletions and changes between two names, for telling a slip from another word.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

Failure<Complaint> complain(std::string sentence) { return fail(Complaint{std::move(sentence)}); }

constexpr std::size_t secret_file_bytes_max = 64 * 1024;  // a key; anything longer is another file

Result<std::string, Complaint> read_secret(std::string_view option, const std::string& path) {
  const std::string subject = std::string(option) + " " + path;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (file == nullptr) return complain(subject + " cannot be read: " + std::strerror(errno));
  std::string text(secret_file_bytes_max + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0)
    return complain(subject + " cannot be read: " + std::strerror(errno));
  if (text.size() > secret_file_bytes_max) return complain(subject + " is too long to be a secret");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return complain(subject + " is empty");
  return text;
}

Outcome<Complaint> take_secret(std::string& secret, std::string_view option,
                               const std::string& path) {
  if (path.empty()) return Done{};
  if (!secret.empty())
    return complain(std::string(option) + " and " + std::string(option) +
                    "-file are both set: remove one of them");
  auto text = read_secret(std::string(option) + "-file", path);
  if (!text) return fail(text.error());
  secret = std::move(*text);
  return Done{};
}

}  // namespace

const std::span<const Option> options = rows;

const Option* find_option(std::string_view name) {
  for (const Option& option : options)
    if (option.name == name) return &option;
  return nullptr;
}

const Option* nearest_option(std::string_view name) {
  if (name.size() > 64) return nullptr;
  std::string plain(name);
  for (char& c : plain)
    c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const Option* nearest = nullptr;
  std::size_t fewest = 1 + std::max<std::size_t>(1, plain.size() / 3);
  for (const Option& option : options) {
    const std::size_t edits = edits_between(plain, option.name);
    if (edits >= fewest) continue;
    fewest = edits;
    nearest = &option;
  }
  return nearest;
}

std::string suggestion(const Option* nearest) {
  return nearest == nullptr ? "" : "; did you mean `" + std::string(nearest->name) + "`?";
}

std::string environment_name(const Option& option) {
  std::string out = "RINGROOM_";
  for (const char c : option.name) out += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  return out;
}

std::string accepted(const Option& option) {
  return std::visit(
      Overloaded{
          [](const Number& row) {
            return print_quantity(row.min, row.unit) + " to " + print_quantity(row.max, row.unit);
          },
          [](const Switch&) { return std::string("true or false"); },
          [](const Text&) { return std::string("text"); },
          [](const Secret&) { return std::string("text"); },
          [](const AddressAndPort&) {
            return std::string("an IP address and a port, such as 0.0.0.0:8000 or [::1]:8000");
          },
          [](const Choice& row) {
            std::string out;
            for (const std::string_view name : row.names)
              out += (out.empty() ? "" : ", ") + std::string(name);
            return out;
          },
      },
      option.value);
}

Outcome<Complaint> assign(Config& config, const Option& option, std::string_view text) {
  const bool understood =
      std::visit(Overloaded{
                     [&](const Number& row) {
                       const auto number = parse_quantity(text, row.unit);
                       if (!number || *number < row.min || *number > row.max) return false;
                       config.*row.field = *number;
                       return true;
                     },
                     [&](const Switch& row) {
                       const auto on = parse_switch(text);
                       if (on) config.*row.field = *on;
                       return on.has_value();
                     },
                     [&](const Text& row) {
                       config.*row.field = text;
                       return true;
                     },
                     [&](const Secret& row) {
                       config.*row.field = text;
                       return true;
                     },
                     [&](const AddressAndPort& row) {
                       auto address = parse_address(text);
                       if (address) config.*row.field = std::move(*address);
                       return address.has_value();
                     },
                     [&](const Choice& row) {
                       const auto name = std::ranges::find(row.names, text);
                       if (name == row.names.end()) return false;
                       row.set(config, static_cast<std::size_t>(name - row.names.begin()));
                       return true;
                     },
                 },
                 option.value);
  if (understood) return Done{};
  return complain(std::string(option.name) + " must be " + accepted(option) + ", not \"" +
                  std::string(text) + "\"");
}

std::string print(const Config& config, const Option& option) {
  return std::visit(
      Overloaded{
          [&](const Number& row) { return print_quantity(config.*row.field, row.unit); },
          [&](const Switch& row) { return std::string(config.*row.field ? "true" : "false"); },
          [&](const Text& row) { return config.*row.field; },
          [&](const Secret& row) {
            return std::string((config.*row.field).empty() ? "" : "(set)");
          },
          [&](const AddressAndPort& row) {
            const Address& address = config.*row.field;
            const bool six = address.host.find(':') != std::string::npos;
            return (six ? "[" + address.host + "]" : address.host) + ":" +
                   std::to_string(address.port);
          },
          [&](const Choice& row) { return std::string(row.names[row.get(config)]); },
      },
      option.value);
}

Outcome<Complaint> settle(Config& config) {
  if (auto done = take_secret(config.api_key, "api-key", config.api_key_file); !done) return done;
  if (auto done =
          take_secret(config.token_hmac_secret, "token-hmac-secret", config.token_hmac_secret_file);
      !done) {
    return done;
  }
  if (!config.token_hmac_secret.empty() && config.token_hmac_secret.size() < hmac_secret_bytes_min)
    return complain("token-hmac-secret must be at least " + std::to_string(hmac_secret_bytes_min) +
                    " bytes long, not " + std::to_string(config.token_hmac_secret.size()) +
                    ": a shorter one can be guessed from any token");

  const std::uint64_t queue_bytes_min = 2 * config.message_bytes_max;
  if (config.queue_bytes_max == Config{}.queue_bytes_max)
    config.queue_bytes_max = std::max(config.queue_bytes_max, queue_bytes_min);
  if (config.queue_bytes_max < queue_bytes_min)
    return complain("queue-bytes-max must be at least twice max-message-bytes, " +
                    print_quantity(queue_bytes_min, Unit::bytes) + ", not " +
                    print_quantity(config.queue_bytes_max, Unit::bytes));

  if (config.low_latency && config.low_power)
    return complain("low-latency and low-power exclude each other: set one of them or neither");

  if (config.insecure_dev && !is_loopback(config.listen))
    return complain("insecure-dev lets everybody in, so it is refused on " + config.listen.host +
                    ": listen on 127.0.0.1 or [::1], or leave insecure-dev out");
  return Done{};
}

std::vector<std::string_view> notes(const Config& config) {
  std::vector<std::string_view> out;
  if (config.insecure_dev) out.push_back("insecure-dev is on: everybody may use any name and room");
  if (!config.insecure_dev && config.token_hmac_secret.empty())
    out.push_back("token-hmac-secret is not set: every client will be refused");
  if (!config.insecure_dev && config.api_key.empty())
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
