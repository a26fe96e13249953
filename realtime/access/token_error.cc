#include "realtime/access/token_error.h"

#include <cstddef>
#include <iterator>

namespace ringroom::realtime {

namespace {

constexpr TokenErrorRow rows[] = {
    {TokenError::too_large, "too_large",
     "the token is longer than 8 KiB, or its header than 768 bytes: put less into it"},
    {TokenError::malformed, "malformed",
     "the token is not three base64url parts with JSON objects: send it unchanged"},
    {TokenError::member_twice, "member_twice",
     "a name is there twice in the token's header or claims: say each thing once"},
    {TokenError::wrong_type, "wrong_type",
     "the token's `typ` is not JWT or at+jwt: use a token made for us"},
    {TokenError::wrong_algorithm, "wrong_algorithm",
     "the token's `alg` is not the algorithm of its key: sign it with the algorithm that the "
     "server has the key for"},
    {TokenError::unknown_critical, "unknown_critical",
     "the token asks for an extension by `crit` or `b64`: make it without"},
    {TokenError::brings_key, "brings_key",
     "the token brings a key or says where one is (`jwk`, `jku`, `x5c`, `x5u`): name one that the "
     "server has by `kid`"},
    {TokenError::unknown_key, "unknown_key",
     "the token names a key by `kid` that is not configured, or none where all have names: sign it "
     "with a configured one"},
    {TokenError::key_awaited, "key_awaited",
     "the server does not have the token's key now and asks for the newest ones: try again "
     "shortly"},
    {TokenError::bad_signature, "bad_signature",
     "the token's signature is wrong: sign it with the key that this server was given"},
    {TokenError::bad_claim, "bad_claim",
     "a claim of the token has the wrong form: see docs/protocol.md, Claims"},
    {TokenError::no_subject, "no_subject", "the token has no `sub`: put the user's id there"},
    {TokenError::no_expiry, "no_expiry", "the token has no `exp`: give it an end"},
    {TokenError::expired, "expired", "the token has expired: get a fresh one"},
    {TokenError::not_yet_valid, "not_yet_valid",
     "the token is not valid yet (`nbf`): wait, or compare the clocks"},
    {TokenError::issued_later, "issued_later",
     "the token was issued in the future (`iat`): compare the clocks"},
    {TokenError::wrong_audience, "wrong_audience",
     "the token's `aud` does not name this server (token-audience): use a token made for us"},
    {TokenError::wrong_issuer, "wrong_issuer",
     "the token's `iss` is not the one this server trusts: use a token of that issuer"},
    {TokenError::revoked, "revoked", "the token has been revoked: get a fresh one"},
};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(rows); ++i)
    if (static_cast<std::size_t>(rows[i].error) != i) return false;
  return std::size(rows) == token_error_count;
}
static_assert(rows_are_in_order(), "row_of indexes by the error");

}  // namespace

const TokenErrorRow& row_of(TokenError error) { return rows[static_cast<std::size_t>(error)]; }

}  // namespace ringroom::realtime
