#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "proto/json.h"
#include "realtime/access/key.h"

namespace ringroom::realtime {

// Keys as JSON (RFC 7517, RFC 8037): one JWK, or a set `{"keys": [...]}`.
//
//   kty   members      algorithm, unless `alg` names one of the kind
//   oct   k            HS256
//   RSA   n, e         RS256
//   EC    crv, x, y    ES256 with P-256, ES384 with P-384
//   OKP   crv, x       EdDSA with Ed25519
//
// Where the text comes from decides what it may hold: a secret or a private key that was fetched
// from somewhere is known to others.
enum class JwkOrigin : std::uint8_t { file, url };

struct JwkSet {
  struct LeftOut {
    std::string id;
    KeyError error;
  };
  std::vector<Key> keys;
  std::vector<LeftOut> left_out;  // keys for another use, and those that are none
};

Result<Key, KeyError> read_jwk(const proto::JsonValue& object, JwkOrigin origin);
// Fails only if the text is no JWK and no set at all.
Result<JwkSet, KeyError> read_jwks(std::string_view text, JwkOrigin origin);

}  // namespace ringroom::realtime
