// What strangers write to say who they are, and what key servers send: none of it may be believed
// without its signature, whatever it is.
//
//   input: byte 0 says what the rest is: a token; a header or claims that we sign ourselves, so
//   that
//          what lies behind the signature is reached; a JWKS; a PEM file

#include <algorithm>
#include <string>
#include <string_view>

#include "base/check.h"
#include "realtime/access/base64url.h"
#include "realtime/access/jwk.h"
#include "realtime/access/jwt.h"
#include "realtime/access/pem.h"

namespace ringroom::realtime {
namespace {

constexpr std::uint64_t now_s = 1'700'000'000;

const Key& key() {
  static const Key made =
      *Key::of_secret(Algorithm::hs256, "hs", "0123456789abcdef0123456789abcdef");
  return made;
}

const KeySet& keys() {
  static const KeySet set = [] {
    // RFC 7515, A.3; RFC 8037, A.2.
    constexpr std::string_view text = R"({"keys":[{"kty":"EC","crv":"P-256","kid":"ec",)"
                                      R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                                      R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},)"
                                      R"({"kty":"OKP","crv":"Ed25519","kid":"ed",)"
                                      R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
    KeySet out;
    bool all = bool(out.add(key()));
    const auto read = read_jwks(text, JwkOrigin::file);
    RR_CHECK(read);
    for (const Key& each : read->keys) all = all && out.add(each);
    RR_CHECK(all && out.keys().size() == 3);
    return out;
  }();
  return set;
}

Result<Claims, TokenError> judge_token(std::string_view token) {
  static TokenVerifier verifier({});
  const auto first = verifier.verify(token, keys(), now_s);
  const auto again = TokenVerifier({}).verify(token, keys(), now_s);
  RR_CHECK(bool(first) == bool(again));
  if (first) {
    RR_CHECK(!first->user.empty() && first->user == again->user);
    RR_CHECK(now_s < first->valid_until_s());
    RR_CHECK(first->info.find('\n') == std::string::npos);
    // One text, one token: no other spelling of the same bytes is taken.
    const std::size_t first_dot = token.find('.'), second_dot = token.rfind('.');
    for (const std::string_view part :
         {token.substr(0, first_dot), token.substr(first_dot + 1, second_dot - first_dot - 1),
          token.substr(second_dot + 1)})
      RR_CHECK(encode_base64url(*decode_base64url(part)) == part);
  } else {
    RR_CHECK(first.error() == again.error());
    RR_CHECK(!row_of(first.error()).sentence.empty());
  }
  return first;
}

// Without the secret nobody makes a token that is good: the corpus holds none of those keys.
void judge_foreign(std::string_view token) { RR_CHECK(!judge_token(token)); }

void judge_header(std::string_view header) {
  const std::string input =
      encode_base64url(header) + "." + encode_base64url(R"({"sub":"ann","exp":1700003600})");
  if (!judge_token(input + "." + encode_base64url(key().sign(input)))) return;
  // What was believed says so in clear words.
  proto::JsonParser parser;
  const auto parsed = parser.parse_copy(header);
  RR_CHECK(parsed && parsed->find("alg")->string() == "HS256");
  for (const std::string_view name : {"crit", "b64", "jku", "jwk", "x5u", "x5c"})
    RR_CHECK(!parsed->find(name));
}

void judge_claims(std::string_view claims) { (void)judge_token(sign_token(key(), claims)); }

void judge_jwks(std::string_view text) {
  const auto set = read_jwks(text, JwkOrigin::url);
  if (!set) return;
  for (const Key& each : set->keys) {
    RR_CHECK(!each.is_secret() && !each.can_sign());
    RR_CHECK(!each.verify("text", ""));
  }
}

void judge(std::string_view input) {
  if (input.empty()) return;
  const std::string_view rest = input.substr(1);
  switch (input.front()) {
    case 't':
      return judge_foreign(rest);
    case 'h':
      return judge_header(rest);
    case 'c':
      return judge_claims(rest);
    case 'k':
      return judge_jwks(rest);
    case 'p':
      (void)read_public_pem(rest);
      return;
    default:
      return;
  }
}

}  // namespace
}  // namespace ringroom::realtime

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringroom::realtime::judge({reinterpret_cast<const char*>(data), size});
  return 0;
}
