#include "proto/deflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>

#include "proto/bounds.h"
#include "proto/frame.h"
#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

constexpr std::uint64_t limit = 1 << 20;

// zlib as peers use it: raw, flushed at the end, the flush's 00 00 ff ff taken off.
std::string deflated(std::string_view text, int window_bits = 15, int zlib_level = 6,
                     int strategy = Z_DEFAULT_STRATEGY, int flush = Z_SYNC_FLUSH) {
  z_stream zlib{};
  EXPECT_EQ(deflateInit2(&zlib, zlib_level, Z_DEFLATED, -window_bits, 8, strategy), Z_OK);
  std::string out(text.size() + text.size() / 8 + 1024, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  deflate(&zlib, flush);
  EXPECT_EQ(zlib.avail_in, 0u);
  out.resize(out.size() - zlib.avail_out);
  deflateEnd(&zlib);
  if (flush == Z_FINISH) return out + '\0';
  EXPECT_TRUE(out.ends_with(std::string_view("\0\0\xff\xff", 4)));
  return out.substr(0, out.size() - 4);
}

// A peer with a window of its own size; "?" if it cannot read the payload.
std::string inflated_by_zlib(std::string payload, int window_bits = 15) {
  payload += std::string_view("\0\0\xff\xff", 4);
  z_stream zlib{};
  EXPECT_EQ(inflateInit2(&zlib, -window_bits), Z_OK);
  zlib.next_in = reinterpret_cast<Bytef*>(payload.data());
  zlib.avail_in = static_cast<uInt>(payload.size());
  std::string out;
  std::string piece(70'000, '\0');
  int verdict = Z_OK;
  do {
    zlib.next_out = reinterpret_cast<Bytef*>(piece.data());
    zlib.avail_out = static_cast<uInt>(piece.size());
    verdict = inflate(&zlib, Z_SYNC_FLUSH);
    out.append(piece, 0, piece.size() - zlib.avail_out);
  } while (verdict == Z_OK && zlib.avail_out == 0);
  inflateEnd(&zlib);
  return verdict == Z_OK || verdict == Z_STREAM_END || verdict == Z_BUF_ERROR ? out : "?";
}

std::string noise(std::size_t bytes) {
  std::mt19937 random(static_cast<unsigned>(bytes));
  std::string out;
  while (out.size() < bytes) out.push_back(static_cast<char>(random() & 0xff));
  return out;
}

std::string prose(std::size_t bytes) {
  std::mt19937 random(7);
  static constexpr std::string_view words[] = {
      "room ", "core ", "turn ", "\"price\":", "letter", "message ", "b\xc3\xa4r "};
  std::string out;
  while (out.size() < bytes) out += words[random() % std::size(words)];
  // Between two characters.
  while (out.size() > bytes || (!out.empty() && (out.back() & 0xc0) == 0xc0)) out.pop_back();
  out.resize(bytes, '.');
  return out;
}

class Inflating : public testing::Test {
 protected:
  // The text, or the code it is refused with.
  std::string inflated(const std::string& payload, std::uint64_t bytes_max = limit,
                       Opcode opcode = Opcode::binary) {
    // In memory of its own size, so that a sanitizer sees every step aside.
    auto copy = std::make_unique<std::byte[]>(payload.size());
    std::memcpy(copy.get(), payload.data(), payload.size());
    const auto result = inflater_.inflate({.opcode = opcode,
                                           .payload = {copy.get(), payload.size()},
                                           .close_code = CloseCode::no_status,
                                           .coding = Coding::deflated},
                                          bytes_max);
    if (!result) return "error:" + std::to_string(int(result.error()));
    EXPECT_EQ(result->opcode, opcode);
    EXPECT_EQ(result->coding, Coding::plain);
    // Readable behind: a sanitizer knows.
    std::byte sum{};
    for (std::size_t i = 0; i < readable_behind_bytes; ++i)
      sum ^= *(result->payload.data() + result->payload.size() + i);
    last_sum_ = sum;
    return text_of(result->payload);
  }

  alloc::CoreHeap memory_;
  Inflater inflater_{memory_};
  std::byte last_sum_{};
};

TEST_F(Inflating, ReadsTheExamplesOfTheRfc) {
  EXPECT_EQ(inflated("\xf2\x48\xcd\xc9\xc9\x07" + std::string(1, '\0')), "Hello");
  EXPECT_EQ(inflated(std::string("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11)), "Hello");
  // A final block, then the begun empty one.
  EXPECT_EQ(inflated(std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8)), "Hello");
  // Two blocks in one message.
  EXPECT_EQ(inflated(std::string("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13)),
            "Hello");
  // An empty message; the second form is what a compressor gives that is flushed again.
  EXPECT_EQ(inflated(std::string(1, '\0')), "");
  EXPECT_EQ(inflated(""), "");
}

TEST_F(Inflating, ReadsWhatZlibWritesInAnyWindowLevelAndStrategy) {
  for (const std::size_t size : {0u, 1u, 2u, 16u, 255u, 4096u, 16384u, 65537u, 131072u, 1u << 20})
    for (const std::string& text : {prose(size), noise(size), std::string(size, 'a')})
      for (const int window_bits : {9, 12, 15})
        EXPECT_EQ(inflated(deflated(text, window_bits, size % 2 == 0 ? 1 : 9)), text) << size;
  const std::string text = prose(10'000);
  for (int window_bits = 9; window_bits <= 15; ++window_bits)
    for (int zlib_level = 0; zlib_level <= 9; ++zlib_level)
      for (const int strategy : {Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED})
        ASSERT_EQ(inflated(deflated(text, window_bits, zlib_level, strategy)), text);
}

TEST_F(Inflating, GoesOnBehindFinalBlocks) {
  const std::string final = deflated("Hello", 15, 6, Z_DEFAULT_STRATEGY, Z_FINISH);
  const std::string bare = final.substr(0, final.size() - 1);
  EXPECT_EQ(inflated(final), "Hello");
  EXPECT_EQ(inflated(bare + bare + final), "HelloHelloHello");
  EXPECT_EQ(inflated(bare + deflated(", world")), "Hello, world");
  // Without the byte behind it the flush is read as a block that never ends.
  EXPECT_EQ(inflated(bare), "error:1007");
}

TEST_F(Inflating, AdmitsWhatTheLimitAdmitsAndNoByteMore) {
  for (const std::size_t size : {0u, 1u, 100u, 16383u, 16384u, 16385u, 65536u})
    for (const std::string& text : {prose(size), noise(size), std::string(size, '\0')}) {
      EXPECT_EQ(inflated(deflated(text), size), text) << size;
      EXPECT_EQ(inflated(deflated(text + 'x'), size), "error:1009") << size;
    }
}

TEST_F(Inflating, StopsABombAtTheLimitAndLetsItsMemoryGo) {
  const std::string bomb = deflated(std::string(64 << 20, '\0'), 15, 9);
  EXPECT_LT(bomb.size(), 70'000u);
  EXPECT_EQ(inflated(bomb, 65536), "error:1009");
  EXPECT_LE(inflater_.output_bytes_reserved(), 4u * 65536);
  EXPECT_EQ(inflated(bomb, 1 << 20), "error:1009");
  EXPECT_LE(inflater_.output_bytes_reserved(), 3u << 20);
  inflater_.release_large();
  EXPECT_LE(inflater_.output_bytes_reserved(), pooled_buffer_bytes_max);
  EXPECT_EQ(inflated(deflated("after it")), "after it");
}

TEST_F(Inflating, IsNotTrickedByManyFinalBlocks) {
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += std::string("\x03\x00", 2);  // empty, fixed, final
  EXPECT_EQ(inflated(many + '\0'), "");
}

TEST_F(Inflating, RefusesWhatIsNoStream) {
  for (const std::string_view bad :
       {std::string_view("\xff"), std::string_view("\x07"), std::string_view("\x06\x00", 2),
        std::string_view("\x00\x05\x00\x00\x00hello", 10), std::string_view("Hello"),
        std::string_view("\x02\x02\x00", 3)})
    EXPECT_EQ(inflated(std::string(bad)), "error:1007");
  EXPECT_EQ(inflated(deflated("and goes on with the next")), "and goes on with the next");
}

TEST_F(Inflating, NeverTakesAMessageThatWasCutForAWholeOne) {
  for (const std::string& text : {prose(600), noise(600), std::string(600, 'x')}) {
    const std::string payload = deflated(text);
    for (std::size_t cut = 1; cut < payload.size(); ++cut)
      EXPECT_NE(inflated(payload.substr(0, cut)), text) << cut;
    EXPECT_EQ(inflated(payload.substr(0, payload.size() / 2)), "error:1007");
  }
}

TEST_F(Inflating, LooksForUtf8InTextsOnly) {
  EXPECT_EQ(inflated(deflated("\xff"), limit, Opcode::binary), "\xff");
  EXPECT_EQ(inflated(deflated("\xff"), limit, Opcode::text), "error:1007");
  EXPECT_EQ(inflated(deflated("b\xc3"), limit, Opcode::text), "error:1007");
  EXPECT_EQ(inflated(deflated("b\xc3\xa4r"), limit, Opcode::text), "b\xc3\xa4r");
}

class Deflating : public Inflating {
 protected:
  struct Sent {
    bool compressed;
    std::string payload;  // as it is on the wire
  };
  Sent sent(std::string_view text, Opcode opcode = Opcode::text, std::uint8_t window_bits = 15) {
    out_.clear();
    const std::size_t bytes =
        deflater_.append_frame(out_, opcode, std::as_bytes(std::span(text)), window_bits);
    const auto first = std::to_integer<unsigned>(out_.data()[0]);
    EXPECT_EQ(first & 0xbf, 0x80u | unsigned(opcode));
    const bool compressed = (first & 0x40) != 0;
    const std::size_t payload_bytes = compressed ? bytes : text.size();
    EXPECT_EQ(bytes > 0, compressed);
    const auto header = encode({.opcode = opcode,
                                .final = true,
                                .compressed = compressed,
                                .payload_bytes = payload_bytes});
    EXPECT_EQ(out_.size(), header.size_bytes + payload_bytes);
    EXPECT_TRUE(std::equal(header.view().begin(), header.view().end(), out_.bytes().begin()));
    return {compressed, text_of(out_.bytes().last(payload_bytes))};
  }

  alloc::BlockHeap heap_{memory_};
  alloc::BlockBuilder out_{heap_};
  Deflater deflater_{256};
};

TEST_F(Deflating, WritesWhatZlibReads) {
  for (const std::size_t size :
       {256u, 257u, 1000u, 4096u, 16384u, 65535u, 65536u, 131072u, 1u << 20})
    for (const std::string& text : {prose(size), std::string(size, 'a')}) {
      const Sent frame = sent(text);
      EXPECT_TRUE(frame.compressed);
      EXPECT_LT(frame.payload.size(), size);
      EXPECT_EQ(inflated_by_zlib(frame.payload), text);
      EXPECT_EQ(inflated(frame.payload), text);
    }
}

TEST_F(Deflating, LeavesShortMessagesAsTheyAre) {
  for (const std::size_t size : {0u, 1u, 2u, 255u}) {
    const std::string text(size, 'a');
    EXPECT_FALSE(sent(text).compressed);
    EXPECT_EQ(sent(text).payload, text);
  }
  EXPECT_TRUE(sent(std::string(256, 'a')).compressed);
  Deflater eager(0);
  for (std::size_t size = 0; size < 100; ++size) {
    out_.clear();
    const std::string text(size, 'a');
    const std::size_t bytes =
        eager.append_frame(out_, Opcode::binary, std::as_bytes(std::span(text)), 15);
    if (bytes > 0) {
      EXPECT_LT(bytes, size);
      EXPECT_EQ(inflated(text_of(out_.bytes().last(bytes))), text);
    }
  }
}

TEST_F(Deflating, SendsWhatDoesNotShrinkAsItIs) {
  for (const std::size_t size : {256u, 5000u, 100'000u}) {
    const std::string bytes = noise(size);
    const Sent frame = sent(bytes, Opcode::binary);
    EXPECT_FALSE(frame.compressed);
    EXPECT_EQ(frame.payload, bytes);
  }
}

TEST_F(Deflating, StaysWithinTheWindowOfThePeer) {
  for (std::uint8_t bits = 8; bits < 15; ++bits) {
    const std::size_t window = std::size_t{1} << bits;
    const std::string text = prose(window);
    const Sent frame = sent(text, Opcode::text, bits);
    EXPECT_TRUE(frame.compressed);
    EXPECT_EQ(inflated_by_zlib(frame.payload, bits), text) << int(bits);
    EXPECT_FALSE(sent(text + '.', Opcode::text, bits).compressed);
  }
}

TEST_F(Deflating, FollowsOtherFramesInOneBuilder) {
  out_.append("before");
  const std::string text = prose(2000);
  const std::size_t bytes =
      deflater_.append_frame(out_, Opcode::text, std::as_bytes(std::span(text)), 15);
  EXPECT_EQ(out_.text().substr(0, 6), "before");
  EXPECT_EQ(inflated(text_of(out_.bytes().last(bytes))), text);
  const std::size_t before = out_.size();
  const std::string bad = noise(2000);
  EXPECT_EQ(deflater_.append_frame(out_, Opcode::binary, std::as_bytes(std::span(bad)), 15), 0u);
  EXPECT_EQ(out_.size(), before + 4 + bad.size());
}

TEST_F(Deflating, StopsTryingForAWhileAndTellsTextsFromBinaries) {
  for (std::uint32_t i = 0; i < DeflateTrial::failures_max; ++i) sent(noise(300), Opcode::binary);
  EXPECT_FALSE(sent(prose(300), Opcode::binary).compressed);
  EXPECT_TRUE(sent(prose(300), Opcode::text).compressed);
  for (std::uint32_t i = 1; i < DeflateTrial::rest_messages_min; ++i)
    EXPECT_FALSE(sent(prose(300), Opcode::binary).compressed);
  EXPECT_TRUE(sent(prose(300), Opcode::binary).compressed);
}

// How many messages pass untried before the next trial.
std::uint32_t rest_of(DeflateTrial& trial) {
  std::uint32_t messages = 0;
  while (!trial.is_worth_trying()) ++messages;
  return messages;
}

TEST(DeflateTrials, RestAfterEightFailuresTwiceAsLongEachTime) {
  DeflateTrial trial;
  for (std::uint32_t i = 0; i < DeflateTrial::failures_max; ++i) {
    EXPECT_EQ(rest_of(trial), 0u);
    trial.tell(false);
  }
  for (const std::uint32_t rest : {64u, 128u, 256u, 512u, 1024u, 1024u}) {
    EXPECT_EQ(rest_of(trial), rest);
    trial.tell(false);
  }
  rest_of(trial);
  trial.tell(true);
  for (std::uint32_t i = 0; i < DeflateTrial::failures_max; ++i) {
    EXPECT_EQ(rest_of(trial), 0u);
    trial.tell(false);
  }
  EXPECT_EQ(rest_of(trial), DeflateTrial::rest_messages_min);
}

TEST(DeflateTrials, GoOnWhileSomeMessagesShrink) {
  DeflateTrial trial;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(trial.is_worth_trying());
    trial.tell(i % 8 == 0);
  }
}

}  // namespace
}  // namespace ringroom::proto
