#include "realtime/access/jwt.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "realtime/access/base64url.h"
#include "realtime/access/bounds.h"
#include "realtime/access/members.h"

namespace ringroom::realtime {

namespace {

// Members of a header that change how a token is to be read, or bring a key along. We read tokens
// in one way, with our own keys.
struct RefusedMember {
  std::string_view name;
  TokenError error;
};
constexpr RefusedMember refused_members[] = {
    {"crit", TokenError::unknown_critical}, {"b64", TokenError::unknown_critical},
    {"jku", TokenError::brings_key},        {"jwk", TokenError::brings_key},
    {"x5u", TokenError::brings_key},        {"x5c", TokenError::brings_key},
};

bool is_token_type(std::string_view type) {
  std::string lower(type);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower == "jwt" || lower == "at+jwt";  // RFC 9068: an access token
}

}  // namespace

Result<TokenVerifier::Header, TokenError> TokenVerifier::read_header(std::string_view text) {
  const auto parsed = parser_.parse_copy(text);
  if (!parsed) return fail(TokenError::malformed);
  const auto header = Members::of(*parsed, bounds::token_members_max);
  if (!header) {
    return fail(header.error() == MembersError::twice ? TokenError::member_twice
                                                      : TokenError::malformed);
  }
  for (const RefusedMember& refused : refused_members)
    if (header->has(refused.name)) return fail(refused.error);
  if (header->has("typ") && !is_token_type(header->text("typ").value_or("")))
    return fail(TokenError::wrong_type);

  Header out;
  if (header->has("kid")) {
    const auto id = header->text("kid");
    if (!id || id->size() > bounds::key_id_bytes_max) return fail(TokenError::unknown_key);
    out.key_id = *id;
  }
  const auto algorithm = header->text("alg");
  if (!algorithm) return fail(TokenError::wrong_algorithm);
  out.algorithm = *algorithm;
  return out;
}

bool TokenVerifier::is_signed_by(const Key& key, std::string_view token, std::string_view signature,
                                 std::uint64_t keys_serial) {
  const std::string_view text = token.substr(0, token.rfind('.'));
  if (key.is_secret()) return key.verify(text, signature);
  const SeenSignatures::Digest digest = SeenSignatures::digest_of(token);
  if (seen_.has(digest, keys_serial)) return true;
  ++signatures_checked_;
  if (!key.verify(text, signature)) return false;
  seen_.add(digest, keys_serial);
  return true;
}

Result<Claims, TokenError> TokenVerifier::verify(std::string_view token, const KeySet& keys,
                                                 std::uint64_t now_s) {
  if (token.size() > bounds::token_bytes_max) return fail(TokenError::too_large);
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return fail(TokenError::malformed);
  const std::string_view parts[] = {token.substr(0, first),
                                    token.substr(first + 1, second - first - 1),
                                    token.substr(second + 1)};
  if (parts[0].size() > bounds::token_header_text_max ||
      parts[2].size() > bounds::token_signature_text_max)
    return fail(TokenError::too_large);

  const auto header_text = decode_base64url(parts[0]);
  const auto signature = decode_base64url(parts[2]);
  if (!header_text || !signature) return fail(TokenError::malformed);
  const auto header = read_header(*header_text);
  if (!header) return fail(header.error());

  bool is_known = false, is_of_algorithm = false;
  const bool is_signed = keys.any_named(header->key_id, [&](const Key& key) {
    is_known = true;
    if (header->algorithm != row_of(key.algorithm()).name) return false;
    is_of_algorithm = true;
    return is_signed_by(key, token, *signature, keys.serial());
  });
  if (!is_known) return fail(TokenError::unknown_key);
  if (!is_of_algorithm) return fail(TokenError::wrong_algorithm);
  if (!is_signed) return fail(TokenError::bad_signature);

  // What follows is what the owner of the key has said.
  const auto claims_text = decode_base64url(parts[1]);
  if (!claims_text) return fail(TokenError::malformed);
  const auto claims = parser_.parse_copy(*claims_text);
  if (!claims) return fail(TokenError::malformed);
  return read_claims(*claims, rules_, now_s);
}

std::string sign_token(const Key& key, std::string_view claims) {
  std::string header =
      "{\"alg\":\"" + std::string(row_of(key.algorithm()).name) + "\",\"typ\":\"JWT\"";
  if (!key.id().empty()) header += ",\"kid\":\"" + key.id() + "\"";
  header += "}";
  std::string out = encode_base64url(header) + "." + encode_base64url(claims);
  out += "." + encode_base64url(key.sign(out));
  return out;
}

}  // namespace ringroom::realtime
