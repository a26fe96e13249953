#include <gtest/gtest.h>

#include "tools/token/arguments.h"
#include "tools/token/token_command.h"

namespace ringroom::tools {
namespace {

constexpr std::uint64_t now_s = 1'700'000'000;

TokenKeyring rules(std::string audience = "") {
  TokenKeyring out;
  auto key =
      realtime::Key::of_secret(realtime::Algorithm::hs256, "", "0123456789abcdef0123456789abcdef");
  EXPECT_TRUE(key && out.keys.add(*key));
  out.rules.audience = std::move(audience);
  return out;
}

Result<TokenArguments, Stop> arguments(std::vector<const char*> argv) {
  argv.insert(argv.begin(), "token");
  return read_token_arguments(static_cast<int>(argv.size()), argv.data());
}

TEST(Token, IsMadeAsAskedForAndTakenByTheServersOwnRules) {
  const auto asked = arguments({"make", "--sub", "ann", "--ttl", "2h", "--workspace", "w1",
                                "--permission", "premium:view", "--room", "quote:*=join,publish",
                                "--room", "a=b=history", "--info", R"({"name":"A \"n\""})"});
  ASSERT_TRUE(asked) << asked.error().text;
  const auto token = make_token(*asked, rules("edge"), now_s);
  ASSERT_TRUE(token) << token.error().text;

  const auto claims =
      realtime::TokenVerifier(rules("edge").rules).verify(*token, rules("edge").keys, now_s);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->user, "ann");
  EXPECT_EQ(claims->workspace, "w1");
  EXPECT_EQ(claims->expires_s, now_s + 7'200);
  EXPECT_EQ(claims->permissions, std::vector<std::string>{"premium:view"});
  const realtime::Grants grants(claims->rooms);
  EXPECT_TRUE(grants.may(realtime::Action::publish, "quote:1", "ann"));
  EXPECT_FALSE(grants.may(realtime::Action::history, "quote:1", "ann"));
  EXPECT_TRUE(grants.may(realtime::Action::history, "a=b", "ann"));
  EXPECT_EQ(claims->info, R"({"name":"A \"n\""})");
}

TEST(Token, IsNotGivenAwayIfTheServerWouldRefuseIt) {
  for (const char* info : {"[]", "{", "{},\"sub\":\"bo\""}) {
    const auto asked = arguments({"make", "--sub", "ann", "--info", info});
    ASSERT_TRUE(asked);
    EXPECT_FALSE(make_token(*asked, rules(), now_s)) << info;
  }
  const auto not_utf8 = arguments({"make", "--sub", "\xff"});
  ASSERT_TRUE(not_utf8);
  EXPECT_FALSE(make_token(*not_utf8, rules(), now_s));
}

TEST(Token, ReadsLifetimesAsPeopleWriteThem) {
  EXPECT_EQ(arguments({"make", "--sub", "a"})->lifetime_s, 3'600u);
  EXPECT_EQ(arguments({"make", "--sub", "a", "--ttl", "90"})->lifetime_s, 90u);
  EXPECT_EQ(arguments({"make", "--sub", "a", "--ttl", "90s"})->lifetime_s, 90u);
  EXPECT_EQ(arguments({"make", "--sub", "a", "--ttl", "5min"})->lifetime_s, 300u);
  for (const char* wrong : {"0", "10ms", "soon", "-1", ""})
    EXPECT_FALSE(arguments({"make", "--sub", "a", "--ttl", wrong})) << wrong;
}

TEST(Token, RefusesARoomThatIsNoGrant) {
  for (const char* wrong : {"lobby", "lobby=", "=join", "lobby=jump", "lobby=join,", "*****=join"})
    EXPECT_FALSE(arguments({"make", "--sub", "a", "--room", wrong})) << wrong;
}

TEST(Token, NeedsACommandAndAUser) {
  EXPECT_EQ(arguments({}).error().exit_code, exit_usage);
  EXPECT_EQ(arguments({"make"}).error().exit_code, exit_usage);
  EXPECT_EQ(arguments({"forge", "--sub", "a"}).error().exit_code, exit_usage);
  EXPECT_EQ(arguments({"--help"}).error().exit_code, 0);
}

TEST(Token, ExplainsWhatAGoodOneAllows) {
  const auto asked = arguments({"make", "--sub", "ann", "--room", "quote:*=join,delete"});
  const TokenReport report = check_token(*make_token(*asked, rules(), now_s), rules(), now_s);
  EXPECT_TRUE(report.good);
  EXPECT_EQ(report.text, "valid until 2023-11-14T23:13:20Z\nuser ann\nroom quote:*: join delete\n");
}

TEST(Token, ExplainsWhyABadOneIsRefusedAndShowsWhatItClaims) {
  const auto asked = arguments({"make", "--sub", "ann"});
  const std::string token = *make_token(*asked, rules(), now_s);
  const TokenReport late = check_token(token, rules(), now_s + 4'000);
  EXPECT_FALSE(late.good);
  EXPECT_NE(late.text.find("refused (expired): "), std::string::npos);
  EXPECT_NE(late.text.find("unproven claims: {\"sub\":\"ann\""), std::string::npos);
  EXPECT_NE(check_token(token, rules("edge"), now_s).text.find("wrong_audience"),
            std::string::npos);
}

TEST(Token, ShowsTheKeysThatThereAreToWhoNamedAnother) {
  TokenKeyring named;
  auto key = realtime::Key::of_secret(realtime::Algorithm::hs512, "blue", std::string(64, 's'));
  ASSERT_TRUE(key && named.keys.add(*key));
  const auto asked = arguments({"make", "--sub", "ann"});
  const TokenReport report = check_token(*make_token(*asked, rules(), now_s), named, now_s);
  EXPECT_NE(report.text.find("refused (unknown_key): "), std::string::npos);
  EXPECT_NE(report.text.find("keys: blue HS512\n"), std::string::npos) << report.text;
}

TEST(Token, CannotDriveTheTerminalOfWhoChecksIt) {
  // {"\x1b[2J"} in base64url, twice.
  const TokenReport report = check_token("eyIbWzJKIn0.eyIbWzJKIn0.", rules(), now_s);
  EXPECT_FALSE(report.good);
  EXPECT_EQ(report.text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace ringroom::tools
