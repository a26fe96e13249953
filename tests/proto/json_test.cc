#include "proto/json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "proto/bounds.h"
#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

class Json : public testing::Test {
 protected:
  JsonValue parsed(std::string_view text) {
    const auto result = parser_.parse_copy(text);
    EXPECT_TRUE(result) << text;
    return *result;
  }
  std::optional<JsonError> error_of(std::string_view text) {
    const auto result = parser_.parse_copy(text);
    return result ? std::nullopt : std::optional(result.error());
  }
  JsonParser parser_;
};

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST_F(Json, ShowsValuesOfEveryKind) {
  const JsonValue root = parsed(
      R"({"s":"a\"b\u00e9","i":-5,"u":18446744073709551615,"d":1.5,"t":true,"n":null,"a":[],"o":{}})");
  EXPECT_EQ(root.size(), 8u);
  EXPECT_EQ(root.find("s")->string(), "a\"b\xc3\xa9");
  EXPECT_EQ(root.find("i")->integer(), -5);
  EXPECT_EQ(root.find("i")->unsigned_integer(), std::nullopt);
  EXPECT_EQ(root.find("i")->number(), -5.0);
  EXPECT_EQ(root.find("u")->unsigned_integer(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(root.find("u")->integer(), std::nullopt);
  EXPECT_EQ(root.find("d")->kind(), JsonKind::real);
  EXPECT_EQ(root.find("d")->number(), 1.5);
  EXPECT_EQ(root.find("d")->unsigned_integer(), std::nullopt);
  EXPECT_EQ(root.find("t")->boolean(), true);
  EXPECT_TRUE(root.find("n")->is_null());
  EXPECT_TRUE(root.find("a")->is_array());
  EXPECT_EQ(root.find("a")->size(), 0u);
  EXPECT_TRUE(root.find("o")->is_object());
  EXPECT_FALSE(root.find("missing"));
  EXPECT_FALSE(root.find("s")->find("not an object"));
}

TEST_F(Json, ShowsTheBytesOfEveryValueAsTheyStand) {
  const JsonValue root = parsed(
      "  { \"a\" : { \"x\" : [ 1 , {\"}\":\"]\"} ] } , \"b\":\t12.50 ,\"c\" : \"q\\\"r, \" \r\n, "
      "\"d\":true\n,\"e\":[ ],\"f\":null }  ");
  EXPECT_EQ(root.find("a")->raw(), "{ \"x\" : [ 1 , {\"}\":\"]\"} ] }");
  EXPECT_EQ(root.find("b")->raw(), "12.50");
  EXPECT_EQ(root.find("c")->raw(), "\"q\\\"r, \"");
  EXPECT_EQ(root.find("d")->raw(), "true");
  EXPECT_EQ(root.find("e")->raw(), "[ ]");
  EXPECT_EQ(root.find("f")->raw(), "null");
  EXPECT_EQ(parsed(" 42 ").raw(), "42");
  EXPECT_EQ(parsed("\"x\"").raw(), "\"x\"");
}

TEST_F(Json, WalksFieldsAndItemsInOrder) {
  std::string seen;
  const JsonValue root = parsed(R"({"a":1,"b":[10,[20],{"k":30},"x",1.5],"a":{"y":2},"c":""})");
  for (const JsonField& field : root.fields()) {
    seen += std::string(field.name) + "=" + std::string(field.value.raw()) + ";";
    for (const JsonValue& item : field.value.items()) seen += std::string(item.raw()) + "/";
  }
  EXPECT_EQ(seen, R"(a=1;b=[10,[20],{"k":30},"x",1.5];10/[20]/{"k":30}/"x"/1.5/a={"y":2};c="";)");
  EXPECT_EQ(root.find("a")->raw(), "1") << "the first of two";
}

TEST_F(Json, RefusesWhatAClientCouldChokeOn) {
  for (const std::string_view text : {R"({"x":tru})",
                                      R"({"x":1]})",
                                      R"({"x":1} {"y":2})",
                                      R"({"x":1}x)",
                                      R"({"x":1},)",
                                      R"({"x":01})",
                                      R"({"x":.5})",
                                      R"({"x":+1})",
                                      R"({"x":1.})",
                                      R"({"x":NaN})",
                                      R"({"x":Infinity})",
                                      R"({'x':1})",
                                      R"({x:1})",
                                      R"({"x":1,})",
                                      R"([1,])",
                                      R"({"x"})",
                                      R"({"x":})",
                                      R"({"x")",
                                      R"({)",
                                      R"(})",
                                      R"("open)",
                                      R"("\x")",
                                      R"("\u12")",
                                      "\"a\tb\"",
                                      "\"a\nb\"",
                                      "{\"x\":1}\x01",
                                      R"({"x":"\ud800"})",
                                      R"({"x":"\udc00\ud800"})",
                                      "\xef\xbb\xbf{}",
                                      "//c\n{}",
                                      R"([1 2])",
                                      R"({"a":1 "b":2})",
                                      "nul",
                                      "truee",
                                      R"({"a":-})"})
    EXPECT_TRUE(error_of(text)) << text;
}

TEST_F(Json, SaysWhatKindOfErrorItWas) {
  EXPECT_EQ(error_of(""), JsonError::empty);
  EXPECT_EQ(error_of("  \n"), JsonError::empty);
  EXPECT_EQ(error_of("{\"x\":\"\xff\"}"), JsonError::not_utf8);
  EXPECT_EQ(error_of("{\"x\":\"\xed\xa0\x80\"}"), JsonError::not_utf8);
  EXPECT_EQ(error_of("{\"x\":1e999}"), JsonError::number);
  EXPECT_EQ(error_of("{\"x\":123456789012345678901234567890}"), JsonError::number);
  EXPECT_EQ(error_of("{\"x\":tru}"), JsonError::syntax);
  EXPECT_EQ(error_of(nested(100000)), JsonError::too_deep);
  EXPECT_EQ(error_of(std::string(json_text_bytes_max + 1, ' ')), JsonError::too_large);
  for (const JsonError error : {JsonError::syntax, JsonError::not_utf8, JsonError::too_deep,
                                JsonError::too_large, JsonError::number, JsonError::empty})
    EXPECT_FALSE(sentence_of(error).empty());
}

TEST_F(Json, NestsAsDeepAsTheSentenceSays) {
  EXPECT_FALSE(error_of(nested(json_depth_max)));
  EXPECT_EQ(error_of(nested(json_depth_max + 1)), JsonError::too_deep);
}

TEST_F(Json, RefusesEveryPrefixOfAText) {
  const std::string_view text = R"({"type":"x","a":[1,2.5,true,null,"\u20ac"],"o":{"k":-1e3}})";
  EXPECT_FALSE(error_of(text));
  for (std::size_t cut = 0; cut < text.size(); ++cut)
    EXPECT_TRUE(error_of(text.substr(0, cut))) << cut;
}

TEST_F(Json, DoesNotCareWhatStandsBehindTheText) {
  for (const char behind : {' ', '}', '"', '1', '\\', '\0'}) {
    const std::string text = R"({"a":[12]})";
    const std::string memory = text + std::string(readable_behind_bytes, behind);
    const auto result = parser_.parse(std::string_view(memory).substr(0, text.size()));
    ASSERT_TRUE(result) << behind;
    EXPECT_EQ(result->find("a")->raw(), "[12]");
    const auto number = parser_.parse(std::string_view(memory).substr(6, 1));
    ASSERT_TRUE(number);
    EXPECT_EQ(number->unsigned_integer(), 1u);
  }
}

TEST_F(Json, TakesLargeTextsAndThenSmallOnesAgain) {
  for (const std::size_t size : {10u, 5000u, 300000u, 20u, 1000000u, 5000u}) {
    const std::string text = "[\"" + std::string(size, 'x') + "\",1]";
    const JsonValue root = parsed(text);
    EXPECT_EQ(root.size(), 2u);
    EXPECT_EQ((*root.items().begin()).string()->size(), size);
  }
}

TEST_F(Json, LendsRoomThatLivesAsLongAsTheText) {
  parsed("{}");
  const auto numbers = parser_.scratch<std::uint64_t>(3);
  const auto views = parser_.scratch<std::string_view>(2);
  EXPECT_NE(static_cast<void*>(numbers.data()), static_cast<void*>(views.data()));
  for (const std::uint64_t number : numbers) EXPECT_EQ(number, 0u);
  for (int i = 0; i < 100; ++i) {
    parsed("{}");
    parser_.scratch<std::byte>(json_scratch_bytes);
  }
}

class JsonOut : public testing::Test {
 protected:
  std::string taken() {
    std::string text(out_.text());
    out_.clear();
    return text;
  }
  alloc::CoreHeap memory_;
  alloc::BlockHeap heap_{memory_};
  alloc::BlockBuilder out_{heap_};
};

TEST_F(JsonOut, EscapesWhatMustBeAndNothingElse) {
  append_json_string(out_, "");
  EXPECT_EQ(taken(), "\"\"");
  append_json_string(out_, "a/b \xe2\x82\xac \x7f");
  EXPECT_EQ(taken(), "\"a/b \xe2\x82\xac \x7f\"");
  append_json_string(out_, std::string_view("\"\\\b\f\n\r\t\x01\x1f\0", 10));
  EXPECT_EQ(taken(), R"("\"\\\b\f\n\r\t\u0001\u001f\u0000")");
}

TEST_F(JsonOut, FindsAnEscapeAtEveryPlaceOfEveryLength) {
  JsonParser parser;
  for (std::size_t size = 1; size <= 70; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char special : {'"', '\\', '\n', '\x1f', '\x01'}) {
        std::string text(size, ' ');
        text[at] = special;
        append_json_string(out_, text);
        const auto back = parser.parse_copy(taken());
        ASSERT_TRUE(back) << size << " " << at;
        ASSERT_EQ(back->string(), text);
      }
    }
  }
}

TEST_F(JsonOut, WritesNumbersTimesAndHex) {
  append_number(out_, std::uint64_t(0));
  EXPECT_EQ(taken(), "0");
  append_number(out_, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(taken(), "18446744073709551615");
  append_number(out_, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(taken(), "-9223372036854775808");
  append_timestamp(out_, 1696248000123);
  EXPECT_EQ(taken(), "1696248000.123");
  append_timestamp(out_, 1696248000007);
  EXPECT_EQ(taken(), "1696248000.007");
  append_timestamp(out_, 0);
  EXPECT_EQ(taken(), "0.000");
  for (const auto& [wall_ms, text] :
       {std::pair{std::uint64_t{0}, "\"1970-01-01T00:00:00.000Z\""},
        std::pair{std::uint64_t{951868799999}, "\"2000-02-29T23:59:59.999Z\""},
        std::pair{std::uint64_t{1696243200123}, "\"2023-10-02T10:40:00.123Z\""},
        std::pair{std::uint64_t{253402300799999}, "\"9999-12-31T23:59:59.999Z\""}}) {
    append_iso_timestamp(out_, wall_ms);
    EXPECT_EQ(taken(), text);
  }
  append_hex(out_, bytes_of("\x01\xfe\xa0"));
  EXPECT_EQ(taken(), "01fea0");
}

}  // namespace
}  // namespace ringroom::proto
