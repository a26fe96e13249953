#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "proto/json.h"
#include "realtime/access/claims.h"
#include "realtime/access/key_set.h"
#include "realtime/access/seen_signatures.h"
#include "realtime/access/token_error.h"

namespace ringroom::realtime {

// Tokens that say who a client is (RFC 7519, signed in the compact form of RFC 7515).
//
//   base64url(header) . base64url(claims) . base64url(signature)
//        | alg, kid           | sub, exp, rooms...   | over everything before its dot
//        v                    v
//   choose the key  -->  check the signature, --> only now look at the claims
//                        if it is a new one
//
// The key decides the algorithm; a token that names another is refused. Nothing in a token is ever
// used as a path, an address or a query: keys come from the set that is given, or not at all.
//
// Owner:  one core; keeps a JSON parser whose tables are reused.
// Clock:  wall time in seconds is given by the caller.
class TokenVerifier {
 public:
  explicit TokenVerifier(TokenRules rules) : rules_(std::move(rules)) {}
  void adopt(TokenRules rules) { rules_ = std::move(rules); }

  Result<Claims, TokenError> verify(std::string_view token, const KeySet& keys,
                                    std::uint64_t now_s);

  // By public keys, which is what takes time; a token that was seen before needs none.
  std::uint64_t signatures_checked() const { return signatures_checked_; }

 private:
  // What a header asks for, once it has been found harmless. Views into the parser.
  struct Header {
    std::string_view algorithm;
    std::string_view key_id;
  };
  Result<Header, TokenError> read_header(std::string_view text);
  bool is_signed_by(const Key& key, std::string_view token, std::string_view signature,
                    std::uint64_t keys_serial);

  TokenRules rules_;
  proto::JsonParser parser_;
  SeenSignatures seen_;
  std::uint64_t signatures_checked_ = 0;
};

// Makes a token of a JSON object of claims.
std::string sign_token(const Key& key, std::string_view claims);

}  // namespace ringroom::realtime
