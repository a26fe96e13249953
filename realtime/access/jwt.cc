#include "realtime/access/jwt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include "base/check.h"
#include "realtime/access/base64url.h"
#include "realtime/access/bounds.h"

namespace ringroom::realtime {

namespace {

using proto::JsonField;
using proto::JsonValue;

constexpr TokenErrorRow error_rows[] = {
    {TokenError::too_large, "too_large", "the token is longer than 8 KiB: put less into it"},
    {TokenError::malformed, "malformed",
     "the token is not three base64url parts with JSON objects: send it unchanged"},
    {TokenError::wrong_type, "wrong_type", "the token's `typ` is not JWT: use a token made for us"},
    {TokenError::wrong_algorithm, "wrong_algorithm",
     "the token's `alg` is not the algorithm of its key: sign it with HS256"},
    {TokenError::unknown_critical, "unknown_critical",
     "the token asks for an extension by `crit`: make it without"},
    {TokenError::unknown_key, "unknown_key",
     "the token names a key by `kid` that is not configured: sign it with a configured one"},
    {TokenError::bad_signature, "bad_signature",
     "the token's signature is wrong: sign it with the secret that this server was given"},
    {TokenError::bad_claim, "bad_claim",
     "a claim of the token has the wrong form: see docs/protocol.md, Claims"},
    {TokenError::no_subject, "no_subject", "the token has no `sub`: put the user's id there"},
    {TokenError::no_expiry, "no_expiry", "the token has no `exp`: give it an end"},
    {TokenError::expired, "expired", "the token has expired: get a fresh one"},
    {TokenError::not_yet_valid, "not_yet_valid",
     "the token is not valid yet (`nbf`): wait, or compare the clocks"},
    {TokenError::wrong_audience, "wrong_audience",
     "the token's `aud` does not name this server: use a token made for us"},
    {TokenError::wrong_issuer, "wrong_issuer",
     "the token's `iss` is not the one this server trusts: use a token of that issuer"},
};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(error_rows); ++i)
    if (static_cast<std::size_t>(error_rows[i].error) != i) return false;
  return true;
}
static_assert(rows_are_in_order(), "row_of indexes by the error");

// ---- signatures

std::string hmac_sha256(std::string_view secret, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned bytes = 0;
  RR_CHECK(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                reinterpret_cast<const unsigned char*>(text.data()), text.size(), out,
                &bytes) != nullptr);
  return {reinterpret_cast<const char*>(out), bytes};
}

bool verify_hs256(const TokenKey& key, std::string_view text, std::string_view signature) {
  const std::string expected = hmac_sha256(key.secret, text);
  return signature.size() == expected.size() &&
         CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) == 0;
}

std::string sign_hs256(const TokenKey& key, std::string_view text) {
  return hmac_sha256(key.secret, text);
}

// Another algorithm is another row.
struct AlgorithmRow {
  Algorithm algorithm;
  std::string_view name;
  bool (*verify)(const TokenKey&, std::string_view text, std::string_view signature);
  std::string (*sign)(const TokenKey&, std::string_view text);
};
constexpr AlgorithmRow algorithm_rows[] = {{Algorithm::hs256, "HS256", verify_hs256, sign_hs256}};

const AlgorithmRow& signature_of(Algorithm algorithm) {
  return algorithm_rows[static_cast<std::size_t>(algorithm)];
}

// ---- claims

// The only field of that name. Two of them would let two readers see two different tokens.
struct Field {
  bool twice = false;
  std::optional<JsonValue> value;
};
Field field_of(const JsonValue& object, std::string_view name) {
  Field out;
  for (const JsonField field : object.fields()) {
    if (field.name != name) continue;
    out.twice = out.value.has_value();
    out.value = field.value;
    if (out.twice) return out;
  }
  return out;
}

bool is_word(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

// False if the claim is there but no word. Absent leaves `out` empty.
bool read_word(const JsonValue& claims, std::string_view name, std::string& out,
               std::size_t bytes_max = bounds::token_word_bytes_max) {
  const Field field = field_of(claims, name);
  if (!field.value) return true;
  const auto text = field.value->string();
  if (field.twice || !text || !is_word(*text, bytes_max)) return false;
  out = *text;
  return true;
}

// Seconds since 1970 (RFC 7519, NumericDate: fractions are allowed). A time before 1970 is 0.
bool read_time(const JsonValue& claims, std::string_view name, std::optional<std::uint64_t>& out) {
  constexpr double far_future_s = 1e12;  // year 33658; beyond it sums could wrap
  const Field field = field_of(claims, name);
  if (!field.value) return true;
  const auto number = field.value->number();
  if (field.twice || !number || !std::isfinite(*number) || *number > far_future_s) return false;
  out = *number <= 0 ? 0 : static_cast<std::uint64_t>(*number);
  return true;
}

bool read_words(const JsonValue& list, std::vector<std::string>& out) {
  if (!list.is_array() || list.size() > bounds::token_rows_max) return false;
  for (const JsonValue item : list.items()) {
    const auto text = item.string();
    if (!text || !is_word(*text, bounds::token_word_bytes_max)) return false;
    out.emplace_back(*text);
  }
  return true;
}

bool read_rooms(const JsonValue& rooms, std::vector<RoomGrant>& out) {
  if (!rooms.is_object() || rooms.size() > bounds::token_rows_max) return false;
  for (const JsonField field : rooms.fields()) {
    if (!is_pattern(field.name) || !field.value.is_array()) return false;
    RoomGrant grant{.pattern = std::string(field.name), .actions = {}};
    for (const JsonValue item : field.value.items()) {
      const auto name = item.string();
      const auto action = name ? action_of(*name) : std::nullopt;
      if (!action) return false;
      grant.actions.add(*action);
    }
    out.push_back(std::move(grant));
  }
  return true;
}

// `aud` is a text or a list of them; ours must be among them.
bool names_audience(const JsonValue& claims, std::string_view audience) {
  const Field field = field_of(claims, "aud");
  if (!field.value || field.twice) return false;
  if (field.value->is_string()) return field.value->string() == audience;
  for (const JsonValue item : field.value->items())
    if (item.string() == audience) return true;
  return false;
}

bool is_jwt_type(std::string_view type) {
  constexpr std::string_view name = "jwt";
  return std::ranges::equal(type, name, [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

const TokenErrorRow& row_of(TokenError error) {
  return error_rows[static_cast<std::size_t>(error)];
}

std::uint64_t Claims::valid_until_s() const { return expires_s + bounds::clock_skew_s; }

Result<const TokenKey*, TokenError> TokenVerifier::key_for(std::string_view header_text) {
  const auto header = parser_.parse_copy(header_text);
  if (!header || !header->is_object()) return fail(TokenError::malformed);

  const Field critical = field_of(*header, "crit");
  if (critical.value) return fail(TokenError::unknown_critical);
  const Field type = field_of(*header, "typ");
  if (type.value && (type.twice || !is_jwt_type(type.value->string().value_or(""))))
    return fail(TokenError::wrong_type);

  const Field id_field = field_of(*header, "kid");
  std::string_view id;
  if (id_field.value) {
    const auto text = id_field.value->string();
    if (id_field.twice || !text || text->size() > bounds::key_id_bytes_max)
      return fail(TokenError::unknown_key);
    id = *text;
  }
  const auto named = [this](std::string_view wanted) {
    return std::ranges::find(rules_.keys, wanted, &TokenKey::id);
  };
  auto key = named(id);
  if (key == rules_.keys.end()) key = named("");
  if (key == rules_.keys.end()) return fail(TokenError::unknown_key);

  const Field algorithm = field_of(*header, "alg");
  if (algorithm.twice || !algorithm.value ||
      algorithm.value->string() != signature_of(key->algorithm).name) {
    return fail(TokenError::wrong_algorithm);
  }
  return &*key;
}

Result<Claims, TokenError> TokenVerifier::read_claims(std::string_view text, std::uint64_t now_s) {
  const auto claims = parser_.parse_copy(text);
  if (!claims || !claims->is_object()) return fail(TokenError::malformed);

  std::optional<std::uint64_t> expires_s, begins_s, issued_s;
  if (!read_time(*claims, "exp", expires_s) || !read_time(*claims, "nbf", begins_s) ||
      !read_time(*claims, "iat", issued_s)) {
    return fail(TokenError::bad_claim);
  }
  if (!expires_s) return fail(TokenError::no_expiry);
  if (now_s >= *expires_s + bounds::clock_skew_s) return fail(TokenError::expired);
  if (begins_s && *begins_s > now_s + bounds::clock_skew_s) return fail(TokenError::not_yet_valid);

  if (!rules_.audience.empty() && !names_audience(*claims, rules_.audience))
    return fail(TokenError::wrong_audience);
  if (!rules_.issuer.empty()) {
    const Field issuer = field_of(*claims, "iss");
    if (issuer.twice || !issuer.value || issuer.value->string() != rules_.issuer)
      return fail(TokenError::wrong_issuer);
  }

  Claims out;
  out.expires_s = *expires_s;
  if (!claims->find("sub")) return fail(TokenError::no_subject);
  if (!read_word(*claims, "sub", out.user, bounds::token_subject_bytes_max))
    return fail(TokenError::no_subject);
  if (!read_word(*claims, "workspace", out.workspace) || !read_word(*claims, "zone", out.zone))
    return fail(TokenError::bad_claim);

  const Field permissions = field_of(*claims, "permissions");
  if (permissions.value && (permissions.twice || !read_words(*permissions.value, out.permissions)))
    return fail(TokenError::bad_claim);
  const Field rooms = field_of(*claims, "rooms");
  if (rooms.value && (rooms.twice || !read_rooms(*rooms.value, out.rooms)))
    return fail(TokenError::bad_claim);
  const Field info = field_of(*claims, "info");
  if (info.value) {
    if (info.twice || !info.value->is_object()) return fail(TokenError::bad_claim);
    out.info = info.value->raw();
    // Line ends inside JSON are blanks; in a text that is spliced into others they could end a
    // line.
    std::ranges::replace_if(
        out.info, [](char c) { return c == '\r' || c == '\n'; }, ' ');
  }
  return out;
}

Result<Claims, TokenError> TokenVerifier::verify(std::string_view token, std::uint64_t now_s) {
  if (token.size() > bounds::token_bytes_max) return fail(TokenError::too_large);
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return fail(TokenError::malformed);

  const auto header = decode_base64url(token.substr(0, first));
  const auto claims = decode_base64url(token.substr(first + 1, second - first - 1));
  const auto signature = decode_base64url(token.substr(second + 1));
  if (!header || !claims || !signature) return fail(TokenError::malformed);

  const auto key = key_for(*header);
  if (!key) return fail(key.error());
  if (!signature_of((*key)->algorithm).verify(**key, token.substr(0, second), *signature))
    return fail(TokenError::bad_signature);
  return read_claims(*claims, now_s);
}

std::string sign_token(const TokenKey& key, std::string_view claims) {
  const AlgorithmRow& algorithm = signature_of(key.algorithm);
  std::string header = "{\"alg\":\"" + std::string(algorithm.name) + "\",\"typ\":\"JWT\"";
  if (!key.id.empty()) header += ",\"kid\":\"" + key.id + "\"";
  header += "}";
  std::string out = encode_base64url(header) + "." + encode_base64url(claims);
  out += "." + encode_base64url(algorithm.sign(key, out));
  return out;
}

}  // namespace ringroom::realtime
