#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringroom::realtime {

// How tokens are signed (RFC 7518, 3.1; RFC 8037). A row each: what kind of key, which digest.
// A key has exactly one of these for as long as it lives; a token can only name it.

enum class Algorithm : std::uint8_t {
  hs256,
  hs384,
  hs512,
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  eddsa,
};

enum class KeyKind : std::uint8_t { secret, rsa, ec, ed25519 };

struct AlgorithmRow {
  Algorithm algorithm;
  std::string_view name;
  KeyKind kind;
  const char* digest;  // nullptr: the scheme has its own
  // secret: the least bytes of one (RFC 7518, 3.2: as long as the hash). ec: bytes of a coordinate.
  // ed25519: bytes of the key.
  std::size_t bytes;
  const char* curve;  // as OpenSSL calls it
  bool is_pss;
};

inline constexpr AlgorithmRow algorithm_rows[] = {
    {Algorithm::hs256, "HS256", KeyKind::secret, "SHA256", 32, nullptr, false},
    {Algorithm::hs384, "HS384", KeyKind::secret, "SHA384", 48, nullptr, false},
    {Algorithm::hs512, "HS512", KeyKind::secret, "SHA512", 64, nullptr, false},
    {Algorithm::rs256, "RS256", KeyKind::rsa, "SHA256", 0, nullptr, false},
    {Algorithm::rs384, "RS384", KeyKind::rsa, "SHA384", 0, nullptr, false},
    {Algorithm::rs512, "RS512", KeyKind::rsa, "SHA512", 0, nullptr, false},
    {Algorithm::ps256, "PS256", KeyKind::rsa, "SHA256", 0, nullptr, true},
    {Algorithm::ps384, "PS384", KeyKind::rsa, "SHA384", 0, nullptr, true},
    {Algorithm::ps512, "PS512", KeyKind::rsa, "SHA512", 0, nullptr, true},
    {Algorithm::es256, "ES256", KeyKind::ec, "SHA256", 32, "prime256v1", false},
    {Algorithm::es384, "ES384", KeyKind::ec, "SHA384", 48, "secp384r1", false},
    {Algorithm::eddsa, "EdDSA", KeyKind::ed25519, nullptr, 32, nullptr, false},
};

constexpr bool algorithm_rows_are_in_order() {
  std::size_t index = 0;
  for (const AlgorithmRow& row : algorithm_rows)
    if (static_cast<std::size_t>(row.algorithm) != index++) return false;
  return true;
}
static_assert(algorithm_rows_are_in_order(), "row_of indexes by the algorithm");

constexpr const AlgorithmRow& row_of(Algorithm algorithm) {
  return algorithm_rows[static_cast<std::size_t>(algorithm)];
}

// By its exact name: `hs256`, ` HS256` and `none` are the names of nothing.
constexpr std::optional<Algorithm> algorithm_of(std::string_view name) {
  for (const AlgorithmRow& row : algorithm_rows)
    if (row.name == name) return row.algorithm;
  return std::nullopt;
}

}  // namespace ringroom::realtime
