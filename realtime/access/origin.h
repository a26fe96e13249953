#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ringroom::realtime {

// Where the page is from that opens a WebSocket (A6): browsers say it in the header Origin (RFC
// 6454, 7), and no script can make them lie.
//
//   https://app.example.com:8443   scheme, host and port, compared as these three, never as text
//   null                           a page that has none: a file, a sandboxed frame
//
// Strict: a browser writes no path, no user and no list there, so such a header is no origin.
struct Origin {
  std::string scheme;      // lower case; empty: `null`
  std::string host;        // lower case; an IPv6 address in brackets, in its shortest form
  std::uint16_t port = 0;  // 0: none was given and the scheme has no usual one

  bool operator==(const Origin&) const = default;
};

inline constexpr std::size_t origin_bytes_max = 320;  // a name of 253 bytes, scheme and port

std::optional<Origin> parse_origin(std::string_view text);

// One line of an operator's list.
//
//   https://app.example.com[:PORT]   that origin
//   https://*.example.com[:PORT]     every name below example.com, not that name itself
//   null                             pages without an origin
//   *                                any page on the internet
class OriginRule {
 public:
  // Error: what is wrong with it, to be put behind its text.
  static Result<OriginRule, std::string_view> parse(std::string_view text);

  bool allows(const Origin& origin) const;
  const std::string& text() const { return text_; }

 private:
  enum class Kind : std::uint8_t { one, below, any };
  OriginRule(std::string_view text, Kind kind, Origin origin)
      : text_(text), kind_(kind), origin_(std::move(origin)) {}

  std::string text_;  // as written
  Kind kind_;
  Origin origin_;
};

struct OriginRules {
  std::span<const OriginRule> listed;  // empty: pages of the server's own name, see below
  bool is_required;                    // who says no origin is refused
  bool is_local;                       // a server for one machine: empty list, its own pages only
};

enum class OriginVerdict : std::uint8_t { allowed, absent, malformed, not_listed };

// `said` are the values of all Origin headers of the request, `host` its Host header. Without a
// list an origin is allowed whose host and port are those of `host`; with `is_local` those of any
// loopback name, and no other: so a foreign page cannot reach a developer's server by a name that
// it makes point there.
OriginVerdict judge(std::span<const std::string_view> said, std::string_view host,
                    const OriginRules& rules);

}  // namespace ringroom::realtime
