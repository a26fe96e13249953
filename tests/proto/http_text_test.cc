#include <gtest/gtest.h>

#include "proto/http.h"
#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

TEST(QueryParameter, IsFoundAndDecoded) {
  const std::string_view query = "a=1&b=x%20y+z&empty=&flag&c%3Dd=e&a=2&u=%E2%82%AC&&=v";
  EXPECT_EQ(query_parameter(query, "a"), "1");
  EXPECT_EQ(query_parameter(query, "b"), "x y z");
  EXPECT_EQ(query_parameter(query, "empty"), "");
  EXPECT_EQ(query_parameter(query, "flag"), "");
  EXPECT_EQ(query_parameter(query, "c=d"), "e");
  EXPECT_EQ(query_parameter(query, "u"), "\xe2\x82\xac");
  EXPECT_EQ(query_parameter(query, "absent"), std::nullopt);
  EXPECT_EQ(query_parameter("", "a"), std::nullopt);
}

TEST(QueryParameter, IsAbsentWhenItsEscapesAreBroken) {
  for (const std::string_view query : {"a=%", "a=%1", "a=%1g", "a=%g1", "a=x%2", "a=%%20"})
    EXPECT_EQ(query_parameter(query, "a"), std::nullopt) << query;
  EXPECT_EQ(query_parameter("%zz=1&a=2", "a"), "2") << "another parameter's faults are its own";
}

TEST(PercentDecoding, LeavesAPlusInAPathAlone) {
  EXPECT_EQ(percent_decoded("a+b%2Fc"), "a+b/c");
  EXPECT_EQ(percent_decoded("%00"), std::string(1, '\0'));
  EXPECT_EQ(percent_decoded("%4"), std::nullopt);
}

TEST(CaseInsensitive, IsForAsciiLettersOnly) {
  EXPECT_TRUE(equals_ignoring_case("Upgrade", "uPGRADE"));
  EXPECT_FALSE(equals_ignoring_case("Upgrade", "Upgrad"));
  EXPECT_FALSE(equals_ignoring_case("@[", "`{"));
}

class Responses : public testing::Test {
 protected:
  std::string written(const Response& response) {
    out_.clear();
    append_response(out_, response);
    return std::string(out_.text());
  }
  alloc::CoreHeap memory_;
  alloc::BlockHeap heap_{memory_};
  alloc::BlockBuilder out_{heap_};
};

TEST_F(Responses, StateTheirLength) {
  const Bytes body = bytes_of("{\"ok\":true}");
  const HttpHeader more[] = {{"X-A", "b"}};
  EXPECT_EQ(
      written({.status = 200, .content_type = "application/json", .body = body, .headers = more}),
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n"
      "Connection: keep-alive\r\nX-A: b\r\n\r\n{\"ok\":true}");
  EXPECT_EQ(written({.status = 404, .content_type = "", .body = {}, .keep_alive = false}),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST_F(Responses, WithoutABodyDoNotSendOne) {
  const Bytes body = bytes_of("body");
  EXPECT_EQ(written({.status = 204, .content_type = "", .body = body}),
            "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(written({.status = 200, .content_type = "", .body = body, .head_only = true}),
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\n");
}

TEST_F(Responses, OfEveryErrorHaveAPhraseAndASentence) {
  for (int error = 0; error <= int(HttpError::unknown_version); ++error) {
    const HttpErrorRow& row = row_of(HttpError(error));
    EXPECT_NE(reason_phrase(row.status), "Status") << row.status;
    EXPECT_FALSE(row.sentence.empty());
  }
  EXPECT_EQ(reason_phrase(299), "Status");
}

}  // namespace
}  // namespace ringroom::proto
