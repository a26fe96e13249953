#include "tools/load/inflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringroom::load {
namespace {

using Bytes = std::vector<std::byte>;

// As a server compresses a message (RFC 7692, 7.2.1).
Bytes deflated(std::string_view text) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(deflateBound(&z, text.size()) + 16);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_SYNC_FLUSH), Z_OK);
  out.resize(out.size() - z.avail_out - 4);  // 00 00 ff ff is not sent
  deflateEnd(&z);
  return out;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Inflate, GivesBackWhatWasCompressed) {
  Inflate inflate;
  for (const std::size_t bytes : {0, 1, 255, 16383, 16384, 16385, 100'000}) {
    const std::string text(bytes, 'x');
    const auto plain = inflate.read(deflated(text), 100'000);
    ASSERT_TRUE(plain) << bytes;
    EXPECT_EQ(text_of(*plain), text);
  }
}

// A compressor of whole streams ends them; a byte behind the end makes it an empty block.
TEST(Inflate, GoesOnBehindAFinalBlock) {
  Inflate inflate;
  const Bytes final{std::byte{0xf3}, std::byte{0x48}, std::byte{0xcd}, std::byte{0xc9},
                    std::byte{0xc9}, std::byte{0x07}, std::byte{0x00}, std::byte{0x00}};
  const auto plain = inflate.read(final, 100);  // the example of RFC 7692, 7.2.3.4
  ASSERT_TRUE(plain);
  EXPECT_EQ(text_of(*plain), "Hello");
}

TEST(Inflate, LooksUpWhatItHasInflatedBefore) {
  Inflate inflate;
  const Bytes one = deflated("{\"s\":\"one\"}");
  const Bytes two = deflated("{\"s\":\"two\"}");
  for (int listener = 0; listener < 100; ++listener) {
    EXPECT_EQ(text_of(*inflate.read(one, 100)), "{\"s\":\"one\"}");
    EXPECT_EQ(text_of(*inflate.read(two, 100)), "{\"s\":\"two\"}");
  }
  EXPECT_EQ(inflate.inflated(), 2u);
}

// Only the beginning decides where it is looked for; all of it decides what it is.
TEST(Inflate, NoticesOneWrongByteFarBehind) {
  Inflate inflate;
  std::string text;
  for (int i = 0; i < 400; ++i) text += std::to_string(i * i % 977);
  Bytes bytes = deflated(text);
  ASSERT_EQ(text_of(*inflate.read(bytes, 10'000)), text);
  bytes[bytes.size() / 2] ^= std::byte{0x10};
  const auto wrong = inflate.read(bytes, 10'000);
  EXPECT_TRUE(!wrong || text_of(*wrong) != text);
}

TEST(Inflate, RefusesWhatIsBrokenCutOrTooLong) {
  Inflate inflate;
  const Bytes whole = deflated(std::string(1000, 'a') + "bcdefghijkl");
  for (std::size_t prefix = 1; prefix + 1 < whole.size(); ++prefix) {
    const auto cut = inflate.read(std::span(whole).first(prefix), 2000);
    EXPECT_TRUE(!cut || cut->size() < 1011) << prefix;
  }
  EXPECT_EQ(inflate.read(Bytes{std::byte{0xff}, std::byte{0xff}}, 2000).error(),
            InflateError::broken);
  EXPECT_EQ(inflate.read(whole, 1010).error(), InflateError::oversized);
  EXPECT_EQ(inflate.read(deflated(std::string(1'000'000, 'x')), 1000).error(),
            InflateError::oversized);
  EXPECT_TRUE(inflate.read(whole, 1011));
}

}  // namespace
}  // namespace ringroom::load
