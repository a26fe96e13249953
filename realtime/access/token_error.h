#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringroom::realtime {

// Why a token is not believed. A row each: what the client is told, and `ringroom token check`
// says.
enum class TokenError : std::uint8_t {
  too_large,
  malformed,
  member_twice,
  wrong_type,
  wrong_algorithm,
  unknown_critical,
  brings_key,
  unknown_key,
  key_awaited,
  bad_signature,
  bad_claim,
  no_subject,
  no_expiry,
  expired,
  not_yet_valid,
  issued_later,
  wrong_audience,
  wrong_issuer,
  revoked,
};
inline constexpr std::size_t token_error_count = std::size_t(TokenError::revoked) + 1;

struct TokenErrorRow {
  TokenError error;
  std::string_view name;
  std::string_view sentence;  // what is wrong and what to do; safe to tell the client
};
const TokenErrorRow& row_of(TokenError error);

}  // namespace ringroom::realtime
