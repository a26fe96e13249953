#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "proto/http.h"
#include "realtime/access/network.h"

namespace ringroom::realtime {

// Whose request it is that a proxy passes on. Every proxy on the way adds whom it got it from:
//
//   X-Forwarded-For: client, proxy1            the peer of the connection is proxy2
//   Forwarded: for=client, for=proxy1          RFC 7239
//
// Read from the right, because what stands on the left anybody may have written: the first address
// that is no trusted proxy is the client. What cannot be read (`unknown`, a name, rubbish) ends the
// walk, and the trusted one to the right of it is whom we know. So nobody becomes who he is not;
// who hides behind a proxy shares its limits.
struct Forwarded {
  Ip client;
  bool is_whole;  // false: the walk ended at something that cannot be read
};

bool is_trusted(const Ip& ip, std::span<const Network> proxies);

// `peer` is trusted: its headers count. Several header lines are one list, in their order.
Forwarded client_of(const Ip& peer, std::span<const proto::HttpHeader> headers, ForwardedBy by,
                    std::span<const Network> proxies);

// The addresses of one header, left to right; nullopt is one that cannot be read.
using Hops = std::vector<std::optional<Ip>>;
void append_x_forwarded_for(Hops& hops, std::string_view value);
void append_forwarded(Hops& hops, std::string_view value);

}  // namespace ringroom::realtime
