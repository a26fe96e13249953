#include "realtime/access/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace ringroom::realtime {

namespace {

constexpr std::size_t scheme_bytes_max = 32;
constexpr std::size_t host_bytes_max = 253;
constexpr std::size_t label_bytes_max = 63;

struct UsualPort {
  std::string_view scheme;
  std::uint16_t port;
};
constexpr UsualPort usual_ports[] = {{"http", 80}, {"https", 443}};

constexpr bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_scheme(std::string_view text) {
  return !text.empty() && text.size() <= scheme_bytes_max && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) {
           return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
         });
}

std::uint16_t usual_port(std::string_view scheme) {
  for (const UsualPort& row : usual_ports)
    if (row.scheme == scheme) return row.port;
  return 0;
}

// Browsers write an IPv4 address in one way only, and everything that ends in a number is one
// (WHATWG URL, host parser): 127.1 and 0x7f.1 never come from them.
bool is_number(std::string_view label) {
  if (label.starts_with("0x")) return true;
  return std::ranges::all_of(label, is_digit);
}

bool is_ipv4(const std::string& host) {
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// Letters, digits, `-` and `_` between dots; a dot at the end is kept, for browsers take that for
// another name. Names of other scripts come as xn--..., and are compared as that.
bool is_host(const std::string& host) {
  if (host.empty() || host.size() > host_bytes_max) return false;
  std::string_view rest = host;
  if (rest.back() == '.') rest.remove_suffix(1);
  for (;;) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    if (label.empty() || label.size() > label_bytes_max) return false;
    if (!std::ranges::all_of(
            label, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; }))
      return false;
    if (dot == rest.npos) return !is_number(label) || is_ipv4(host);
    rest.remove_prefix(dot + 1);
  }
}

std::optional<std::string> ipv6(const std::string& text) {
  in6_addr address;
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
  char shortest[INET6_ADDRSTRLEN];
  if (inet_ntop(AF_INET6, &address, shortest, sizeof shortest) == nullptr) return std::nullopt;
  return "[" + std::string(shortest) + "]";
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_whole = end.ec == std::errc() && end.ptr == text.data() + text.size();
  if (!is_whole || text.front() == '0') return std::nullopt;
  return port;
}

bool is_loopback(const Origin& origin) {
  in_addr four;
  if (inet_pton(AF_INET, origin.host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  return origin.host == "[::1]" || origin.host == "localhost" ||
         origin.host.ends_with(".localhost");
}

bool is_own(const Origin& origin, std::string_view host, bool is_local) {
  if (usual_port(origin.scheme) == 0) return false;
  if (is_local) return is_loopback(origin);
  const auto own = parse_origin(origin.scheme + "://" + std::string(host));
  return own && *own == origin;
}

}  // namespace

std::optional<Origin> parse_origin(std::string_view text) {
  if (text == "null") return Origin{};
  if (text.size() > origin_bytes_max) return std::nullopt;
  const std::size_t colon = text.find("://");
  if (colon == text.npos) return std::nullopt;
  Origin out;
  out.scheme = lower(text.substr(0, colon));
  if (!is_scheme(out.scheme)) return std::nullopt;
  text.remove_prefix(colon + 3);

  const bool is_bracketed = text.starts_with('[');
  const std::size_t host_end = is_bracketed ? text.find(']') + 1 : text.find(':');
  if (is_bracketed && host_end == 0) return std::nullopt;
  const std::string_view host = text.substr(0, host_end);
  text.remove_prefix(host.size());
  if (is_bracketed) {
    auto address = ipv6(std::string(host.substr(1, host.size() - 2)));
    if (!address) return std::nullopt;
    out.host = std::move(*address);
  } else {
    out.host = lower(host);
    if (!is_host(out.host)) return std::nullopt;
  }

  out.port = usual_port(out.scheme);
  if (text.empty()) return out;
  if (text.front() != ':' || text.size() == 1) return std::nullopt;
  const auto port = parse_port(text.substr(1));
  if (!port) return std::nullopt;
  out.port = *port;
  return out;
}

Result<OriginRule, std::string_view> OriginRule::parse(std::string_view text) {
  if (text == "*") return OriginRule(text, Kind::any, {});
  constexpr std::string_view star = "://*.";
  const std::size_t at = text.find(star);
  std::string plain(text);
  if (at != text.npos) plain.erase(at + 3, 2);
  auto origin = parse_origin(plain);
  if (!origin)
    return fail(
        std::string_view("is no origin: write SCHEME://HOST or SCHEME://HOST:PORT as browsers do, "
                         "without a path, and names of other scripts as xn--..."));
  if (origin->scheme == "ws" || origin->scheme == "wss")
    return fail(std::string_view("is no origin of a page: those begin with http:// or https://"));
  if (at == text.npos) return OriginRule(text, Kind::one, std::move(*origin));
  const bool is_address = origin->host.front() == '[' || is_ipv4(origin->host);
  const bool is_wide = origin->host.find('.') == std::string::npos && origin->host != "localhost";
  if (is_address || is_wide)
    return fail(
        std::string_view("would let in everybody below it: `*.` stands before a name of "
                         "your own, with a dot in it"));
  return OriginRule(text, Kind::below, std::move(*origin));
}

bool OriginRule::allows(const Origin& origin) const {
  switch (kind_) {
    case Kind::any:
      return true;
    case Kind::one:
      return origin == origin_;
    case Kind::below:
      break;
  }
  const std::size_t name_bytes = origin_.host.size();
  return origin.scheme == origin_.scheme && origin.port == origin_.port &&
         origin.host.size() > name_bytes + 1 && origin.host.ends_with(origin_.host) &&
         origin.host[origin.host.size() - name_bytes - 1] == '.';
}

OriginVerdict judge(std::span<const std::string_view> said, std::string_view host,
                    const OriginRules& rules) {
  if (said.empty()) return rules.is_required ? OriginVerdict::absent : OriginVerdict::allowed;
  if (said.size() > 1) return OriginVerdict::malformed;
  const auto origin = parse_origin(said.front());
  if (!origin) return OriginVerdict::malformed;
  if (rules.listed.empty())
    return is_own(*origin, host, rules.is_local) ? OriginVerdict::allowed
                                                 : OriginVerdict::not_listed;
  const bool is_allowed = std::ranges::any_of(
      rules.listed, [&](const OriginRule& rule) { return rule.allows(*origin); });
  return is_allowed ? OriginVerdict::allowed : OriginVerdict::not_listed;
}

}  // namespace ringroom::realtime
