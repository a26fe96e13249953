#include "proto/unmask.h"

#include <gtest/gtest.h>

#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

constexpr std::array<std::byte, 4> mask{std::byte(0x01), std::byte(0x82), std::byte(0xf3),
                                        std::byte(0x44)};

Bytes some_bytes(std::size_t n) {
  Bytes out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = std::byte((i * 131 + 7) & 0xff);
  return out;
}

Bytes expected(const Bytes& in, std::size_t phase) {
  Bytes out = in;
  for (std::size_t i = 0; i < in.size(); ++i) out[i] ^= mask[(i + phase) % 4];
  return out;
}

class Unmask : public testing::TestWithParam<UnmaskForm> {
 protected:
  void SetUp() override {
    if (!is_supported(GetParam())) GTEST_SKIP() << "this processor lacks it";
  }
};

TEST_P(Unmask, AgreesWithTheDefinitionForEverySizeAndPhase) {
  for (std::size_t size = 0; size <= 300; ++size) {
    for (std::size_t phase = 0; phase < 4; ++phase) {
      const Bytes in = some_bytes(size);
      Bytes out(size);
      unmask_with(GetParam(), out.data(), in.data(), size, mask, phase);
      ASSERT_EQ(out, expected(in, phase)) << size << " phase " << phase;
    }
  }
}

TEST_P(Unmask, WorksInPlaceAtEveryAlignmentAndTouchesNothingElse) {
  for (std::size_t offset = 0; offset < 33; ++offset) {
    const std::size_t size = 200;
    Bytes around = some_bytes(offset + size + 40);
    const Bytes before = around;
    const Bytes payload(before.begin() + long(offset), before.begin() + long(offset + size));
    unmask_with(GetParam(), around.data() + offset, around.data() + offset, size, mask, 1);

    Bytes wanted = before;
    const Bytes clear = expected(payload, 1);
    std::copy(clear.begin(), clear.end(), wanted.begin() + long(offset));
    ASSERT_EQ(around, wanted) << offset;
  }
}

TEST_P(Unmask, GivesTheSameInOnePieceAndInTwo) {
  const Bytes in = some_bytes(257);
  for (std::size_t cut = 0; cut <= in.size(); ++cut) {
    Bytes out(in.size());
    unmask_with(GetParam(), out.data(), in.data(), cut, mask, 2);
    unmask_with(GetParam(), out.data() + cut, in.data() + cut, in.size() - cut, mask, 2 + cut);
    ASSERT_EQ(out, expected(in, 2)) << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, Unmask,
                         testing::Values(UnmaskForm::plain, UnmaskForm::sse2, UnmaskForm::avx2));

TEST(UnmaskChoice, AgreesWithTheDefinitionToo) {
  for (const std::size_t size : {0u, 31u, 32u, 33u, 4096u}) {
    Bytes bytes = some_bytes(size);
    const Bytes wanted = expected(bytes, 3);
    unmask(bytes.data(), bytes.data(), size, mask, 3);
    EXPECT_EQ(bytes, wanted) << size;
  }
}

}  // namespace
}  // namespace ringroom::proto
