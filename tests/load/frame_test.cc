#include "tools/load/frame.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace ringroom::load {
namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> result;
  for (const unsigned value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

// A server's header, written by hand so that the reader is not tested by its own writer.
std::vector<std::byte> header(std::uint64_t payload_bytes) {
  std::vector<std::byte> result = bytes({0x82});
  if (payload_bytes < 126) {
    result.push_back(static_cast<std::byte>(payload_bytes));
    return result;
  }
  const int length_bytes = payload_bytes < 65536 ? 2 : 8;
  result.push_back(static_cast<std::byte>(length_bytes == 2 ? 126 : 127));
  for (int i = length_bytes - 1; i >= 0; --i) {
    result.push_back(static_cast<std::byte>(payload_bytes >> 8 * i));
  }
  return result;
}

constexpr std::uint64_t lengths[] = {
    0, 1, 125, 126, 127, 65535, 65536, 1u << 20, (std::uint64_t{1} << 63) - 1};

TEST(ServerFrame, IsReadOnBothSidesOfEachLengthForm) {
  for (const std::uint64_t length : lengths) {
    const auto frame = read_server_frame(header(length));
    ASSERT_TRUE(frame) << length;
    EXPECT_EQ(frame->opcode, Opcode::binary);
    EXPECT_TRUE(frame->final);
    EXPECT_EQ(frame->payload_bytes, length);
    EXPECT_EQ(frame->header_bytes, server_header_bytes(length));
  }
}

TEST(ServerFrame, AsksForMoreUntilTheWholeHeaderIsThere) {
  for (const std::uint64_t length : lengths) {
    const auto whole = header(length);
    for (std::size_t prefix = 0; prefix < whole.size(); ++prefix) {
      const auto frame = read_server_frame(std::span(whole).first(prefix));
      ASSERT_FALSE(frame);
      EXPECT_EQ(frame.error(), FrameError::need_more_bytes);
    }
  }
}

TEST(ServerFrame, IsRefusedWhenItBreaksARule) {
  struct Row {
    std::vector<std::byte> bytes;
    FrameError error;
  };
  const Row rows[] = {
      {bytes({0x82, 0x80}), FrameError::masked},
      {bytes({0xC2, 0x00}), FrameError::reserved_bit},
      {bytes({0xA2, 0x00}), FrameError::reserved_bit},
      {bytes({0x92, 0x00}), FrameError::reserved_bit},
      {bytes({0x83, 0x00}), FrameError::reserved_opcode},
      {bytes({0x8B, 0x00}), FrameError::reserved_opcode},
      {bytes({0x09, 0x00}), FrameError::broken_control},  // a fragmented ping
      {bytes({0x89, 126, 0, 126}), FrameError::broken_control},
      {bytes({0x82, 126, 0, 125}), FrameError::long_length},
      {bytes({0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff}), FrameError::long_length},
      {bytes({0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}), FrameError::long_length},
  };
  for (const Row& row : rows) {
    const auto frame = read_server_frame(row.bytes);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error(), row.error);
  }
}

TEST(ServerFrame, TellsFragmentsFromWholeMessages) {
  const auto first = read_server_frame(bytes({0x01, 0x00}));
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->final);
  EXPECT_EQ(first->opcode, Opcode::text);
  const auto last = read_server_frame(bytes({0x80, 0x00}));
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->final);
  EXPECT_EQ(last->opcode, Opcode::continuation);
}

TEST(ServerFrame, SaysOfItsMessageOnlyAtItsBeginningThatItIsCompressed) {
  for (const unsigned first : {0xC1u, 0xC2u, 0x41u, 0x42u}) {
    const auto frame = read_server_frame(bytes({first, 0x00}), Rsv1::compressed);
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame->compressed);
  }
  EXPECT_FALSE(read_server_frame(bytes({0x82, 0x00}), Rsv1::compressed)->compressed);
  for (const unsigned first : {0xC0u, 0xC8u, 0xC9u, 0xE2u, 0xD2u}) {
    EXPECT_EQ(read_server_frame(bytes({first, 0x00}), Rsv1::compressed).error(),
              FrameError::reserved_bit);
  }
}

TEST(ClientFrame, CarriesItsLengthInTheShortestForm) {
  for (const std::uint64_t length : {0u, 125u, 126u, 65535u, 65536u}) {
    std::vector<std::byte> written(client_header_bytes_max);
    write_client_header(written.data(), Opcode::binary, length);
    const auto expected = header(length);
    EXPECT_EQ(written[0], std::byte{0x82});
    EXPECT_EQ(written[1], expected[1] | std::byte{0x80});
    for (std::size_t i = 2; i < expected.size(); ++i) EXPECT_EQ(written[i], expected[i]);
    EXPECT_EQ(client_header_bytes(length), expected.size() + 4);
  }
}

TEST(ClientFrame, IsMaskedByTheFourBytesInItsHeaderAtEveryLength) {
  for (std::size_t length = 0; length <= 33; ++length) {
    std::vector<std::byte> frame(client_header_bytes(length) + length, std::byte{0x41});
    write_client_header(frame.data(), Opcode::text, length);
    const std::span<std::byte> payload = std::span(frame).subspan(client_header_bytes(length));
    mask(payload);
    const std::byte* key = frame.data() + client_header_bytes(length) - 4;
    EXPECT_NE(key[0] | key[1] | key[2] | key[3], std::byte{0});
    for (std::size_t i = 0; i < length; ++i) EXPECT_EQ(payload[i] ^ key[i % 4], std::byte{0x41});
  }
}

}  // namespace
}  // namespace ringroom::load
