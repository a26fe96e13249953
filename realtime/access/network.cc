#include "realtime/access/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace ringroom::realtime {

namespace {

constexpr unsigned v4_bits_before = 96;
constexpr Ip mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(const Ip& ip) { return std::equal(ip.begin(), ip.begin() + 12, mapped.begin()); }

std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = end.ec == std::errc() && end.ptr == text.data() + text.size();
  const bool is_plain = text.size() == 1 || !text.starts_with('0');
  return is_whole && is_plain && value <= max ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<Ip> parse_ip(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof terminated || text.find('\0') != text.npos) return std::nullopt;
  text.copy(terminated, text.size());
  Ip out = mapped;
  if (inet_pton(AF_INET, terminated, out.data() + 12) == 1) return out;
  if (inet_pton(AF_INET6, terminated, out.data()) == 1) return out;
  return std::nullopt;
}

std::optional<Ip> parse_ip_and_port(std::string_view text) {
  const bool is_bracketed = text.starts_with('[');
  const bool has_port = !is_bracketed && std::ranges::count(text, ':') == 1;
  if (!is_bracketed && !has_port) return parse_ip(text);
  const std::size_t end = text.find(is_bracketed ? ']' : ':');
  if (end == text.npos) return std::nullopt;
  const std::string_view host = text.substr(is_bracketed ? 1 : 0, end - (is_bracketed ? 1 : 0));
  const std::string_view rest = text.substr(is_bracketed ? end + 1 : end);
  if (!rest.empty() && (rest[0] != ':' || !parse_number(rest.substr(1), 65'535)))
    return std::nullopt;
  if (is_bracketed == (host.find(':') == host.npos)) return std::nullopt;
  return parse_ip(host);
}

Ip subscriber_of(const Ip& ip) {
  if (is_v4(ip)) return ip;
  Ip out = ip;
  std::fill(out.begin() + 8, out.end(), std::uint8_t{0});
  return out;
}

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto first = parse_ip(text.substr(0, slash));
  if (!first) return std::nullopt;
  const bool is_v4_text = text.find(':') == text.npos;
  const unsigned before = is_v4_text ? v4_bits_before : 0;
  const auto bits = slash == text.npos ? std::optional(128 - before)
                                       : parse_number(text.substr(slash + 1), 128 - before);
  if (!bits) return std::nullopt;
  Network out;
  out.text_ = text;
  out.first_ = *first;
  out.prefix_bits_ = before + *bits;
  for (unsigned bit = out.prefix_bits_; bit < 128; ++bit)
    if ((out.first_[bit / 8] >> (7 - bit % 8) & 1) != 0) return std::nullopt;
  return out;
}

bool Network::contains(const Ip& ip) const {
  const unsigned bytes = prefix_bits_ / 8;
  if (std::memcmp(ip.data(), first_.data(), bytes) != 0) return false;
  const unsigned bits = prefix_bits_ % 8;
  return bits == 0 || (ip[bytes] ^ first_[bytes]) >> (8 - bits) == 0;
}

}  // namespace ringroom::realtime
