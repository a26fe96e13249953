#include "realtime/access/jwt.h"

#include <gtest/gtest.h>

#include "realtime/access/base64url.h"
#include "realtime/access/bounds.h"

namespace ringroom::realtime {
namespace {

constexpr std::uint64_t now_s = 1'700'000'000;
const std::string secret = "0123456789abcdef0123456789abcdef";

Key hs256(std::string id, std::string bytes) {
  return *Key::of_secret(Algorithm::hs256, std::move(id), std::move(bytes));
}
const Key key = hs256("", secret);

KeySet set_of(std::initializer_list<Key> keys) {
  KeySet out;
  for (const Key& each : keys) EXPECT_TRUE(out.add(each));
  return out;
}

std::string claims_with(std::string_view more) {
  return R"({"sub":"ann","exp":1700003600)" + std::string(more) + "}";
}

// A token with a header of our own making. Headers are judged before signatures, so it needs none.
std::string token_with_header(std::string_view header) {
  return encode_base64url(header) + "." + encode_base64url(claims_with("")) + "." +
         encode_base64url(std::string(32, 's'));
}

std::string verdict(std::string_view token, const KeySet& keys = set_of({key}),
                    TokenRules rules = {}) {
  const auto claims = TokenVerifier(std::move(rules)).verify(token, keys, now_s);
  return claims ? "good" : std::string(row_of(claims.error()).name);
}
std::string verdict_of_claims(std::string_view claims) { return verdict(sign_token(key, claims)); }

TEST(Jwt, TakesTheExampleOfAnotherImplementation) {
  // Made with Python: hmac.new(secret, b"header.claims", "sha256").
  TokenVerifier verifier({});
  const auto claims = verifier.verify(
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE3MDAwMDM2MDB9."
      "qwJu3Npqsw96Lqqq2zY67XNQwm5-cig6CyYDuecYRTc",
      set_of({key}), now_s);
  ASSERT_TRUE(claims) << row_of(claims.error()).sentence;
  EXPECT_EQ(claims->user, "ann");
}

TEST(Jwt, SaysWhoTheClientIsAndWhatItMay) {
  TokenVerifier verifier({});
  const auto claims = verifier.verify(
      sign_token(key,
                 claims_with(
                     R"(,"workspace":"w1","permissions":["premium:view"],"zone":"Europe/Zurich",)"
                     R"("rooms":{"quote:*":["join","publish"],"lobby":[]},"info":{"name":"Ann"})")),
      set_of({key}), now_s);
  ASSERT_TRUE(claims) << row_of(claims.error()).sentence;
  EXPECT_EQ(claims->user, "ann");
  EXPECT_EQ(claims->workspace, "w1");
  EXPECT_EQ(claims->expires_s, 1'700'003'600u);
  EXPECT_EQ(claims->valid_until_s(), 1'700'003'600u + bounds::clock_skew_s);
  EXPECT_EQ(claims->permissions, std::vector<std::string>{"premium:view"});
  EXPECT_EQ(claims->zone, "Europe/Zurich");
  EXPECT_EQ(claims->info, R"({"name":"Ann"})");
  ASSERT_EQ(claims->rooms.size(), 2u);
  EXPECT_EQ(Grants(claims->rooms).in("quote:1", "ann"), (Actions{Action::join, Action::publish}));
}

TEST(Jwt, GivesNothingThatTheTokenDoesNotGive) {
  TokenVerifier verifier({});
  const auto claims = verifier.verify(sign_token(key, claims_with("")), set_of({key}), now_s);
  ASSERT_TRUE(claims);
  EXPECT_TRUE(claims->rooms.empty());
  EXPECT_TRUE(claims->permissions.empty());
  EXPECT_EQ(claims->info, "{}");
}

TEST(Jwt, PutsTheInfoOfAClientOnOneLine) {
  TokenVerifier verifier({});
  const auto claims = verifier.verify(sign_token(key, claims_with(",\"info\":{\r\n\"a\":1}")),
                                      set_of({key}), now_s);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->info, "{  \"a\":1}");
}

TEST(Jwt, LetsTheKeyDecideTheAlgorithm) {
  for (const std::string_view header : {
           R"({"alg":"none"})",
           R"({"alg":"None"})",
           R"({"alg":"nOnE"})",
           R"({"alg":"NONE"})",
           R"({"alg":""})",
           R"({"alg":" HS256"})",
           R"({"alg":"hs256"})",
           R"({"alg":"HS384"})",
           R"({"alg":"HS512"})",
           R"({"alg":"RS256"})",
           R"({"alg":"ES256"})",
           R"({"alg":"PS256"})",
           R"({"alg":"EdDSA"})",
           R"({"alg":null})",
           R"({"alg":256})",
           R"({"alg":["HS256"]})",
           R"({"alg":{"HS256":1}})",
           R"({"alg":"HS256\u0000"})",
           R"({})",
           R"({"typ":"JWT"})",
           R"({"Alg":"HS256"})",
       }) {
    EXPECT_EQ(verdict(token_with_header(header)), "wrong_algorithm") << header;
    const std::string unsigned_token =
        encode_base64url(header) + "." + encode_base64url(claims_with("")) + ".";
    EXPECT_EQ(verdict(unsigned_token), "wrong_algorithm") << header;
  }
}

TEST(Jwt, RefusesAHeaderThatSaysSomethingTwice) {
  for (const std::string_view header :
       {R"({"alg":"HS256","alg":"none"})", R"({"alg":"none","alg":"HS256"})",
        R"({"alg":"HS256","alg":"HS256"})", R"({"alg":"HS256","\u0061lg":"HS256"})",
        R"({"alg":"HS256","typ":"JWT","typ":"JWT"})", R"({"alg":"HS256","kid":"a","kid":"a"})",
        R"({"alg":"HS256","x":1,"y":2,"x":1})"}) {
    EXPECT_EQ(verdict(token_with_header(header)), "member_twice") << header;
  }
}

TEST(Jwt, RefusesClaimsThatSaySomethingTwice) {
  for (const std::string_view more :
       {R"(,"exp":1)", R"(,"sub":"bo")", R"(,"x":1,"x":1)", R"(,"s\u0075b":"bo")"}) {
    EXPECT_EQ(verdict_of_claims(claims_with(more)), "member_twice") << more;
  }
}

TEST(Jwt, RefusesEveryCriticalExtension) {
  for (const std::string_view header :
       {R"({"alg":"HS256","crit":["b64"],"b64":false})", R"({"alg":"HS256","crit":[]})",
        R"({"alg":"HS256","crit":null})", R"({"alg":"HS256","crit":"exp"})",
        R"({"alg":"HS256","b64":false})", R"({"crit":["x"],"alg":"none"})"}) {
    EXPECT_EQ(verdict(token_with_header(header)), "unknown_critical") << header;
  }
}

TEST(Jwt, RefusesATokenOfAnotherType) {
  for (const std::string_view header :
       {R"({"alg":"HS256","typ":"JWE"})", R"({"alg":"HS256","typ":""})",
        R"({"alg":"HS256","typ":1})", R"({"alg":"HS256","typ":null})"}) {
    EXPECT_EQ(verdict(token_with_header(header)), "wrong_type") << header;
  }
  // The type is right here, so the verdict is about the signature, which these do not have.
  for (const std::string_view type : {"jwt", "JWT", "at+jwt"})
    EXPECT_EQ(verdict(token_with_header(R"({"alg":"HS256","typ":")" + std::string(type) + "\"}")),
              "bad_signature");
}

TEST(Jwt, LooksUpKeysByNameAndNothingElse) {
  const Key a = hs256("a", std::string(32, 'a'));
  const Key b = hs256("b", std::string(32, 'b'));
  const KeySet named = set_of({a, b});
  EXPECT_EQ(verdict(sign_token(a, claims_with("")), named), "good");
  EXPECT_EQ(verdict(sign_token(b, claims_with("")), named), "good");
  EXPECT_EQ(verdict(sign_token(key, claims_with("")), named), "unknown_key");
  EXPECT_EQ(verdict(sign_token(hs256("c", std::string(32, 'a')), claims_with("")), named),
            "unknown_key");
  EXPECT_EQ(verdict(sign_token(hs256("a", std::string(32, 'b')), claims_with("")), named),
            "bad_signature");
  // A key without a name is for every token, whatever it calls its key.
  EXPECT_EQ(verdict(sign_token(hs256("z", secret), claims_with(""))), "good");
  // But not for one that names a key we have.
  EXPECT_EQ(verdict(sign_token(hs256("a", secret), claims_with("")), set_of({a, key})),
            "bad_signature");

  for (const std::string_view id :
       {R"("../../dev/null")", R"("' OR 1=1 --")", R"("\u0000")", "7", "null", R"(["a"])"}) {
    const std::string header = R"({"alg":"HS256","kid":)" + std::string(id) + "}";
    EXPECT_EQ(verdict(token_with_header(header), named), "unknown_key") << id;
  }
  const std::string long_id(bounds::key_id_bytes_max + 1, 'k');
  EXPECT_EQ(verdict(token_with_header(R"({"alg":"HS256","kid":")" + long_id + "\"}")),
            "unknown_key");
  EXPECT_EQ(verdict(sign_token(key, claims_with("")), KeySet()), "unknown_key");
}

TEST(Jwt, RefusesATokenThatWasChangedAnywhere) {
  const std::string token = sign_token(key, claims_with(R"(,"workspace":"w")"));
  ASSERT_EQ(verdict(token), "good");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(verdict(changed), "good") << "changed at " << i;
  }
}

TEST(Jwt, RefusesATokenCutAnywhere) {
  const std::string token = sign_token(key, claims_with(""));
  for (std::size_t size = 0; size < token.size(); ++size)
    EXPECT_NE(verdict(std::string_view(token).substr(0, size)), "good") << size;
  for (const std::string_view more : {"=", ".", "A", " ", "\n"})
    EXPECT_NE(verdict(token + std::string(more)), "good") << more;
}

TEST(Jwt, RefusesAnotherSecret) {
  std::string other = secret;
  other.back() = '!';
  EXPECT_EQ(verdict(sign_token(hs256("", other), claims_with(""))), "bad_signature");
}

TEST(Jwt, RefusesWhatIsNoToken) {
  for (const std::string_view text :
       {"", ".", "..", "...", "a.b", "a.b.c.d", "e30.e30.", "not a token", "bnVsbA.e30.e30",
        "W10.e30.e30", "e30=.e30.e30"}) {
    const std::string said = verdict(text);
    EXPECT_TRUE(said == "malformed" || said == "wrong_algorithm") << text << ": " << said;
  }
  for (const std::string_view claims :
       {"", "null", "[]", "1", "{", "{}x", "\"ann\"", "{\"sub\":tru}"})
    EXPECT_EQ(verdict_of_claims(claims), "malformed") << claims;
}

TEST(Jwt, ReadsNothingBeyondItsLimit) {
  const std::string good = sign_token(key, claims_with(""));
  EXPECT_EQ(verdict(std::string(bounds::token_bytes_max, 'A')), "malformed");
  EXPECT_EQ(verdict(std::string(bounds::token_bytes_max + 1, 'A')), "too_large");
}

TEST(Jwt, IsExactAboutTime) {
  struct Case {
    std::int64_t from_now_s;
    std::string_view claim, verdict;
  };
  constexpr std::int64_t skew = bounds::clock_skew_s;
  for (const auto& [from_now_s, claim, expected] : {
           Case{1, "exp", "good"},
           Case{0, "exp", "good"},
           Case{-skew + 1, "exp", "good"},
           Case{-skew, "exp", "expired"},
           Case{-skew - 1, "exp", "expired"},
           Case{skew - 1, "nbf", "good"},
           Case{skew, "nbf", "good"},
           Case{skew + 1, "nbf", "not_yet_valid"},
           Case{-1'000'000, "nbf", "good"},
           Case{skew - 1, "iat", "good"},
           Case{skew, "iat", "good"},
           Case{skew + 1, "iat", "issued_later"},
           Case{-1'000'000, "iat", "good"},
       }) {
    std::string claims = R"({"sub":"ann",")" + std::string(claim) +
                         "\":" + std::to_string(static_cast<std::int64_t>(now_s) + from_now_s);
    if (claim != "exp") claims += ",\"exp\":1700003600";
    EXPECT_EQ(verdict_of_claims(claims + "}"), expected) << claim << " " << from_now_s;
  }
}

TEST(Jwt, ReadsTimesAsNumbersOnly) {
  struct Case {
    std::string_view exp, verdict;
  };
  for (const auto& [exp, expected] : {
           Case{"1700003600.5", "good"},
           Case{"1.7000036e9", "good"},
           Case{"0", "expired"},
           Case{"-0.0", "expired"},
           Case{"-1", "bad_claim"},
           Case{"-1e300", "bad_claim"},
           Case{"-1e-300", "bad_claim"},
           Case{"1e308", "bad_claim"},
           Case{"18446744073709551615", "bad_claim"},
           Case{"1000000000001", "bad_claim"},
           Case{"1000000000000", "good"},
           Case{"\"1700003600\"", "bad_claim"},
           Case{"null", "bad_claim"},
           Case{"true", "bad_claim"},
           Case{"[1700003600]", "bad_claim"},
           Case{"{}", "bad_claim"},
       }) {
    const std::string claims = R"({"sub":"ann","exp":)" + std::string(exp) + "}";
    EXPECT_EQ(verdict_of_claims(claims), expected) << exp;
  }
  EXPECT_EQ(verdict_of_claims(R"({"sub":"ann"})"), "no_expiry");
  EXPECT_EQ(verdict_of_claims(claims_with(",\"nbf\":\"0\"")), "bad_claim");
  EXPECT_EQ(verdict_of_claims(claims_with(",\"iat\":\"0\"")), "bad_claim");
  EXPECT_EQ(verdict_of_claims(claims_with(",\"nbf\":-1")), "bad_claim");
}

TEST(Jwt, CutsTheFractionOfATime) {
  EXPECT_EQ(verdict_of_claims(R"({"sub":"ann","exp":1699999970.999})"), "expired");
  EXPECT_EQ(verdict_of_claims(R"({"sub":"ann","exp":1699999971.0})"), "good");
}

TEST(Jwt, AllowsTheClockThatItIsTold) {
  const std::string at_now = R"({"sub":"ann","exp":1700000000})";
  const std::string at_next = R"({"sub":"ann","exp":1700000001})";
  const TokenRules strict{.audience = {}, .issuer = {}, .skew_s = 0};
  EXPECT_EQ(verdict(sign_token(key, at_now), set_of({key}), strict), "expired");
  EXPECT_EQ(verdict(sign_token(key, at_next), set_of({key}), strict), "good");
}

TEST(Jwt, NeedsASubject) {
  const std::string exp = ",\"exp\":1700003600}";
  for (const std::string& claims :
       {"{\"x\":1" + exp, "{\"sub\":\"\"" + exp, "{\"sub\":null" + exp, "{\"sub\":7" + exp,
        "{\"sub\":[\"ann\"]" + exp, "{\"sub\":\"a\\nb\"" + exp, "{\"sub\":\"a\\u0000b\"" + exp,
        "{\"sub\":\"" + std::string(bounds::token_subject_bytes_max + 1, 'x') + "\"" + exp}) {
    EXPECT_EQ(verdict_of_claims(claims), "no_subject") << claims;
  }
  EXPECT_EQ(verdict_of_claims("{\"sub\":\"" + std::string(bounds::token_subject_bytes_max, 'x') +
                              "\"" + exp),
            "good");
}

TEST(Jwt, HoldsTheAudienceAgainstTheConfiguredOne) {
  const TokenRules rules{.audience = "edge", .issuer = {}};
  struct Case {
    std::string_view aud, verdict;
  };
  for (const auto& [aud, expected] : {
           Case{R"("edge")", "good"},
           Case{R"(["edge"])", "good"},
           Case{R"(["other","edge"])", "good"},
           Case{R"("Edge")", "wrong_audience"},
           Case{R"("edge ")", "wrong_audience"},
           Case{R"("edg")", "wrong_audience"},
           Case{R"("")", "wrong_audience"},
           Case{R"([])", "wrong_audience"},
           Case{R"([["edge"]])", "wrong_audience"},
           Case{R"({"edge":1})", "wrong_audience"},
           Case{"null", "wrong_audience"},
           Case{"7", "wrong_audience"},
       }) {
    const std::string claims = claims_with(",\"aud\":" + std::string(aud));
    EXPECT_EQ(verdict(sign_token(key, claims), set_of({key}), rules), expected) << aud;
    // RFC 7519, 4.1.3: who is in no audience is not meant.
    EXPECT_EQ(verdict_of_claims(claims), "wrong_audience") << aud;
  }
  EXPECT_EQ(verdict(sign_token(key, claims_with("")), set_of({key}), rules), "wrong_audience");
  EXPECT_EQ(verdict_of_claims(claims_with("")), "good");
}

TEST(Jwt, HoldsTheIssuerAgainstTheConfiguredOne) {
  const TokenRules rules{.audience = {}, .issuer = "https://id.example"};
  struct Case {
    std::string_view iss, verdict;
  };
  for (const auto& [iss, expected] : {
           Case{R"("https://id.example")", "good"},
           Case{R"("https://id.example/")", "wrong_issuer"},
           Case{R"(["https://id.example"])", "wrong_issuer"},
           Case{"null", "wrong_issuer"},
       }) {
    EXPECT_EQ(
        verdict(sign_token(key, claims_with(",\"iss\":" + std::string(iss))), set_of({key}), rules),
        expected)
        << iss;
  }
  EXPECT_EQ(verdict(sign_token(key, claims_with("")), set_of({key}), rules), "wrong_issuer");
}

TEST(Jwt, RefusesClaimsOfTheWrongForm) {
  for (const std::string_view more : {
           R"(,"workspace":7)",
           R"(,"workspace":"")",
           R"(,"workspace":"a\tb")",
           R"(,"permissions":"premium:view")",
           R"(,"permissions":[7])",
           R"(,"permissions":[""])",
           R"(,"permissions":{},"x":1)",
           R"(,"rooms":["lobby"])",
           R"(,"rooms":{"lobby":"join"})",
           R"(,"rooms":{"lobby":["jump"]})",
           R"(,"rooms":{"lobby":[1]})",
           R"(,"rooms":{"":["join"]})",
           R"(,"rooms":{"*****":["join"]})",
           R"(,"rooms":{"a":["join"],"a":[]})",
           R"(,"jti":7)",
           R"(,"jti":"")",
           R"(,"info":"x")",
           R"(,"info":[])",
           R"(,"zone":1)",
       }) {
    EXPECT_EQ(verdict_of_claims(claims_with(more)), "bad_claim") << more;
  }
}

TEST(Jwt, TakesAsManyRowsAsItsLimitAndNotOneMore) {
  const auto permissions = [](std::size_t count) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "\"p\"" : ",\"p\"");
    return claims_with(",\"permissions\":[" + list + "]");
  };
  EXPECT_EQ(verdict_of_claims(permissions(bounds::token_rows_max)), "good");
  EXPECT_EQ(verdict_of_claims(permissions(bounds::token_rows_max + 1)), "bad_claim");
}

TEST(Jwt, HasASentenceForEveryRefusal) {
  for (unsigned i = 0; i <= static_cast<unsigned>(TokenError::revoked); ++i) {
    const TokenErrorRow& row = row_of(static_cast<TokenError>(i));
    EXPECT_FALSE(row.name.empty());
    EXPECT_NE(row.sentence.find(": "), std::string_view::npos)
        << row.name << " must say what is wrong and what to do";
  }
}

}  // namespace
}  // namespace ringroom::realtime
