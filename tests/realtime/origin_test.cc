#include "realtime/access/origin.h"

#include <gtest/gtest.h>

#include <vector>

#include "realtime/config.h"

namespace ringroom::realtime {
namespace {

using enum OriginVerdict;

std::vector<OriginRule> rules_of(std::initializer_list<std::string_view> texts) {
  std::vector<OriginRule> out;
  for (const std::string_view text : texts) {
    auto rule = OriginRule::parse(text);
    EXPECT_TRUE(rule) << text;
    if (rule) out.push_back(std::move(*rule));
  }
  return out;
}

struct Case {
  std::string_view said;
  OriginVerdict verdict;
};

TEST(Origin, IsComparedBySchemeHostAndPort) {
  const auto listed =
      rules_of({"https://good.com", "https://app.good.com:8443", "http://[::1]:3000",
                "https://*.tenants.good.com", "https://xn--bcher-kva.example", "http://10.1.2.3",
                "capacitor://localhost", "https://dot.good.com."});
  static constexpr Case cases[] = {
      {"https://good.com", allowed},
      {"HTTPS://GOOD.COM", allowed},
      {"https://Good.Com", allowed},
      {"https://good.com:443", allowed},
      {"https://app.good.com:8443", allowed},
      {"http://[::1]:3000", allowed},
      {"http://[0:0:0:0:0:0:0:1]:3000", allowed},
      {"https://a.tenants.good.com", allowed},
      {"https://A.b.Tenants.good.com:443", allowed},
      {"https://xn--bcher-kva.example", allowed},
      {"https://XN--BCHER-KVA.example", allowed},
      {"http://10.1.2.3", allowed},
      {"http://10.1.2.3:80", allowed},
      {"capacitor://localhost", allowed},
      {"https://dot.good.com.", allowed},

      {"null", not_listed},
      {"http://good.com", not_listed},
      {"https://good.com:444", not_listed},
      {"https://good.com:80", not_listed},
      {"http://good.com:443", not_listed},
      {"https://good.com.evil.com", not_listed},
      {"https://evilgood.com", not_listed},
      {"https://good.com.", not_listed},
      {"https://dot.good.com", not_listed},
      {"https://good.co", not_listed},
      {"https://good.comm", not_listed},
      {"https://www.good.com", not_listed},
      {"https://good-com", not_listed},
      {"https://app.good.com", not_listed},
      {"https://tenants.good.com", not_listed},
      {"https://eviltenants.good.com", not_listed},
      {"https://a.tenants.good.com.evil.com", not_listed},
      {"https://a.tenants.good.com:444", not_listed},
      {"http://a.tenants.good.com", not_listed},
      {"https://a.tenants.good.com.", not_listed},
      {"http://[::2]:3000", not_listed},
      {"http://[::1]", not_listed},
      {"https://bcher-kva.example", not_listed},
      {"https://10.1.2.3", not_listed},
      {"http://10.1.2.33", not_listed},
      {"capacitor://localhost:1", not_listed},
      {"ionic://localhost", not_listed},

      {"", malformed},
      {"*", malformed},
      {"NULL", malformed},
      {"null,https://good.com", malformed},
      {"good.com", malformed},
      {"//good.com", malformed},
      {"https:good.com", malformed},
      {"https:/good.com", malformed},
      {"https://", malformed},
      {"https://good.com/", malformed},
      {"https://good.com/path", malformed},
      {"https://good.com?a", malformed},
      {"https://good.com#a", malformed},
      {"https://good.com@evil.com", malformed},
      {"https://evil.com\\@good.com", malformed},
      {"https://user:pass@good.com", malformed},
      {"https://good.com evil.com", malformed},
      {"https://good.com https://evil.com", malformed},
      {"https://good.com, https://evil.com", malformed},
      {" https://good.com", malformed},
      {"https://good.com ", malformed},
      {"https://good.com\r\nX: y", malformed},
      {"https://good.com:", malformed},
      {"https://good.com:0", malformed},
      {"https://good.com:0443", malformed},
      {"https://good.com:+443", malformed},
      {"https://good.com:65536", malformed},
      {"https://good.com:443:443", malformed},
      {"https://good.com:443x", malformed},
      {"https://g\xc3\xb6"
       "od.com",
       malformed},
      {"https://b\xc3\xbc"
       "cher.example",
       malformed},
      {"https://good%2ecom", malformed},
      {"https://good..com", malformed},
      {"https://.good.com", malformed},
      {"https://.", malformed},
      {"https://*.tenants.good.com", malformed},
      {"http://[::1", malformed},
      {"http://::1", malformed},
      {"http://[::1]x", malformed},
      {"http://[fe80::1%25eth0]", malformed},
      {"http://[]", malformed},
      {"http://10.1.515", malformed},
      {"http://0x0a010203", malformed},
      {"http://167838211", malformed},
      {"http://10.1.2.3.", malformed},
      {"http://010.1.2.3", malformed},
      {"9https://good.com", malformed},
      {"ht tps://good.com", malformed},
  };
  static_assert(std::size(cases) >= 40);
  for (const Case& each : cases) {
    for (const bool is_required : {false, true}) {
      const std::string_view said[] = {each.said};
      EXPECT_EQ(judge(said, "good.com", {listed, is_required, false}), each.verdict) << each.said;
    }
  }
}

TEST(Origin, LongerThanAnyNameIsNone) {
  const auto any = rules_of({"*"});
  const std::string label(60, 'a');
  std::string host = label;
  while (host.size() + 61 <= 253) host += "." + label;
  for (const auto& [text, verdict] :
       {std::pair{"https://" + host + ":65535", allowed},
        std::pair{"https://" + host + std::string(10, 'a'), malformed},
        std::pair{"https://" + std::string(64, 'a') + ".com", malformed},
        std::pair{std::string(33, 'a') + "://a.com", malformed},
        std::pair{"https://" + std::string(100'000, 'a'), malformed}}) {
    const std::string_view said[] = {text};
    EXPECT_EQ(judge(said, "", {any, false, false}), verdict) << text.size();
  }
}

TEST(Origin, IsSaidOnceOrNotAtAll) {
  const auto listed = rules_of({"https://good.com", "*", "null"});
  const std::string_view twice[] = {"https://good.com", "https://good.com"};
  EXPECT_EQ(judge(twice, "", {listed, false, false}), malformed);
  EXPECT_EQ(judge({}, "", {listed, false, false}), allowed);
  EXPECT_EQ(judge({}, "", {listed, true, false}), absent);
  EXPECT_EQ(judge({}, "good.com", {{}, false, false}), allowed);
}

TEST(Origin, OfNobodyIsAllowedOnlyByItsName) {
  const std::string_view said[] = {"null"};
  const std::string_view page[] = {"https://a.example"};
  EXPECT_EQ(judge(said, "null", {{}, false, false}), not_listed);
  EXPECT_EQ(judge(said, "null", {{}, false, true}), not_listed);
  const auto null = rules_of({"null"});
  EXPECT_EQ(judge(said, "", {null, false, false}), allowed);
  EXPECT_EQ(judge(page, "", {null, false, false}), not_listed);
  const auto any = rules_of({"*"});
  EXPECT_EQ(judge(said, "", {any, false, false}), allowed);
  EXPECT_EQ(judge(page, "", {any, false, false}), allowed);
}

TEST(Origin, OfTheServersOwnHostIsAllowedWithoutAList) {
  struct Own {
    std::string_view said, host;
    OriginVerdict verdict;
  };
  for (const Own& each : {Own{"https://app.example.com", "app.example.com", allowed},
                          Own{"https://app.example.com", "APP.example.com:443", allowed},
                          Own{"http://app.example.com", "app.example.com", allowed},
                          Own{"https://app.example.com:8443", "app.example.com:8443", allowed},
                          Own{"http://[::1]:8000", "[0::1]:8000", allowed},
                          Own{"https://app.example.com", "app.example.com:80", not_listed},
                          Own{"https://app.example.com:8443", "app.example.com", not_listed},
                          Own{"https://evil.com", "app.example.com", not_listed},
                          Own{"https://app.example.com.evil.com", "app.example.com", not_listed},
                          Own{"https://app.example.com", "", not_listed},
                          Own{"https://app.example.com", "evil.com@app.example.com", not_listed},
                          Own{"capacitor://localhost", "localhost", not_listed}}) {
    const std::string_view said[] = {each.said};
    EXPECT_EQ(judge(said, each.host, {{}, false, false}), each.verdict) << each.said;
  }
}

TEST(Origin, OfThisMachineIsAllowedInDevelopmentWhateverThePort) {
  for (const Case& each :
       {Case{"http://localhost:3000", allowed}, Case{"http://127.0.0.1:8000", allowed},
        Case{"https://127.8.8.8", allowed}, Case{"http://[::1]:8000", allowed},
        Case{"http://app.localhost", allowed}, Case{"http://evil.com", not_listed},
        Case{"http://evil.com:8000", not_listed}, Case{"http://localhost.evil.com", not_listed},
        Case{"http://127.0.0.1.evil.com", not_listed}, Case{"http://128.0.0.1:8000", not_listed},
        Case{"http://evillocalhost", not_listed}}) {
    const std::string_view said[] = {each.said};
    // The name under which a foreign page reaches us counts for nothing.
    EXPECT_EQ(judge(said, "evil.com", {{}, false, true}), each.verdict) << each.said;
  }
}

TEST(Origin, RulesThatWouldLetInMoreThanMeantAreRefused) {
  for (const std::string_view text :
       {"", "good.com", "https://good.com/", "https://*", "https://*.com", "https://*.10.0.0.1",
        "https://*.[::1]", "https://a*.good.com", "https://*.*.good.com", "*.good.com",
        "https://good.*", "*://good.com", "wss://good.com", "https://user@good.com",
        "https://b\xc3\xbc"
        "cher.example",
        "Null"}) {
    EXPECT_FALSE(OriginRule::parse(text)) << text;
  }
  for (const std::string_view text :
       {"https://*.good.com:8443", "http://*.localhost", "null", "*"}) {
    const auto rule = OriginRule::parse(text);
    ASSERT_TRUE(rule) << text;
    EXPECT_EQ(rule->text(), text);
  }
}

TEST(Origin, ListIsReadFromOneTextAndLaterTextsTakeItsPlace) {
  Config config;
  const Option& option = *find_option("allowed-origin");
  ASSERT_TRUE(assign(config, option, "https://a.com,https://*.b.com:8443"));
  EXPECT_EQ(print(config, option), "https://a.com,https://*.b.com:8443");
  ASSERT_TRUE(assign(config, option, "null"));
  EXPECT_EQ(print(config, option), "null");
  const auto refused = assign(config, option, "https://a.com,a.com");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().sentence.find("allowed-origin: \"a.com\""), std::string::npos);
}

}  // namespace
}  // namespace ringroom::realtime
