#include "proto/utf8.h"

#include <gtest/gtest.h>

#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

const std::string_view valid[] = {
    "",
    "plain ASCII, long enough that the wide form takes a whole block of it, and some more of it",
    "\x7f",
    "\xc2\x80",
    "\xdf\xbf",
    "\xe0\xa0\x80",
    "\xed\x9f\xbf",
    "\xee\x80\x80",
    "\xef\xbf\xbf",
    "\xf0\x90\x80\x80",
    "\xf4\x8f\xbf\xbf",
    "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 and \xf0\x9f\x98\x80",
};

struct Broken {
  std::string_view text;
  std::size_t valid_bytes;  // after so many bytes the text can still be saved
};
const Broken broken[] = {
    {"\x80", 0},
    {"a\xbf", 1},
    {"\xc0\xaf", 0},
    {"\xc1\xbf", 0},
    {"\xe0\x80\x80", 1},
    {"\xe0\x9f\xbf", 1},
    {"\xed\xa0\x80", 1},
    {"\xed\xbf\xbf", 1},
    {"\xf0\x80\x80\x80", 1},
    {"\xf0\x8f\xbf\xbf", 1},
    {"\xf4\x90\x80\x80", 1},
    {"\xf5\x80\x80\x80", 0},
    {"\xff", 0},
    {"\xc2\x41", 1},
    {"\xe2\x82\x41", 2},
    {"\xf0\x9f\x98\x41", 3},
    {"ok\xfe", 2},
};

TEST(Utf8, AcceptsEveryTextOfTheRfcAndNoOther) {
  for (const std::string_view text : valid) EXPECT_TRUE(is_utf8(text)) << text;
  for (const Broken& text : broken) EXPECT_FALSE(is_utf8(text.text)) << text.text;
}

TEST(Utf8Stream, AgreesWithTheWholeWhereverTheTextIsCut) {
  for (const std::string_view text : valid) {
    const Bytes bytes = bytes_of(text);
    for (std::size_t a = 0; a <= bytes.size(); ++a) {
      for (std::size_t b = a; b <= bytes.size(); ++b) {
        Utf8Stream stream;
        EXPECT_TRUE(stream.add(std::span(bytes).first(a)));
        EXPECT_TRUE(stream.add(std::span(bytes).subspan(a, b - a)));
        EXPECT_TRUE(stream.add(std::span(bytes).subspan(b)));
        EXPECT_TRUE(stream.is_complete()) << text << " cut at " << a << ", " << b;
      }
    }
  }
}

TEST(Utf8Stream, FailsAtTheFirstByteThatCannotBeSaved) {
  for (const Broken& text : broken) {
    const Bytes bytes = bytes_of(text.text);
    Utf8Stream stream;
    std::size_t taken = 0;
    while (taken < bytes.size() && stream.add(std::span(bytes).subspan(taken, 1))) ++taken;
    EXPECT_EQ(taken, text.valid_bytes) << text.text;
    EXPECT_FALSE(stream.add({}));
    EXPECT_FALSE(stream.is_complete());
  }
}

TEST(Utf8Stream, FailsInWhicheverPieceTheBrokenByteIs) {
  for (const Broken& text : broken) {
    const Bytes bytes = bytes_of(text.text);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      Utf8Stream stream;
      const bool first = stream.add(std::span(bytes).first(cut));
      EXPECT_EQ(first, cut <= text.valid_bytes) << text.text << " cut at " << cut;
      EXPECT_FALSE(stream.add(std::span(bytes).subspan(cut)));
    }
  }
}

TEST(Utf8Stream, IsNotCompleteInsideACharacter) {
  const Bytes euro = bytes_of("\xe2\x82\xac");
  for (std::size_t cut = 0; cut <= 3; ++cut) {
    Utf8Stream stream;
    EXPECT_TRUE(stream.add(std::span(euro).first(cut)));
    EXPECT_EQ(stream.is_complete(), cut % 3 == 0) << cut;
  }
}

TEST(Utf8Prefix, NeverCutsACharacter) {
  const std::string_view text = "a\xe2\x82\xac\xf0\x9f\x98\x80z";
  const std::size_t expected[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 9, 9};
  for (std::size_t max = 0; max < std::size(expected); ++max)
    EXPECT_EQ(utf8_prefix(text, max).size(), expected[max]) << max;
}

}  // namespace
}  // namespace ringroom::proto
