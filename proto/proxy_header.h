#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"

namespace ringroom::proto {

// What a proxy says in front of a connection that it passes on: the PROXY protocol, version 2, as
// HAProxy's specification of 2020 has it.
//
//   "\r\n\r\n\0\r\nQUIT\n"  0x20|command  family|transport  length  addresses, then TLVs
//   12 bytes                1             1                 2       `length` bytes
struct ProxyHeader {
  std::size_t size_bytes;  // of all of it; the connection's own bytes are behind
  // Whose connection it is; IPv4 as an IPv4-mapped address. nullopt: the proxy's own (LOCAL, a
  // health check), or of a family that has no address for us.
  struct Source {
    std::array<std::uint8_t, 16> ip;
    std::uint16_t port;
    bool operator==(const Source&) const = default;
  };
  std::optional<Source> source;
};

enum class ProxyHeaderError : std::uint8_t {
  not_one,    // something else begins here
  malformed,  // another version or command, or too short for what it says it holds
  too_long
};

// Addresses are 36 bytes; what comes behind (names, certificates' fields) is not looked at.
inline constexpr std::size_t proxy_header_bytes_max = 4096;

// From the first bytes of a connection. nullopt: the header goes on behind them.
Result<std::optional<ProxyHeader>, ProxyHeaderError> parse_proxy_header(
    std::span<const std::byte> bytes);

}  // namespace ringroom::proto
