#include "proto/accept.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>
#include <vector>

namespace ringroom::proto {
namespace {

constexpr MediaType text{.type = "text", .subtype = "plain", .version = "0.0.4"};
constexpr MediaType openmetrics{
    .type = "application", .subtype = "openmetrics-text", .version = "1.0.0"};

int quality(const MediaType& form, std::initializer_list<std::string_view> accepts) {
  std::vector<HttpHeader> headers = {{"Host", "x"}};
  for (const std::string_view accept : accepts) headers.push_back({"aCCept", accept});
  Request request{};
  request.headers = headers;
  return accepted_quality(request, form);
}

TEST(Accept, TakesEverythingWithoutTheHeader) {
  EXPECT_EQ(quality(text, {}), 1'000);
  EXPECT_EQ(quality(text, {""}), 0);
}

TEST(Accept, ReadsTheQualityOfEachRange) {
  EXPECT_EQ(quality(text, {"text/plain"}), 1'000);
  EXPECT_EQ(quality(text, {"text/plain;q=0.5"}), 500);
  EXPECT_EQ(quality(text, {"TEXT/Plain ; Q=0.125"}), 125);
  EXPECT_EQ(quality(text, {"text/plain;q=1.000"}), 1'000);
  EXPECT_EQ(quality(text, {"text/plain;q=0"}), 0);
  EXPECT_EQ(quality(text, {"text/plain;q=1."}), 1'000);
  EXPECT_EQ(quality(text, {"text/html"}), 0);
}

TEST(Accept, GoesByTheRangeThatFitsClosest) {
  EXPECT_EQ(
      quality(text, {"*/*;q=0.9, text/*;q=0.8, text/plain;q=0.7, text/plain;version=0.0.4;q=0.6"}),
      600);
  EXPECT_EQ(quality(text, {"text/plain;q=0, */*"}), 0) << "refused by name";
  EXPECT_EQ(quality(text, {"text/*;q=0.3, */*;q=0.1"}), 300);
  EXPECT_EQ(quality(text, {"text/plain;q=0.2, text/plain;q=0.4"}), 400);
}

TEST(Accept, TellsVersionsApart) {
  EXPECT_EQ(quality(text, {"text/plain;version=1.0.0"}), 0);
  EXPECT_EQ(quality(text, {"text/plain; version=\"0.0.4\""}), 1'000);
  EXPECT_EQ(quality(text, {"text/plain;charset=utf-8;version=0.0.4;q=0.5"}), 500);
  EXPECT_EQ(quality(text, {"text/*;version=7"}), 1'000) << "it is not the version of ours";
}

TEST(Accept, ReadsSeveralHeadersAsOne) {
  EXPECT_EQ(quality(text, {"text/html", "text/plain;q=0.2"}), 200);
}

TEST(Accept, CountsABrokenRangeForNothing) {
  for (const std::string_view broken :
       {"text/plain;q=2", "text/plain;q=", "text/plain;q=0.1234", "text/plain;q=-1",
        "text/plain;q=.5", "text/plain;q=1.001", "text/plain;q=abc", "text", "/", ";", ",,", "*",
        "text/plain\"", "*/plain"})
    EXPECT_EQ(quality(text, {broken}), 0) << broken;
  EXPECT_EQ(quality(text, {"text/html;q=7,text/plain;q=0.3"}), 300);
}

TEST(Accept, LetsAQuotedStringHoldSeparators) {
  EXPECT_EQ(quality(text, {R"(text/plain;a="x,y;q=0\"";q=0.5)"}), 500);
  EXPECT_EQ(quality(text, {R"(text/plain;a="never ends,text/plain)"}), 1'000);
  EXPECT_EQ(quality(text, {R"(text/plain;a="\)"}), 1'000);
}

// What Prometheus sends: 2.x, and since 3.0.
TEST(Accept, UnderstandsPrometheus) {
  const std::string_view two =
      "application/openmetrics-text;version=1.0.0,application/"
      "openmetrics-text;version=0.0.1;q=0.75,"
      "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
  EXPECT_EQ(quality(openmetrics, {two}), 1'000);
  EXPECT_EQ(quality(text, {two}), 500);
  const std::string_view three =
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
      "application/openmetrics-text;version=0.0.1;q=0.5,text/"
      "plain;version=1.0.0;escaping=allow-utf-8;"
      "q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
  EXPECT_EQ(quality(openmetrics, {three}), 600);
  EXPECT_EQ(quality(text, {three}), 300);
}

}  // namespace
}  // namespace ringroom::proto
