#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/json.h"
#include "realtime/access/grants.h"

namespace ringroom::realtime {

// Tokens that say who a client is (RFC 7519, signed in the compact form of RFC 7515).
//
//   base64url(header) . base64url(claims) . base64url(signature)
//        | alg, kid           | sub, exp, rooms...   | over everything before its dot
//        v                    v
//   choose the key  -->  check the signature  -->  only now look at the claims
//
// The key decides the algorithm; a token that names another is refused. Nothing in a token is ever
// used as a path, an address or a query.

enum class Algorithm : std::uint8_t { hs256 };

struct TokenKey {
  std::string id;  // `kid`; empty: for tokens that name no other key
  Algorithm algorithm = Algorithm::hs256;
  std::string secret;
};

// What a token is held against. Made once from the configuration.
struct TokenRules {
  std::vector<TokenKey> keys;
  std::string audience;  // empty: not asked for
  std::string issuer;    // empty: not asked for
};

// What a good token says. Owned: it outlives the token.
struct Claims {
  std::string user;  // `sub`
  std::string workspace;
  std::uint64_t expires_s = 0;  // seconds since 1970
  std::vector<std::string> permissions;
  std::vector<RoomGrant> rooms;
  std::string info = "{}";  // raw JSON object: public presence data
  std::string zone;         // IANA time zone

  // The moment after which it is no longer believed.
  std::uint64_t valid_until_s() const;
};

enum class TokenError : std::uint8_t {
  too_large,
  malformed,
  wrong_type,
  wrong_algorithm,
  unknown_critical,
  unknown_key,
  bad_signature,
  bad_claim,
  no_subject,
  no_expiry,
  expired,
  not_yet_valid,
  wrong_audience,
  wrong_issuer,
};

struct TokenErrorRow {
  TokenError error;
  std::string_view name;
  std::string_view sentence;  // what is wrong and what to do; safe to tell the client
};
const TokenErrorRow& row_of(TokenError error);

// Owner:  one core; keeps a JSON parser whose tables are reused.
// Clock:  wall time in seconds is given by the caller; expiry and `nbf` are judged with a skew of
//         bounds::clock_skew_s.
class TokenVerifier {
 public:
  explicit TokenVerifier(TokenRules rules) : rules_(std::move(rules)) {}

  bool has_keys() const { return !rules_.keys.empty(); }
  Result<Claims, TokenError> verify(std::string_view token, std::uint64_t now_s);

 private:
  Result<const TokenKey*, TokenError> key_for(std::string_view header);
  Result<Claims, TokenError> read_claims(std::string_view text, std::uint64_t now_s);

  TokenRules rules_;
  proto::JsonParser parser_;
};

// Makes a token of a JSON object of claims.
std::string sign_token(const TokenKey& key, std::string_view claims);

}  // namespace ringroom::realtime
