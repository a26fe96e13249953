#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringroom::realtime {

// An address of a peer. IPv4 is held as an IPv4-mapped IPv6 address, so that the two ways to write
// one are one; all zero means unknown.
using Ip = std::array<std::uint8_t, 16>;

// How a trusted proxy says whose connection or request it passes on. One way only: what it does not
// write itself it may pass on from anybody.
enum class ForwardedBy : std::uint8_t {
  x_forwarded_for,
  forwarded,      // RFC 7239
  proxy_protocol  // in front of the connection, not in requests: proto/proxy_header.h
};

// A literal, without brackets, port or zone.
std::optional<Ip> parse_ip(std::string_view text);

// A literal as proxies write it: also with a port behind it, and then IPv6 in brackets.
std::optional<Ip> parse_ip_and_port(std::string_view text);

// Whom an address stands for where one is counted: an IPv4 address for itself, an IPv6 address for
// its /64, for that is the least that one subscriber gets.
Ip subscriber_of(const Ip& ip);

// A range of addresses as an operator writes it: 10.0.0.0/8, 2001:db8::/32, or one address.
class Network {
 public:
  // nullopt: not a range, or one that has bits behind its prefix, which is rarely meant.
  static std::optional<Network> parse(std::string_view text);

  bool contains(const Ip& ip) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;  // as written
  Ip first_;
  unsigned prefix_bits_;  // of the 128
};

}  // namespace ringroom::realtime
