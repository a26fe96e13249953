#include "realtime/access/base64url.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

TEST(Base64Url, EncodesTheExamplesOfTheRfc) {
  EXPECT_EQ(encode_base64url(""), "");
  EXPECT_EQ(encode_base64url("f"), "Zg");
  EXPECT_EQ(encode_base64url("fo"), "Zm8");
  EXPECT_EQ(encode_base64url("foo"), "Zm9v");
  EXPECT_EQ(encode_base64url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64url("\xff\xfe\xfd"), "__79");
}

TEST(Base64Url, TakesBackWhatItGaveForEveryLength) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64url(encode_base64url(bytes)), bytes) << i;
    bytes += static_cast<char>(i * 7);
  }
}

TEST(Base64Url, RefusesEverythingNoEncoderWrites) {
  for (const std::string_view text : {"Z", "Zg=", "Zg==", "Zm9v\n", " Zm9v", "Zm 9v", "Zm+v",
                                      "Zm/v", "Zm9vY", "Zh", "Zm9", "Zm.v", "\xc3\xa4\xc3\xa4"}) {
    EXPECT_EQ(decode_base64url(text), std::nullopt) << text;
  }
  EXPECT_EQ(decode_base64url(std::string_view("Zm\0v", 4)), std::nullopt);
}

}  // namespace
}  // namespace ringroom::realtime
