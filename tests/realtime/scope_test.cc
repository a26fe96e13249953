#include "realtime/access/scope.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

TEST(Scope, IsGivenByNameAndNothingElseIsGiven) {
  const auto scopes = Scopes::parse("publish+rooms");
  ASSERT_TRUE(scopes);
  for (const Scope scope : {Scope::publish, Scope::rooms}) EXPECT_TRUE(scopes->has(scope));
  for (const Scope scope : {Scope::read, Scope::sessions, Scope::admin})
    EXPECT_FALSE(scopes->has(scope));
  for (const std::string_view text :
       {"", "+", "publish+", "+publish", "Publish", "all", "*", "publish,read", "publish read"})
    EXPECT_FALSE(Scopes::parse(text)) << text;
}

TEST(Scope, AKeyHasANameScopesAndAFile) {
  const auto key = AccessKey::parse("billing:publish+read:/etc/ringroom/a:b.key");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->name, "billing");
  EXPECT_TRUE(key->scopes.has(Scope::read));
  EXPECT_EQ(key->file, "/etc/ringroom/a:b.key");
  for (const std::string_view text :
       {"", "a", "a:publish", "a:publish:", ":publish:/f", "a b:publish:/f", "a::/f", "a:all:/f"})
    EXPECT_FALSE(AccessKey::parse(text)) << text;
}

TEST(Scope, AGuessableKeyIsKnown) {
  for (const std::string_view text :
       {"", "a", "fifteen bytes !", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1212121212121212",
        "change-me-please-1234567890", "CHANGEME-0000000000", "change-me-change-me",
        "Password12345678", "supersecret-123456", "example-000000000000"})
    EXPECT_TRUE(is_guessable(text)) << text;
  for (const std::string_view text :
       {"bXlzZWNyZXRpc2xvbmc5OQ", "test-key-of-the-api-0123456789abcdef",
        "4f9d0c1b7a6e5d3c2b1a0f9e8d7c6b5a"})
    EXPECT_FALSE(is_guessable(text)) << text;
}

}  // namespace
}  // namespace ringroom::realtime
