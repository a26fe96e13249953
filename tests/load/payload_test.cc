#include "tools/load/payload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace ringroom::load {
namespace {

constexpr Stamp stamp{
    .publisher = 7, .sequence = 0xfedc'ba98, .intended_ns = 0x0123'4567'89ab'cdef};
constexpr PayloadForm forms[] = {PayloadForm::bytes, PayloadForm::json_object};

std::vector<std::byte> written(const Payload& payload, const Stamp& mark) {
  std::vector<std::byte> bytes(payload.bytes());
  payload.write(bytes.data(), mark);
  return bytes;
}

TEST(Payload, GivesBackItsStampInEachFormAndSize) {
  for (const PayloadForm form : forms) {
    for (const std::size_t more : {0u, 1u, 4u, 100u, 1u << 20}) {
      const Payload payload(form, Payload::bytes_min(form) + more);
      const auto read = payload.read(written(payload, stamp));
      ASSERT_TRUE(read);
      EXPECT_EQ(*read, stamp);
    }
  }
}

TEST(Payload, NoticesAnyWrongByteBehindItsStamp) {
  for (const PayloadForm form : forms) {
    const Payload payload(form, Payload::bytes_min(form) + 32);
    auto bytes = written(payload, stamp);
    const std::size_t first = form == PayloadForm::bytes ? 16 : 0;
    for (std::size_t i = first; i < bytes.size(); ++i) {
      bytes[i] ^= std::byte{0x80};
      EXPECT_FALSE(payload.read(bytes)) << i;
      bytes[i] ^= std::byte{0x80};
    }
  }
}

TEST(Payload, HasAnotherPatternInTheNextMessage) {
  const Payload payload(PayloadForm::bytes, 20);
  auto bytes = written(payload, stamp);
  Stamp next = stamp;
  ++next.sequence;
  const auto other = written(payload, next);
  std::copy(other.begin() + 16, other.end(), bytes.begin() + 16);
  EXPECT_FALSE(payload.read(bytes));
}

TEST(Payload, IsRefusedInAnyOtherSize) {
  for (const PayloadForm form : forms) {
    const Payload payload(form, Payload::bytes_min(form) + 8);
    auto bytes = written(payload, stamp);
    for (std::size_t prefix = 0; prefix < bytes.size(); ++prefix) {
      const auto read = payload.read(std::span(bytes).first(prefix));
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error(), PayloadError::wrong_size);
    }
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(payload.read(bytes));
  }
}

TEST(Payload, OfRecordsIsVerifiedLikeLetters) {
  const Payload payload(PayloadForm::bytes, 1024, Pattern::json);
  auto bytes = written(payload, stamp);
  ASSERT_TRUE(payload.read(bytes));
  EXPECT_EQ(*payload.read(bytes), stamp);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_NE(text.find(R"("name":"sensor-)"), std::string_view::npos);
  bytes[1000] ^= std::byte{1};
  EXPECT_EQ(payload.read(bytes).error(), PayloadError::wrong_pattern);
}

TEST(Payload, IsAnObjectInJson) {
  const Payload payload(PayloadForm::json_object, Payload::bytes_min(PayloadForm::json_object) + 2);
  const auto bytes = written(payload, {.publisher = 1, .sequence = 2, .intended_ns = 3});
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_TRUE(text.starts_with(R"({"s":"01000000020000000300000000000000","p":")")) << text;
  EXPECT_TRUE(text.ends_with(R"("})"));
}

}  // namespace
}  // namespace ringroom::load
