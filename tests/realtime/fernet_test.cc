#include "realtime/access/fernet.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

// The vectors of the specification: generate.json, verify.json, invalid.json. Its secret is that of
// all of them; times are seconds since 1970 of 1985-10-26T01:20:00-07:00.
constexpr std::string_view secret = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
constexpr std::string_view hello =
    "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU"
    "4IwqDA==";
constexpr std::uint64_t made_s = 499'162'800;
constexpr std::uint64_t minute_s = 60;

FernetKeys keys_of(std::string_view text) {
  auto keys = FernetKeys::parse(text);
  EXPECT_TRUE(keys) << keys.error();
  return keys ? std::move(*keys) : FernetKeys{};
}
FernetKey key_of(std::string_view text) { return keys_of(text).keys.front(); }

TEST(Fernet, GeneratesTheTokenOfTheSpecification) {
  Fernet fernet;
  Fernet::Iv iv;
  for (unsigned char i = 0; i < iv.size(); ++i) iv[i] = i;
  EXPECT_EQ(fernet.seal(key_of(secret), "hello", made_s, iv), hello);
}

TEST(Fernet, VerifiesTheTokenOfTheSpecification) {
  Fernet fernet;
  EXPECT_EQ(*fernet.open(keys_of(secret), hello, made_s + 1, minute_s), "hello");
}

struct Invalid {
  std::string_view what, token;
  std::uint64_t now_s;
  FernetError error;
};
constexpr Invalid invalid[] = {
    {"incorrect mac",
     "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFB"
     "QUFBQQ==",
     made_s + 1, FernetError::not_ours},
    {"too short", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==", made_s + 1,
     FernetError::malformed},
    {"invalid base64",
     "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1"
     "YsUD2Q==",
     made_s + 1, FernetError::malformed},
    {"payload size not multiple of block size",
     "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyu"
     "dzUm",
     made_s + 1, FernetError::broken},
    {"payload padding error",
     "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbku"
     "KNqOhw==",
     made_s + 1, FernetError::broken},
    {"far-future TS (unacceptable clock skew)",
     "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b"
     "_qXQcw==",
     made_s + 1, FernetError::from_the_future},
    {"expired TTL",
     "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1"
     "YsUD2Q==",
     made_s + 91, FernetError::too_old},
    {"incorrect IV (causes padding error)",
     "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvc"
     "ZjK1zQ==",
     made_s + 1, FernetError::broken},
};

TEST(Fernet, RefusesTheInvalidTokensOfTheSpecification) {
  const FernetKeys keys = keys_of(secret);
  Fernet fernet;
  for (const Invalid& row : invalid) {
    SCOPED_TRACE(row.what);
    const auto opened = fernet.open(keys, row.token, row.now_s, minute_s);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error(), row.error);
    // A failure leaves nothing behind that the next token could stumble over.
    EXPECT_EQ(*fernet.open(keys, hello, made_s, minute_s), "hello");
  }
}

TEST(Fernet, JudgesNoTimeWhereAnyAgeWillDo) {
  Fernet fernet;
  for (const std::uint64_t now_s : {std::uint64_t{0}, made_s, ~std::uint64_t{0}})
    EXPECT_TRUE(fernet.open(keys_of(secret), hello, now_s, Fernet::any_age));
}

TEST(Fernet, JudgesBothEndsOfATokensLife) {
  Fernet fernet;
  const FernetKeys keys = keys_of(secret);
  const auto opens = [&](std::uint64_t now_s) {
    return fernet.open(keys, hello, now_s, minute_s).has_value();
  };
  EXPECT_TRUE(opens(made_s + minute_s));
  EXPECT_FALSE(opens(made_s + minute_s + 1));
  EXPECT_TRUE(opens(made_s - Fernet::skew_s));
  EXPECT_FALSE(opens(made_s - Fernet::skew_s - 1));
}

TEST(Fernet, OpensWhatItSealsAtEveryLength) {
  Fernet fernet;
  const FernetKeys keys = keys_of(secret);
  std::string clear;
  for (int length = 0; length < 100; ++length, clear += static_cast<char>(length)) {
    const std::string token(fernet.seal(keys.keys[0], clear, made_s));
    EXPECT_EQ(token.size() % 4, 0u);
    EXPECT_EQ(*fernet.open(keys, token, made_s, minute_s), clear);
  }
}

TEST(Fernet, RefusesATokenWithAnyBitOfItChanged) {
  Fernet fernet;
  const FernetKeys keys = keys_of(secret);
  for (std::size_t i = 0; i < hello.size(); ++i) {
    std::string token(hello);
    token[i] = token[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(fernet.open(keys, token, made_s, minute_s)) << i;
    EXPECT_FALSE(fernet.open(keys, hello.substr(0, i), made_s, minute_s)) << i;
  }
  EXPECT_FALSE(fernet.open(keys, std::string(hello) + "AAAA", made_s, minute_s));
}

TEST(Fernet, NeverMakesTheSameTokenTwice) {
  Fernet fernet;
  const FernetKey key = key_of(secret);
  const std::string one(fernet.seal(key, "hello", made_s));
  EXPECT_NE(fernet.seal(key, "hello", made_s), one);
}

constexpr std::string_view other = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

TEST(FernetKeys, OpenByAnyOfThemAndSealByTheFirst) {
  const FernetKeys both = keys_of(std::string(other) + "\n" + std::string(secret));
  Fernet fernet;
  EXPECT_EQ(*fernet.open(both, hello, made_s, minute_s), "hello");
  EXPECT_FALSE(fernet.open(keys_of(other), hello, made_s, minute_s));
  const std::string token(fernet.seal(both.keys.front(), "x", made_s));
  EXPECT_TRUE(fernet.open(keys_of(other), token, made_s, minute_s));
}

TEST(FernetKeys, StandOneALineAmongCommentsAndBlanks) {
  const FernetKeys keys =
      keys_of("# new\n  " + std::string(other) + " \r\n\n# old\n" + std::string(secret));
  ASSERT_EQ(keys.keys.size(), 2u);
  EXPECT_EQ(keys.keys[0].signing[1], 1);
  EXPECT_EQ(keys.keys[0].encryption[0], 16);
}

TEST(FernetKeys, NameTheLineThatIsNoneAndNotWhatStandsThere) {
  const std::string good(secret);
  for (const std::string& bad :
       {good.substr(1), good.substr(0, 43), good + "=", std::string("secret"),
        std::string(42, 'A') + "==", std::string(43, '+') + "=", std::string(43, 'B') + "="}) {
    const auto keys = FernetKeys::parse("# keys\n" + good + "\n" + bad);
    ASSERT_FALSE(keys) << bad;
    EXPECT_TRUE(keys.error().starts_with("line 3: ")) << keys.error();
    EXPECT_EQ(keys.error().find(bad), std::string::npos);
  }
  for (const char* empty : {"", "\n", "# none\n"}) EXPECT_FALSE(FernetKeys::parse(empty));
  std::string many;
  for (std::size_t i = 0; i <= FernetKeys::keys_max; ++i) many += good + "\n";
  EXPECT_TRUE(FernetKeys::parse(many).error().starts_with("line 17: "));
}

}  // namespace
}  // namespace ringroom::realtime
