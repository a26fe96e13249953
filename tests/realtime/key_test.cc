#include "realtime/access/key.h"

#include <gtest/gtest.h>

#include "realtime/access/base64url.h"
#include "realtime/access/bounds.h"
#include "realtime/access/jwk.h"
#include "realtime/access/key_set.h"
#include "realtime/access/pem.h"
#include "tests/realtime/token_keys_made.h"

namespace ringroom::realtime {
namespace {

std::string member(std::string_view name, std::string_view bytes) {
  return ",\"" + std::string(name) + "\":\"" + encode_base64url(bytes) + "\"";
}
std::string rsa_jwk(const MadeKey& key, std::string_view more = "") {
  return R"({"kty":"RSA")" + member("n", key.number(OSSL_PKEY_PARAM_RSA_N)) +
         member("e", key.number(OSSL_PKEY_PARAM_RSA_E)) + std::string(more) + "}";
}
std::string ec_jwk(const MadeKey& key, std::string_view curve, std::size_t bytes,
                   std::string_view more = "") {
  return R"({"kty":"EC","crv":")" + std::string(curve) + "\"" +
         member("x", key.number(OSSL_PKEY_PARAM_EC_PUB_X, bytes)) +
         member("y", key.number(OSSL_PKEY_PARAM_EC_PUB_Y, bytes)) + std::string(more) + "}";
}
std::string ed_jwk(std::string_view bytes, std::string_view more = "") {
  return R"({"kty":"OKP","crv":"Ed25519")" + member("x", bytes) + std::string(more) + "}";
}
std::string oct_jwk(std::string_view bytes, std::string_view more = "") {
  return R"({"kty":"oct")" + member("k", bytes) + std::string(more) + "}";
}

Result<Key, KeyError> read_one(std::string_view text, JwkOrigin origin = JwkOrigin::file) {
  proto::JsonParser parser;
  const auto parsed = parser.parse_copy(text);
  if (!parsed) return fail(KeyError::malformed);
  return read_jwk(*parsed, origin);
}

// "ES256", or what is wrong.
std::string reading(std::string_view text, JwkOrigin origin = JwkOrigin::file) {
  const auto key = read_one(text, origin);
  return std::string(key ? row_of(key->algorithm()).name : sentence_of(key.error()));
}
std::string sentence(KeyError error) { return std::string(sentence_of(error)); }

TEST(Key, TakesNoRsaSignatureWithoutItsLeadingZero) {
  const MadeKey made = MadeKey::of(Algorithm::ps256);
  const Key signer = made.signer(Algorithm::ps256, "");
  auto half = read_public_pem(made.public_pem());
  ASSERT_TRUE(half);
  const auto key = Key::of_public(Algorithm::ps256, "", std::move(*half));
  ASSERT_TRUE(key);
  std::string text = "text", signature = signer.sign(text);
  for (int tries = 0; signature.front() != 0 && tries < 10'000; ++tries)
    signature = signer.sign(text += 'x');  // one of 256 begins with it
  ASSERT_EQ(signature.front(), 0);
  EXPECT_TRUE(key->verify(text, signature));
  EXPECT_FALSE(key->verify(text, signature.substr(1)));
}

TEST(Key, ChecksWhatItsOtherHalfSignedByEveryAlgorithm) {
  for (const AlgorithmRow& row : algorithm_rows) {
    if (row.kind == KeyKind::secret) continue;
    const MadeKey made = MadeKey::of(row.algorithm);
    const Key signer = made.signer(row.algorithm, "");
    auto half = read_public_pem(made.public_pem());
    ASSERT_TRUE(half) << row.name;
    const auto key = Key::of_public(row.algorithm, "", std::move(*half));
    ASSERT_TRUE(key) << row.name;
    const std::string signature = signer.sign("text");
    EXPECT_TRUE(key->verify("text", signature)) << row.name;
    EXPECT_FALSE(key->verify("texT", signature)) << row.name;
    EXPECT_FALSE(key->verify("text", signature.substr(1))) << row.name;
    EXPECT_FALSE(key->verify("text", signature + "x")) << row.name;
    EXPECT_FALSE(key->verify("text", "")) << row.name;
    EXPECT_FALSE(key->can_sign());
    for (std::size_t i = 0; i < signature.size(); i += 7) {
      std::string changed = signature;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      EXPECT_FALSE(key->verify("text", changed)) << row.name << " at " << i;
    }
  }
}

TEST(Key, HasTheNumbersOfEcSignaturesInFull) {
  // One in 256 begins with a zero byte, which DER leaves out and a token does not.
  const MadeKey made = MadeKey::of(Algorithm::es256);
  const Key signer = made.signer(Algorithm::es256, "");
  for (int i = 0; i < 600; ++i) {
    const std::string text = std::to_string(i), signature = signer.sign(text);
    ASSERT_EQ(signature.size(), 64u);
    ASSERT_TRUE(signer.verify(text, signature));
  }
}

TEST(Key, IsOfTheKindItsAlgorithmNeeds) {
  const MadeKey rsa = MadeKey::of(Algorithm::rs256), ec = MadeKey::of(Algorithm::es256),
                ed = MadeKey::of(Algorithm::eddsa);
  const auto error = [](Algorithm algorithm, const MadeKey& made) {
    const auto key = Key::of_public(algorithm, "", made.another_hold());
    return key ? std::string("good") : sentence(key.error());
  };
  EXPECT_EQ(error(Algorithm::ps512, rsa), "good");
  for (const Algorithm wrong :
       {Algorithm::hs256, Algorithm::rs256, Algorithm::ps256, Algorithm::es384, Algorithm::eddsa})
    EXPECT_EQ(error(wrong, ec), sentence(KeyError::wrong_kind)) << row_of(wrong).name;
  EXPECT_EQ(error(Algorithm::es256, ed), sentence(KeyError::wrong_kind));
  EXPECT_EQ(error(Algorithm::es256, rsa), sentence(KeyError::wrong_kind));
  EXPECT_FALSE(Key::of_public(Algorithm::rs256, "", nullptr));
}

TEST(Key, IsNeitherWeakNorABurden) {
  const auto rsa_of = [](std::size_t bits) {
    return Key::of_public(Algorithm::rs256, "",
                          Pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits)));
  };
  EXPECT_EQ(rsa_of(1024).error(), KeyError::too_short);
  EXPECT_TRUE(rsa_of(2048));
  for (const AlgorithmRow& row : algorithm_rows) {
    if (row.kind != KeyKind::secret) continue;
    EXPECT_FALSE(Key::of_secret(row.algorithm, "", std::string(row.bytes - 1, 's')));
    EXPECT_TRUE(Key::of_secret(row.algorithm, "", std::string(row.bytes, 's')));
  }
  EXPECT_FALSE(Key::of_secret(Algorithm::rs256, "", std::string(32, 's')));
  EXPECT_EQ(Key::of_secret(Algorithm::hs256, std::string(256, 'k'), std::string(32, 's')).error(),
            KeyError::bad_id);
}

TEST(KeySet, IsBoundedAndHasNoTwoKeysOfOneName) {
  const auto key = [](std::string id) {
    return *Key::of_secret(Algorithm::hs256, std::move(id), std::string(32, 's'));
  };
  KeySet set;
  EXPECT_TRUE(set.add(key("a")));
  EXPECT_EQ(set.add(key("a")).error(), KeyError::twice);
  // Of another algorithm it is another key.
  EXPECT_TRUE(set.add(*Key::of_secret(Algorithm::hs512, "a", std::string(64, 's'))));
  for (int i = 0; i < bounds::unnamed_keys_max; ++i) EXPECT_TRUE(set.add(key("")));
  EXPECT_EQ(set.add(key("")).error(), KeyError::too_many);
  while (set.keys().size() < bounds::keys_max)
    ASSERT_TRUE(set.add(key(std::to_string(set.keys().size()))));
  EXPECT_EQ(set.add(key("z")).error(), KeyError::too_many);
}

TEST(Jwk, IsReadForEveryKindOfKey) {
  const MadeKey rsa = MadeKey::of(Algorithm::rs256), ec = MadeKey::of(Algorithm::es256),
                ec384 = MadeKey::of(Algorithm::es384), ed = MadeKey::of(Algorithm::eddsa);
  EXPECT_EQ(reading(rsa_jwk(rsa)), "RS256");
  EXPECT_EQ(reading(rsa_jwk(rsa, R"(,"alg":"PS384","use":"sig","kid":"a")")), "PS384");
  EXPECT_EQ(reading(ec_jwk(ec, "P-256", 32)), "ES256");
  EXPECT_EQ(reading(ec_jwk(ec384, "P-384", 48, R"(,"alg":"ES384")")), "ES384");
  EXPECT_EQ(reading(ed_jwk(ed.raw_public(), R"(,"key_ops":["verify"])")), "EdDSA");
  EXPECT_EQ(reading(oct_jwk(std::string(64, 's'), R"(,"alg":"HS512")")), "HS512");

  const auto key = read_one(ec_jwk(ec, "P-256", 32, R"(,"kid":"blue")"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id(), "blue");
  EXPECT_TRUE(key->verify("text", ec.signer(Algorithm::es256, "").sign("text")));
}

TEST(Jwk, TakesTheKeysOfRfc8037AndRfc7515) {
  EXPECT_EQ(
      reading(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"),
      "EdDSA");
  const auto key = read_one(
      R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  ASSERT_TRUE(key);  // RFC 8037, A.4
  EXPECT_TRUE(
      key->verify("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                  *decode_base64url("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki"
                                    "4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")));
  const auto ec =
      read_one(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
               R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
  ASSERT_TRUE(ec);  // RFC 7515, A.3
  EXPECT_TRUE(ec->verify(
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmN"
      "vbS9pc19yb290Ijp0cnVlfQ",
      *decode_base64url(
          "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJq"
          "PP3-Kg6NU1Q")));
}

TEST(Jwk, SaysWhatIsWrong) {
  const MadeKey rsa = MadeKey::of(Algorithm::rs256), ec = MadeKey::of(Algorithm::es256),
                ed = MadeKey::of(Algorithm::eddsa);
  const std::string secret(32, 's');
  struct Case {
    std::string text;
    KeyError error;
  };
  for (const auto& [text, error] : std::vector<Case>{
           {"[]", KeyError::malformed},
           {"{}", KeyError::unsupported},
           {R"({"kty":"EC","crv":"P-521","x":"","y":""})", KeyError::unsupported},
           {R"({"kty":"EC","crv":"secp256k1","x":"","y":""})", KeyError::unsupported},
           {R"({"kty":"OKP","crv":"X25519","x":""})", KeyError::unsupported},
           {R"({"kty":"OKP","crv":"Ed448","x":""})", KeyError::unsupported},
           {R"({"kty":7})", KeyError::unsupported},
           {rsa_jwk(rsa, R"(,"use":"enc")"), KeyError::unsupported},
           {rsa_jwk(rsa, R"(,"use":7)"), KeyError::unsupported},
           {rsa_jwk(rsa, R"(,"key_ops":["encrypt"])"), KeyError::unsupported},
           {rsa_jwk(rsa, R"(,"alg":"RSA-OAEP")"), KeyError::unsupported},
           {rsa_jwk(rsa, R"(,"alg":"none")"), KeyError::unsupported},
           {rsa_jwk(rsa, R"(,"alg":null)"), KeyError::unsupported},
           {rsa_jwk(rsa, R"(,"alg":"HS256")"), KeyError::wrong_kind},
           {rsa_jwk(rsa, R"(,"alg":"ES256")"), KeyError::wrong_kind},
           {ec_jwk(ec, "P-256", 32, R"(,"alg":"ES384")"), KeyError::wrong_kind},
           {oct_jwk(secret, R"(,"alg":"RS256")"), KeyError::wrong_kind},
           {rsa_jwk(rsa, R"(,"kid":7)"), KeyError::bad_id},
           {rsa_jwk(rsa, R"(,"kid":"")"), KeyError::bad_id},
           {rsa_jwk(rsa, R"(,"kty":"RSA")"), KeyError::malformed},
           {rsa_jwk(rsa, R"(,"d":"AQ")"), KeyError::is_private},
           {ec_jwk(ec, "P-256", 32, R"(,"d":"AQ")"), KeyError::is_private},
           {ed_jwk(ed.raw_public(), R"(,"d":"AQ")"), KeyError::is_private},
           {R"({"kty":"RSA","n":"AQAB"})", KeyError::malformed},
           {R"({"kty":"RSA","n":"AQAB","e":"AQAB"})", KeyError::too_short},
           {R"({"kty":"RSA","n":"A+/B","e":"AQAB"})", KeyError::malformed},
           {R"({"kty":"RSA")" + member("n", std::string(4096, '\xff')) + R"(,"e":"AQAB"})",
            KeyError::malformed},
           {R"({"kty":"RSA")" + member("n", std::string(1100, '\xff')) + R"(,"e":"AQAB"})",
            KeyError::too_long},
           // 3 divides it.
           {R"({"kty":"RSA")" + member("n", std::string(256, '\xff')) + R"(,"e":"AQAB"})",
            KeyError::not_valid},
           {R"({"kty":"EC","crv":"P-256")" + member("x", std::string(32, 'x')) +
                member("y", std::string(32, 'y')) + "}",
            KeyError::malformed},
           {ec_jwk(ec, "P-384", 48), KeyError::malformed},
           {ec_jwk(ec, "P-256", 33), KeyError::malformed},
           {ed_jwk(std::string(31, 'x')), KeyError::malformed},
           {ed_jwk(std::string(33, 'x')), KeyError::malformed},
           {oct_jwk(std::string(31, 's')), KeyError::too_short},
           {R"({"kty":"oct"})", KeyError::malformed},
           {R"({"kty":"oct","k":"====="})", KeyError::malformed},
       }) {
    EXPECT_EQ(reading(text), sentence(error)) << text;
  }
}

TEST(Jwk, TakesNoSecretFromAfar) {
  EXPECT_EQ(reading(oct_jwk(std::string(32, 's')), JwkOrigin::url), sentence(KeyError::is_secret));
}

TEST(Jwks, LeavesOutWhatIsForOthersAndKeepsTheRest) {
  const MadeKey ec = MadeKey::of(Algorithm::es256);
  const std::string text = R"({"keys":[{"kty":"new","kid":"x"},)" +
                           ec_jwk(ec, "P-256", 32, R"(,"kid":"good")") + "," +
                           ec_jwk(ec, "P-256", 32, R"(,"kid":"enc","use":"enc")") + "]}";
  const auto set = read_jwks(text, JwkOrigin::url);
  ASSERT_TRUE(set);
  ASSERT_EQ(set->keys.size(), 1u);
  EXPECT_EQ(set->keys.front().id(), "good");
  ASSERT_EQ(set->left_out.size(), 2u);
  EXPECT_EQ(set->left_out.front().id, "x");

  for (const std::string_view none : {"", "{}", "[]", "null", R"({"keys":{}})", R"({"keys":7})",
                                      R"({"keys":[],"keys":[]})", "{\"keys\":[]"})
    EXPECT_FALSE(read_jwks(none, JwkOrigin::url)) << none;
  std::string many = R"({"keys":[{})";
  for (std::size_t i = 0; i < bounds::keys_max; ++i) many += ",{}";
  EXPECT_EQ(read_jwks(many + "]}", JwkOrigin::url).error(), KeyError::too_many);
  EXPECT_EQ(read_jwks(std::string(bounds::key_file_bytes_max + 1, ' '), JwkOrigin::url).error(),
            KeyError::too_long);
}

TEST(Pem, IsOnePublicKey) {
  const MadeKey made = MadeKey::of(Algorithm::es256);
  EXPECT_TRUE(read_public_pem(made.public_pem()));
  EXPECT_TRUE(read_public_pem("# a comment\n" + made.public_pem() + "\n"));
  EXPECT_EQ(read_public_pem(made.private_pem()).error(), KeyError::is_private);
  EXPECT_EQ(read_public_pem(made.public_pem() + made.public_pem()).error(), KeyError::malformed);
  for (const std::string_view none :
       {"", "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "secret"})
    EXPECT_EQ(read_public_pem(none).error(), KeyError::malformed) << none;
  EXPECT_TRUE(read_private_pem(made.private_pem()));
  EXPECT_FALSE(read_private_pem(made.public_pem()));
}

}  // namespace
}  // namespace ringroom::realtime
