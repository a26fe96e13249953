#include "proto/frame.h"

#include <gtest/gtest.h>

#include "proto/utf8.h"
#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

class Frames : public testing::Test {
 protected:
  alloc::CoreHeap memory_;
  alloc::BlockHeap heap_{memory_};
  alloc::BlockBuilder out_{heap_};
};

FrameError error_of(const ClientFrame& frame, std::uint64_t payload_bytes_max = 1 << 20) {
  const auto result = decode(encoded(frame), payload_bytes_max);
  return result ? FrameError::need_more_bytes : result.error();
}

TEST(Frame, UsesTheShortestLengthForm) {
  struct Case {
    std::uint64_t payload_bytes;
    std::size_t header_bytes;
  };
  for (const auto& [payload_bytes, header_bytes] :
       {Case{0, 2}, Case{125, 2}, Case{126, 4}, Case{65535, 4}, Case{65536, 10}}) {
    const auto header = encode({.opcode = Opcode::text,
                                .final = true,
                                .compressed = false,
                                .payload_bytes = payload_bytes});
    EXPECT_EQ(header.view().size(), header_bytes) << payload_bytes;
  }
}

TEST(Frame, AsksForMoreUntilTheWholeHeaderIsThere) {
  for (const std::size_t size : {0u, 125u, 126u, 65535u, 65536u}) {
    const Bytes whole = encoded({.first = 0x82, .payload = std::string(size, 'x')});
    const std::size_t header_bytes = whole.size() - size;
    for (std::size_t cut = 0; cut < header_bytes; ++cut) {
      const auto result = decode(std::span(whole).first(cut), 1 << 20);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error(), FrameError::need_more_bytes) << size << " cut at " << cut;
    }
    const auto result = decode(std::span(whole).first(header_bytes), 1 << 20);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->header.payload_bytes, size);
    EXPECT_EQ(result->consumed_bytes, header_bytes);
  }
}

TEST(Frame, RefusesAnUnmaskedClientFrame) {
  EXPECT_EQ(error_of({.masked = false}), FrameError::unmasked);
}

TEST(Frame, RefusesReservedBitsAndOpcodes) {
  EXPECT_EQ(error_of({.first = 0x91}), FrameError::reserved_bit);
  EXPECT_EQ(error_of({.first = 0xa1}), FrameError::reserved_bit);
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    EXPECT_EQ(error_of({.first = 0x80 | opcode}), FrameError::reserved_opcode) << opcode;
}

TEST(Frame, ReportsTheFirstReservedBitForWhoAgreedToCompression) {
  const auto result = decode(encoded({.first = 0xc1}), 1024);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->header.compressed);
}

TEST(Frame, RefusesAControlFrameThatIsLongOrFragmented) {
  for (const int opcode : {8, 9, 10}) {
    EXPECT_TRUE(decode(encoded({.first = 0x80 | opcode, .payload = std::string(125, 'x')}), 0));
    EXPECT_EQ(error_of({.first = 0x80 | opcode, .payload = std::string(126, 'x')}),
              FrameError::control_frame);
    EXPECT_EQ(error_of({.first = opcode}), FrameError::control_frame);
  }
}

TEST(Frame, RefusesALengthThatHasAShorterForm) {
  EXPECT_EQ(error_of({.payload = std::string(125, 'x'), .length_form = 16}),
            FrameError::length_form);
  EXPECT_EQ(error_of({.payload = std::string(65535, 'x'), .length_form = 64}),
            FrameError::length_form);
}

TEST(Frame, RefusesALengthOfTwoToThe63AndMore) {
  Bytes frame = encoded({.first = 0x82, .length_form = 64});
  for (const int top : {0x80, 0xff}) {
    frame[2] = std::byte(top);
    EXPECT_EQ(decode(frame, ~std::uint64_t(0)).error(), FrameError::length_form);
  }
  frame[2] = std::byte(0x7f);
  EXPECT_TRUE(decode(frame, ~std::uint64_t(0)));
}

TEST(Frame, JudgesTheLimitOnTheHeaderAlone) {
  const Bytes frame = encoded({.payload = std::string(1000, 'x')});
  const auto header = std::span(frame).first(8);
  EXPECT_TRUE(decode(header, 1000));
  EXPECT_EQ(decode(header, 999).error(), FrameError::oversized);
  EXPECT_EQ(close_code_of(FrameError::oversized), CloseCode::too_big);
  EXPECT_EQ(close_code_of(FrameError::unmasked), CloseCode::protocol_error);
}

TEST_F(Frames, AreBuiltAroundPayloadsOfEveryHeaderSize) {
  for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 5000u, 65535u, 65536u, 70000u}) {
    const std::string payload(size, 'p');
    out_.append("before");
    const std::size_t begin = begin_frame(out_);
    out_.append(payload);
    end_frame(out_, begin, Opcode::text);
    const std::string built = text_of(out_.finish().bytes());

    append_frame(out_, Opcode::text, std::as_bytes(std::span(payload)));
    EXPECT_EQ(built, "before" + text_of(out_.finish().bytes())) << size;
    EXPECT_EQ(built.substr(built.size() - size), payload);
  }
}

TEST_F(Frames, FollowEachOtherInOneBuilder) {
  for (const std::string_view text : {"one", "two"}) {
    const std::size_t begin = begin_frame(out_);
    out_.append(text);
    end_frame(out_, begin, Opcode::binary);
  }
  EXPECT_EQ(text_of(out_.bytes()), "\x82\x03one\x82\x03two");
}

TEST_F(Frames, CloseWithACodeAndAReason) {
  append_close(out_, CloseCode::draining, "later");
  EXPECT_EQ(text_of(out_.bytes()), std::string("\x88\x07\x11\x97later"));
  out_.clear();
  append_close(out_, CloseCode::no_status, "not sent");
  EXPECT_EQ(text_of(out_.bytes()), std::string("\x88\x00", 2));
}

TEST_F(Frames, CutACloseReasonBetweenTwoCharacters) {
  for (std::size_t ascii = 118; ascii <= 124; ++ascii) {
    out_.clear();
    append_close(out_, CloseCode::normal, std::string(ascii, 'a') + "\xe2\x82\xac\xe2\x82\xac");
    const std::string reason = text_of(out_.bytes()).substr(4);
    EXPECT_LE(reason.size(), close_reason_bytes_max);
    EXPECT_GT(reason.size(), close_reason_bytes_max - 3);
    EXPECT_TRUE(is_utf8(reason)) << ascii;
    EXPECT_EQ(out_.size(), reason.size() + 4);
  }
}

TEST(CloseCodes, MayBeOnTheWireOnlyIfTheRfcAllowsThem) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999})
    EXPECT_TRUE(is_valid_on_the_wire(std::uint16_t(code))) << code;
  for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    EXPECT_FALSE(is_valid_on_the_wire(std::uint16_t(code))) << code;
}

TEST(CloseCodes, HaveOneRowEachWithAReasonThatFits) {
  for (const CloseCodeRow& row : close_codes) {
    EXPECT_EQ(find_close_code(row.code), &row);
    EXPECT_LE(row.meaning.size(), close_reason_bytes_max) << row.name;
    EXPECT_TRUE(is_utf8(row.meaning));
  }
  EXPECT_EQ(find_close_code(CloseCode(4999)), nullptr);
  EXPECT_EQ(name_of(CloseCode(4999)), "other");
}

TEST(CloseCodes, TellByTheirRangeWhetherToComeBack) {
  for (const CloseCodeRow& row : close_codes) {
    const int code = int(row.code);
    if (code >= 4400 && code < 4500) {
      EXPECT_TRUE(row.come_back == ComeBack::never || row.come_back == ComeBack::with_fresh_token);
    }
    if (code >= 4500) {
      EXPECT_NE(row.come_back, ComeBack::never) << code;
    }
  }
}

}  // namespace
}  // namespace ringroom::proto
