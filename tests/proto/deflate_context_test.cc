#include "proto/deflate_context.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "proto/bounds.h"
#include "proto/zlib_stream.h"
#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

constexpr std::uint64_t limit = 1 << 20;

// A peer that keeps its context too: one zlib stream in each direction, from its first message on.
class Peer {
 public:
  Peer(int read_bits, int write_bits) {
    EXPECT_EQ(inflateInit2(&read_, -read_bits), Z_OK);
    EXPECT_EQ(deflateInit2(&write_, 6, Z_DEFLATED, -write_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  }
  ~Peer() {
    inflateEnd(&read_);
    deflateEnd(&write_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // "?" if it cannot read it.
  std::string reads(std::string payload) {
    payload += std::string_view("\0\0\xff\xff", 4);
    read_.next_in = reinterpret_cast<Bytef*>(payload.data());
    read_.avail_in = static_cast<uInt>(payload.size());
    std::string out, piece(70'000, '\0');
    do {
      read_.next_out = reinterpret_cast<Bytef*>(piece.data());
      read_.avail_out = static_cast<uInt>(piece.size());
      const int verdict = inflate(&read_, Z_SYNC_FLUSH);
      if (verdict != Z_OK && verdict != Z_BUF_ERROR) return "?";
      out.append(piece, 0, piece.size() - read_.avail_out);
    } while (read_.avail_out == 0);
    return out;
  }

  std::string writes(std::string_view text) {
    std::string out(text.size() + text.size() / 8 + 1024, '\0');
    write_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    write_.avail_in = static_cast<uInt>(text.size());
    write_.next_out = reinterpret_cast<Bytef*>(out.data());
    write_.avail_out = static_cast<uInt>(out.size());
    deflate(&write_, Z_SYNC_FLUSH);
    out.resize(out.size() - write_.avail_out);
    return out.substr(0, out.size() - std::min<std::size_t>(out.size(), 4));
  }
  // Ends the stream with a final block and goes on with its window: what zlib's own deflate never
  // does, and the RFC does not forbid. `history`: the plain bytes that a later message refers to.
  std::string writes_final(std::string_view text, const std::string& history) {
    z_stream zlib{};
    EXPECT_EQ(deflateInit2(&zlib, 6, Z_DEFLATED, -13, 8, Z_DEFAULT_STRATEGY), Z_OK);
    if (!history.empty()) {
      EXPECT_EQ(deflateSetDictionary(&zlib, reinterpret_cast<const Bytef*>(history.data()),
                                     static_cast<uInt>(history.size())),
                Z_OK);
    }
    std::string out(text.size() + 1024, '\0');
    zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    zlib.avail_in = static_cast<uInt>(text.size());
    zlib.next_out = reinterpret_cast<Bytef*>(out.data());
    zlib.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    out.resize(out.size() - zlib.avail_out);
    deflateEnd(&zlib);
    return out + '\0';
  }

 private:
  z_stream read_{}, write_{};
};

std::string noise(std::size_t bytes, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string out;
  while (out.size() < bytes) out.push_back(static_cast<char>(random() & 0xff));
  return out;
}

// One of many messages of a kind.
std::string quote(std::size_t bytes, unsigned number) {
  std::mt19937 random(number);
  std::string out = R"({"type":"quote","number":)" + std::to_string(number);
  while (out.size() < bytes)
    out += R"(,{"symbol":"DE000)" + std::to_string(random() % 90 + 10) + R"(","price":)" +
           std::to_string(random() % 1000) + "}";
  out.resize(bytes, '}');
  return out;
}

class Contexts : public testing::Test {
 protected:
  void open(const DeflateAgreement& agreement, std::size_t bytes_min = 0) {
    context_ = std::make_unique<DeflateContext>(memory_, agreement, bytes_min);
  }

  struct Sent {
    bool compressed;
    std::string payload;
  };
  Sent sent(std::string_view text, Opcode opcode = Opcode::text) {
    out_.clear();
    const std::size_t bytes = context_->append_frame(out_, opcode, std::as_bytes(std::span(text)));
    const bool compressed = (std::to_integer<unsigned>(out_.data()[0]) & 0x40) != 0;
    EXPECT_EQ(bytes > 0, compressed);
    const OwnFrame frame = first_frame(out_.bytes());
    EXPECT_EQ(frame.opcode, opcode);
    EXPECT_EQ(frame.frame_bytes, out_.size());
    EXPECT_EQ(frame.payload.size(), compressed ? bytes : text.size());
    return {compressed, text_of(frame.payload)};
  }
  // What the peer has in the end.
  std::string heard(Peer& peer, std::string_view text, Opcode opcode = Opcode::text) {
    const Sent frame = sent(text, opcode);
    return frame.compressed ? peer.reads(frame.payload) : frame.payload;
  }

  std::string read(const std::string& payload, std::uint64_t bytes_max = limit) {
    auto copy = std::make_unique<std::byte[]>(payload.size());
    std::memcpy(copy.get(), payload.data(), payload.size());
    const auto result = inflater_.inflate({.opcode = Opcode::binary,
                                           .payload = {copy.get(), payload.size()},
                                           .close_code = CloseCode::no_status,
                                           .coding = Coding::deflated},
                                          bytes_max, context_->reading());
    return result ? text_of(result->payload) : "error:" + std::to_string(int(result.error()));
  }

  alloc::CoreHeap heap_;
  alloc::BlockHeap blocks_{heap_};
  alloc::BlockBuilder out_{blocks_};
  Inflater inflater_{heap_};
  StreamMemory memory_{heap_};
  std::unique_ptr<DeflateContext> context_;
};

TEST_F(Contexts, AreReadByAPeerOfEveryWindowInBothDirections) {
  for (std::uint8_t bits = 9; bits <= 15; ++bits) {
    const DeflateAgreement agreement{.server_window_bits = bits, .client_window_bits = bits};
    open(agreement);
    Peer peer(bits, read_window_bits(agreement));
    for (unsigned i = 0; i < 300; ++i) {
      const std::string text = quote(i * 37 % 5000, i);
      ASSERT_EQ(heard(peer, text), text) << int(bits) << " " << i;
      ASSERT_EQ(read(peer.writes(text)), text) << int(bits) << " " << i;
    }
    for (const std::size_t size : {0u, 1u, 65'535u, 65'536u, 1u << 20}) {
      const std::string text = quote(size, 7);
      ASSERT_EQ(heard(peer, text), text) << int(bits) << " " << size;
      ASSERT_EQ(read(peer.writes(text)), text) << int(bits) << " " << size;
    }
  }
}

TEST_F(Contexts, MakeARepeatedMessageTwentyTimesSmaller) {
  open({});
  Peer peer(15, 15);
  const std::string text = quote(1024, 1);
  const Sent first = sent(text);
  EXPECT_EQ(peer.reads(first.payload), text);
  for (int i = 0; i < 100; ++i) {
    const Sent again = sent(text);
    EXPECT_LE(20 * again.payload.size(), first.payload.size() * 20 / 10);
    EXPECT_LE(again.payload.size(), 24u);
    EXPECT_EQ(peer.reads(again.payload), text);
  }
}

TEST_F(Contexts, MakeMessagesOfOneKindClearlySmallerThanEachAlone) {
  open({});
  Deflater alone(0);
  std::size_t kept_bytes = 0, alone_bytes = 0;
  for (unsigned i = 0; i < 200; ++i) {
    const std::string text = quote(1024, i);
    kept_bytes += sent(text).payload.size();
    out_.clear();
    alone_bytes += alone.append_frame(out_, Opcode::text, std::as_bytes(std::span(text)), 15);
  }
  EXPECT_LT(kept_bytes * 10, alone_bytes * 8);
}

TEST_F(Contexts, SendWhatDoesNotShrinkAsItIsAndGoOn) {
  open({});
  Peer peer(15, 15);
  for (unsigned i = 0; i < 200; ++i) {
    const std::string text = quote(1000, i);
    EXPECT_EQ(heard(peer, text), text);
    const Sent frame = sent(noise(3000, i), Opcode::binary);
    EXPECT_FALSE(frame.compressed);
    EXPECT_EQ(frame.payload, noise(3000, i));
  }
  // Of every length around the shortest that can shrink.
  for (std::size_t size = 0; size < 64; ++size) {
    EXPECT_EQ(heard(peer, std::string(size, 'a')), std::string(size, 'a'));
    EXPECT_EQ(heard(peer, noise(size, 5)), noise(size, 5));
  }
}

TEST_F(Contexts, LeaveMessagesBelowTheThresholdAlone) {
  open({}, 256);
  EXPECT_FALSE(sent(std::string(255, 'a')).compressed);
  EXPECT_TRUE(sent(std::string(256, 'a')).compressed);
}

TEST_F(Contexts, StayReadableAfterAMessageThatWasNotSent) {
  open({});
  Peer peer(15, 15);
  for (unsigned i = 0; i < 100; ++i) {
    EXPECT_EQ(heard(peer, quote(1000, i)), quote(1000, i));
    EXPECT_TRUE(sent(quote(1000, i + 1)).compressed);  // and refused
    context_->forget_written();
  }
}

TEST_F(Contexts, HoldMemoryFromTheFirstMessageOnAndNoMoreThanIsSaid) {
  open({.client_window_bits = 15});
  EXPECT_EQ(memory_.bytes(), 0u);
  sent(quote(1000, 1));
  const std::size_t written_bytes = memory_.bytes();
  EXPECT_LE(written_bytes, 54u * 1024);
  Peer peer(15, 13);
  for (unsigned i = 0; i < 20; ++i) read(peer.writes(quote(3000, i)));
  EXPECT_LE(memory_.bytes() - written_bytes, 16u * 1024);
  open({});  // a client that chooses its window itself
  EXPECT_EQ(memory_.bytes(), 0u);
  Peer large(15, 15);
  for (unsigned i = 0; i < 20; ++i) read(large.writes(quote(3000, i)));
  EXPECT_GT(memory_.bytes(), 32u * 1024);
  EXPECT_LE(memory_.bytes(), 40u * 1024);
  context_.reset();
  EXPECT_EQ(memory_.bytes(), 0u);
}

TEST_F(Contexts, ReadNothingKeptOfAClientThatStartsAfresh) {
  open({.client_starts_afresh = true});
  EXPECT_EQ(context_->reading(), nullptr);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(read(Peer(15, 15).writes("Hello")), "Hello");
  EXPECT_EQ(memory_.bytes(), 0u);
}

TEST_F(Contexts, ReadOnBehindFinalBlocksWithTheWindowAsItWas) {
  open({});
  Peer peer(15, 15);
  const std::string first = quote(2000, 1), second = quote(2000, 2);
  EXPECT_EQ(read(peer.writes_final(first, "")), first);
  // Refers to the first, which another stream had written.
  const std::string refers = peer.writes_final(first, first);
  EXPECT_LT(refers.size(), 40u);
  EXPECT_EQ(read(refers), first);
  EXPECT_EQ(read(peer.writes_final(second, first + first)), second);
}

TEST_F(Contexts, RefuseAReferenceBeyondWhatTheyHaveRead) {
  const std::string first = quote(2000, 1);
  const std::string refers = Peer(15, 15).writes_final(first, first);
  open({});
  EXPECT_EQ(read(refers), "error:1007");
  // Farther back than the window that was agreed.
  const DeflateAgreement small{.client_window_bits = 9};
  open(small);
  Peer peer(15, 15);
  const std::string far = noise(600);
  EXPECT_EQ(read(peer.writes(far)), far);
  EXPECT_EQ(read(peer.writes(noise(20'000, 2))), noise(20'000, 2));
  EXPECT_EQ(read(peer.writes(far)), "error:1007");
}

TEST_F(Contexts, StopABombAtTheLimit) {
  open({});
  Peer peer(15, 15);
  EXPECT_EQ(read(peer.writes("before"), 65'536), "before");
  EXPECT_EQ(read(peer.writes(std::string(65'536, 'x')), 65'536), std::string(65'536, 'x'));
  EXPECT_EQ(read(peer.writes(std::string(8 << 20, 'x')), 65'536), "error:1009");
  EXPECT_LE(inflater_.output_bytes_reserved(), 4u * 65'536);
}

TEST_F(Contexts, NeverTakeAStreamThatWasCutForAWholeOne) {
  const std::string first = quote(700, 1), second = quote(700, 2);
  Peer peer(15, 15);
  const std::string one = peer.writes(first), two = peer.writes(second);
  for (std::size_t cut = 1; cut < two.size(); ++cut) {
    open({});
    ASSERT_EQ(read(one), first);
    ASSERT_NE(read(two.substr(0, cut)), second) << cut;
  }
  open({});
  EXPECT_EQ(read(one), first);
  EXPECT_EQ(read(two), second);
}

}  // namespace
}  // namespace ringroom::proto
