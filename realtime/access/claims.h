#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/json.h"
#include "realtime/access/bounds.h"
#include "realtime/access/grants.h"
#include "realtime/access/token_error.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

// What a token is held against, besides keys. Made once from the configuration.
struct TokenRules {
  std::string audience;  // empty: a token that names one is not for us
  std::string issuer;    // empty: not asked for
  std::uint64_t skew_s = bounds::clock_skew_s;
};

// What a good token says. Owned: it outlives the token.
struct Claims {
  std::string user;             // `sub`
  std::string workspace;        // its id; empty: it names none
  std::string id;               // `jti`; empty: it has none
  std::uint64_t issued_s = 0;   // `iat`; 0: it does not say
  std::uint64_t expires_s = 0;  // seconds since 1970
  std::uint64_t skew_s = 0;     // of the rules
  std::vector<std::string> permissions;
  std::vector<std::string> roles;
  std::vector<RoomGrant> rooms;
  // Of a token that is for one room, and for nothing else; empty: it is not.
  std::string room;
  Actions room_actions;     // `actions`; join if it does not say
  std::string info = "{}";  // raw JSON object: public presence data
  std::string zone;         // IANA time zone

  // The moment after which it is no longer believed.
  std::uint64_t valid_until_s() const { return expires_s + skew_s; }
};

// read_claims() has seen to it that it is an id.
inline Workspace workspace_of(const Claims& claims) {
  return Workspace::of(claims.workspace).value_or(Workspace());
}

// Times are seconds since 1970 as numbers, 0 or later, fractions cut off (RFC 7519, NumericDate).
Result<Claims, TokenError> read_claims(const proto::JsonValue& object, const TokenRules& rules,
                                       std::uint64_t now_s);

}  // namespace ringroom::realtime
