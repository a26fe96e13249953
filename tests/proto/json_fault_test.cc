#include "proto/json_fault.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

#include "proto/json.h"

namespace ringroom::proto {
namespace {

struct Case {
  std::string_view text;
  std::size_t offset;
  std::string_view path;
};

TEST(JsonFault, NamesTheInnermostValueThatBreaks) {
  const Case cases[] = {
      {R"({"payload":{"user":tru}})", 22, "$.payload.user"},
      {R"({"payload":{"user":"ann"})", 25, "$"},
      {R"({"rooms":["a","b",]})", 18, "$.rooms[2]"},
      {R"({"rooms":["a" "b"]})", 14, "$.rooms"},
      {R"({"a b":{"it's":[1,{"x":-}]}})", 24, R"($['a b']['it\'s'][1].x)"},
      {R"({"a":1,})", 7, "$"},
      {R"({"a" 1})", 5, "$.a"},
      {R"({"a":01})", 6, "$"},
      {R"({"a":1e999})", 5, "$.a"},
      {R"({"a":99999999999999999999})", 5, "$.a"},
      {R"({"a":"\x"})", 7, "$.a"},
      {R"({"a":"\ud800"})", 12, "$.a"},
      {"{\"a\":\"\xff\"}", 6, "$.a"},
      {"{\"a\":\"\n\"}", 6, "$.a"},
      {"{} x", 3, "$"},
      {"", 0, "$"},
      {"   ", 3, "$"},
  };
  for (const Case& each : cases) {
    const auto fault = find_json_fault(each.text);
    ASSERT_TRUE(fault) << each.text;
    EXPECT_EQ(fault->offset, each.offset) << each.text;
    EXPECT_EQ(fault->path, each.path) << each.text;
  }
}

void expect_the_same_verdict(std::string_view text, JsonParser& parser) {
  const auto parsed = parser.parse_copy(text);
  const auto fault = find_json_fault(text);
  EXPECT_EQ(parsed.has_value(), !fault.has_value()) << text;
  if (fault.has_value()) {
    EXPECT_LE(fault->offset, text.size());
  }
}

TEST(JsonFault, AgreesWithTheParserAboutTextsThatAreBrokenAnywhere) {
  JsonParser parser;
  const std::string whole =
      R"({"room":"a\u00e9\ud83d\ude00","n":[1,-2.5e3,true,null,{"x":{}}],"payload":{"k":"v"}} )";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut)
    expect_the_same_verdict(std::string_view(whole).substr(0, cut), parser);
  constexpr std::string_view others = "{}[]\",:0e-\\u \n\x80\xc3tx";
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = whole;
    for (int change = 1 + static_cast<int>(random() % 2); change > 0; --change)
      text[random() % text.size()] = others[random() % others.size()];
    expect_the_same_verdict(text, parser);
  }
}

TEST(JsonFault, WritesNamesThatAreNoWordsInBracketsAndCutsLongOnes) {
  const auto path_of = [](std::string_view name) {
    std::string path = "$";
    append_json_path(path, name);
    return path;
  };
  EXPECT_EQ(path_of("user"), "$.user");
  EXPECT_EQ(path_of("1"), "$['1']");
  EXPECT_EQ(path_of(""), "$['']");
  EXPECT_EQ(path_of("a\nb\xff"), "$['a?b?']");
  EXPECT_EQ(path_of(std::string(100, 'x')), "$." + std::string(64, 'x'));
}

}  // namespace
}  // namespace ringroom::proto
