#include "proto/message.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/proto/client_frame.h"

namespace ringroom::proto {
namespace {

constexpr std::uint64_t limit = 256 * 1024;

// What came out of a stream of bytes, as text: "text:hello", "close:1000:bye", "error:1002".
std::string shown(const Message& message) {
  if (message.coding == Coding::deflated) {
    Message plain = message;
    plain.coding = Coding::plain;
    return "deflated " + shown(plain);
  }
  switch (message.opcode) {
    case Opcode::text:
      return "text:" + text_of(message.payload);
    case Opcode::binary:
      return "binary:" + text_of(message.payload);
    case Opcode::ping:
      return "ping:" + text_of(message.payload);
    case Opcode::pong:
      return "pong:" + text_of(message.payload);
    case Opcode::close:
      return "close:" + std::to_string(int(message.close_code)) + ":" + text_of(message.payload);
    case Opcode::continuation:
      break;
  }
  return "?";
}

using Shown = std::vector<std::string>;

class Messages : public testing::TestWithParam<MessagePool::Shortcut> {
 protected:
  // Feeds pieces that lie in memory of their own size, so that a sanitizer sees every step aside.
  void feed(std::span<const std::byte> piece, std::uint64_t message_bytes_max = limit) {
    if (failed_) return;
    auto copy = std::make_unique<std::byte[]>(piece.size() + readable_behind_bytes);
    std::copy(piece.begin(), piece.end(), copy.get());
    std::span<std::byte> received(copy.get(), piece.size());
    for (;;) {
      const auto step = reader_.next(received, pool_, message_bytes_max, accepted_);
      if (!step) {
        shown_.push_back("error:" + std::to_string(int(step.error())));
        failed_ = true;
        reader_.reset();
        return;
      }
      if (!step->has_value()) break;
      shown_.push_back(shown(**step));
    }
    EXPECT_TRUE(received.empty());
  }

  Shown take() {
    failed_ = false;
    reader_.reset();
    EXPECT_EQ(pool_.lent_count(), 0u);
    return std::exchange(shown_, {});
  }

  Shown whole(const Bytes& bytes, std::uint64_t message_bytes_max = limit) {
    feed(bytes, message_bytes_max);
    return take();
  }
  Shown byte_by_byte(const Bytes& bytes, std::uint64_t message_bytes_max = limit) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      feed(std::span(bytes).subspan(i, 1), message_bytes_max);
    return take();
  }
  void expect_error(const Bytes& bytes, CloseCode code, std::uint64_t message_bytes_max = limit) {
    const Shown wanted{"error:" + std::to_string(int(code))};
    EXPECT_EQ(whole(bytes, message_bytes_max), wanted);
    EXPECT_EQ(byte_by_byte(bytes, message_bytes_max), wanted);
  }

  alloc::CoreHeap memory_;
  MessagePool pool_{memory_, GetParam()};
  Coding accepted_ = Coding::plain;
  MessageReader reader_;
  Shown shown_;
  bool failed_ = false;
};

TEST_P(Messages, AreTheSameWhereverTheBytesAreCut) {
  Bytes stream = text_frame("hello");
  stream += encoded({.first = 0x82, .payload = std::string(300, 'b')});
  stream += encoded({.first = 0x89, .payload = "p"});
  stream += encoded({.first = 0x01, .payload = "frag"});
  stream += encoded({.first = 0x89, .payload = "between"});
  stream += encoded({.first = 0x00, .payload = ""});
  stream += encoded({.first = 0x80, .payload = "ments \xe2\x82\xac"});
  stream += encoded({.first = 0x82, .payload = std::string(1500, 'l')});
  stream += text_frame("");
  stream += encoded({.first = 0x8a, .payload = ""});
  stream += encoded({.first = 0x88,
                     .payload = "\x03\xe8"
                                "bye"});
  const Shown wanted{"text:hello",
                     "binary:" + std::string(300, 'b'),
                     "ping:p",
                     "ping:between",
                     "text:fragments \xe2\x82\xac",
                     "binary:" + std::string(1500, 'l'),
                     "text:",
                     "pong:",
                     "close:1000:bye"};
  EXPECT_EQ(whole(stream), wanted);
  EXPECT_EQ(byte_by_byte(stream), wanted);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    feed(std::span(stream).first(cut));
    feed(std::span(stream).subspan(cut));
    ASSERT_EQ(take(), wanted) << "cut at " << cut;
  }
}

TEST_P(Messages, OfEverySizeAroundTheBoundsOfLengthAndBuffers) {
  for (const std::size_t size :
       {0u, 1u, 125u, 126u, 127u, 511u, 512u, 513u, 4095u, 4096u, 4097u, 65535u, 65536u, 200000u}) {
    std::string payload(size, ' ');
    for (std::size_t i = 0; i < size; ++i) payload[i] = char('a' + i * 7 % 26);
    const Bytes frame = text_frame(payload);
    EXPECT_EQ(whole(frame), Shown{"text:" + payload}) << size;
    for (const std::size_t piece : {1000u, 4096u}) {
      for (std::size_t at = 0; at < frame.size(); at += piece)
        feed(std::span(frame).subspan(at, std::min(piece, frame.size() - at)));
      EXPECT_EQ(take(), Shown{"text:" + payload}) << size << " in pieces of " << piece;
    }
  }
}

TEST_P(Messages, ThatAnUnmaskedClientSendsAreRefused) {
  expect_error(encoded({.payload = "x", .masked = false}), CloseCode::protocol_error);
  expect_error(encoded({.first = 0x89, .masked = false}), CloseCode::protocol_error);
  // The frame that made another server read out of bounds.
  expect_error(bytes_of("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), CloseCode::protocol_error);
}

TEST_P(Messages, WithReservedBitsOrOpcodesAreRefused) {
  for (const int first : {0xc1, 0xa1, 0x91, 0xf1, 0xc2, 0xc9, 0x99, 0xa8, 0x83, 0x87, 0x8b, 0x8f})
    expect_error(encoded({.first = first, .payload = "x"}), CloseCode::protocol_error);
}

TEST_P(Messages, WithABadControlFrameAreRefused) {
  EXPECT_EQ(whole(encoded({.first = 0x89, .payload = std::string(125, 'p')})),
            Shown{"ping:" + std::string(125, 'p')});
  expect_error(encoded({.first = 0x89, .payload = std::string(126, 'p')}),
               CloseCode::protocol_error);
  for (const int first : {0x08, 0x09, 0x0a})
    expect_error(encoded({.first = first}), CloseCode::protocol_error);
}

TEST_P(Messages, WithANonMinimalOrHugeLengthAreRefused) {
  expect_error(encoded({.payload = "x", .length_form = 16}), CloseCode::protocol_error);
  expect_error(encoded({.payload = "x", .length_form = 64}), CloseCode::protocol_error);
  expect_error(encoded({.first = 0x89, .payload = "x", .length_form = 16}),
               CloseCode::protocol_error);
  Bytes huge = encoded({.first = 0x82, .length_form = 64});
  huge[2] = std::byte(0x80);
  expect_error(huge, CloseCode::protocol_error);
  huge[2] = std::byte(0x7f);
  expect_error(huge, CloseCode::too_big);
}

TEST_P(Messages, MustBeFragmentedInOrder) {
  expect_error(encoded({.first = 0x80, .payload = "x"}), CloseCode::protocol_error);
  expect_error(encoded({.first = 0x00, .payload = "x"}), CloseCode::protocol_error);
  Bytes twice = encoded({.first = 0x01, .payload = "x"});
  twice += encoded({.first = 0x82, .payload = "y"});
  expect_error(twice, CloseCode::protocol_error);
}

TEST_P(Messages, OverTheLimitAreRefusedOnTheHeader) {
  EXPECT_EQ(whole(text_frame(std::string(1000, 'x')), 1000).size(), 1u);
  const Bytes over = text_frame(std::string(1001, 'x'));
  expect_error(Bytes(over.begin(), over.begin() + 4), CloseCode::too_big, 1000);
  EXPECT_EQ(pool_.assembly_bytes(), 0u) << "not one byte of payload was stored";
}

TEST_P(Messages, OverTheLimitInTheirSumAreRefused) {
  Bytes parts = encoded({.first = 0x02, .payload = std::string(600, 'x')});
  parts += encoded({.first = 0x89, .payload = "control frames do not count"});
  parts += encoded({.first = 0x80, .payload = std::string(400, 'y')});
  EXPECT_EQ(whole(parts, 1000).size(), 2u);
  parts = encoded({.first = 0x02, .payload = std::string(600, 'x')});
  parts += encoded({.first = 0x80, .payload = std::string(401, 'y')});
  expect_error(parts, CloseCode::too_big, 1000);
}

TEST_P(Messages, StoreWhatArrivedAndNotWhatWasAnnounced) {
  const Bytes frame = text_frame(std::string(200000, 'x'));
  feed(std::span(frame).first(5000));
  EXPECT_LE(pool_.assembly_bytes(), 2 * 5000 + assembly_bytes_min);
  take();
}

TEST_P(Messages, InTooManyFragmentsAreRefusedBeforeTheyCostAnything) {
  Bytes stream = encoded({.first = 0x01, .payload = ""});
  for (std::uint64_t i = 1; i < message_fragments_free; ++i) stream += encoded({.first = 0x00});
  Bytes last = stream;
  last += encoded({.first = 0x80});
  feed(stream);
  feed(encoded({.first = 0x00}));
  EXPECT_EQ(take(), Shown{"error:1008"});
  Bytes fits(stream.begin(), stream.end() - 6);
  fits += encoded({.first = 0x80, .payload = "end"});
  EXPECT_EQ(whole(fits), Shown{"text:end"});
}

TEST_P(Messages, InManyFragmentsThatCarrySomethingAreFine) {
  Bytes stream = encoded({.first = 0x01, .payload = std::string(64, 'x')});
  for (int i = 0; i < 3000; ++i) stream += encoded({.first = 0, .payload = std::string(64, 'x')});
  stream += encoded({.first = 0x80});
  EXPECT_EQ(whole(stream), Shown{"text:" + std::string(3001 * 64, 'x')});
}

TEST_P(Messages, OfTextMustBeUtf8WhereverItIsCut) {
  for (const std::string_view bad : {"\xff", "ab\xc0\xaf", "\xed\xa0\x80", "cut \xe2\x82"})
    expect_error(text_frame(bad), CloseCode::invalid_payload);
  const std::string euros = "\xe2\x82\xac\xe2\x82\xac";
  for (std::size_t cut = 0; cut <= euros.size(); ++cut) {
    Bytes two = encoded({.first = 0x01, .payload = euros.substr(0, cut)});
    two += encoded({.first = 0x80, .payload = euros.substr(cut)});
    EXPECT_EQ(whole(two), Shown{"text:" + euros});
    EXPECT_EQ(byte_by_byte(two), Shown{"text:" + euros});
  }
  EXPECT_EQ(whole(encoded({.first = 0x82, .payload = "\xff"})), Shown{"binary:\xff"});
}

TEST_P(Messages, FailAtTheFirstBrokenByteOfText) {
  // In the middle of a frame that never ends, small and large.
  for (const std::size_t size : {100u, 3000u}) {
    Bytes frame = text_frame("good \xff" + std::string(size, 'x'));
    feed(std::span(frame).first(frame.size() - size));
    EXPECT_EQ(take(), Shown{"error:1007"}) << size;
  }
  // In a fragment, though the message goes on.
  feed(encoded({.first = 0x01, .payload = "\xf4"}));
  feed(encoded({.first = 0x00, .payload = "\x90"}));
  EXPECT_EQ(take(), Shown{"error:1007"});
}

TEST_P(Messages, OfCloseCarryAValidCodeAndReason) {
  EXPECT_EQ(whole(encoded({.first = 0x88})), Shown{"close:1005:"});
  EXPECT_EQ(whole(encoded({.first = 0x88, .payload = "\x03\xe8"})), Shown{"close:1000:"});
  EXPECT_EQ(whole(encoded({.first = 0x88, .payload = "\x0f\xa0" + std::string(123, 'r')})),
            Shown{"close:4000:" + std::string(123, 'r')});
  expect_error(encoded({.first = 0x88, .payload = "\x03"}), CloseCode::protocol_error);
  for (const std::string_view code :
       {std::string_view("\x00\x00", 2), std::string_view("\x03\xed"), std::string_view("\x03\xee"),
        std::string_view("\x03\xf7"), std::string_view("\x0b\xb7"), std::string_view("\x13\x88")})
    expect_error(encoded({.first = 0x88, .payload = std::string(code)}), CloseCode::protocol_error);
  expect_error(encoded({.first = 0x88, .payload = "\x03\xe8\xff"}), CloseCode::invalid_payload);
}

TEST_P(Messages, LeaveNothingLentWhenTheReaderIsIdle) {
  feed(text_frame("a"));
  EXPECT_TRUE(reader_.is_idle());
  EXPECT_EQ(pool_.lent_count(), 0u);
  const Bytes large = text_frame(std::string(20000, 'x'));
  feed(std::span(large).first(9000));
  EXPECT_EQ(pool_.lent_count(), 1u);
  feed(std::span(large).subspan(9000));
  EXPECT_EQ(pool_.lent_count(), 0u);
  feed(encoded({.first = 0x89, .payload = "ping"}));
  EXPECT_EQ(pool_.lent_count(), 0u);
}

TEST_P(Messages, OfAReaderThatGoesAwayInTheMiddleGiveTheirMemoryBack) {
  const Bytes frame = text_frame(std::string(300, 'x'));
  for (std::size_t cut = 0; cut < frame.size(); cut += 7) {
    MessageReader gone;
    Bytes piece(frame.begin(), frame.begin() + long(cut));
    std::span<std::byte> received(piece);
    EXPECT_TRUE(gone.next(received, pool_, limit));
  }
  EXPECT_EQ(pool_.lent_count(), 0u);
  EXPECT_EQ(whole(frame), Shown{"text:" + std::string(300, 'x')}) << "a used state is as good";
}

TEST_P(Messages, KeepLargeBuffersInThePoolWhileTheyAreFew) {
  const Bytes large = text_frame(std::string(200000, 'x'));
  std::size_t kept = 0;
  for (int i = 0; i < 3; ++i) {
    feed(std::span(large).first(150000));
    feed(std::span(large).subspan(150000));
    EXPECT_EQ(pool_.lent_count(), 0u);
    if (i == 0) kept = pool_.assembly_bytes();
    EXPECT_GE(kept, 200000u);
    EXPECT_EQ(pool_.assembly_bytes(), kept) << "one buffer for all of them";
    take();
  }
}

TEST_P(Messages, KeepNoLargerBuffersInThePoolThanItsShare) {
  const Bytes large = text_frame(std::string(pooled_messages_bytes_max, 'x'));
  feed(std::span(large).first(150000), large.size());
  feed(std::span(large).subspan(150000), large.size());
  EXPECT_EQ(pool_.lent_count(), 0u);
  EXPECT_LE(pool_.assembly_bytes(), pooled_buffer_bytes_max);
  take();
}

TEST_P(Messages, MoveWithTheirReader) {
  const Bytes frame = text_frame("moved along");
  Bytes piece(frame.begin(), frame.begin() + 9);
  std::span<std::byte> received(piece);
  MessageReader first;
  ASSERT_TRUE(first.next(received, pool_, limit));
  MessageReader second(std::move(first));
  Bytes rest(frame.begin() + 9, frame.end());
  received = rest;
  const auto step = second.next(received, pool_, limit);
  ASSERT_TRUE(step && step->has_value());
  EXPECT_EQ(shown(**step), "text:moved along");
}

TEST_P(Messages, ThatAreCompressedAreRefusedIfNothingWasAgreed) {
  for (const int first : {0xc1, 0xc2, 0x41, 0xc8, 0xc9, 0xca})
    expect_error(encoded({.first = first, .payload = "ab"}), CloseCode::protocol_error);
}

TEST_P(Messages, ThatAreCompressedComeAsTheyAreOnceAgreed) {
  accepted_ = Coding::deflated;
  // Not UTF-8: that is asked of what they hold.
  for (const std::string& payload :
       {std::string(), std::string("\xf2\xff"), std::string(70000, '\xff')}) {
    const Bytes frame = encoded({.first = 0xc1, .payload = payload});
    EXPECT_EQ(whole(frame), Shown{"deflated text:" + payload});
    if (payload.size() < 1000) {
      EXPECT_EQ(byte_by_byte(frame), Shown{"deflated text:" + payload});
    }
    EXPECT_EQ(whole(encoded({.first = 0xc2, .payload = payload})),
              Shown{"deflated binary:" + payload});
  }
  EXPECT_EQ(whole(text_frame("plain")), Shown{"text:plain"}) << "each message may choose";
  expect_error(text_frame("\xff"), CloseCode::invalid_payload);
}

TEST_P(Messages, ThatAreCompressedSayItOnTheirFirstFrameOnly) {
  accepted_ = Coding::deflated;
  Bytes fragments = encoded({.first = 0x41, .payload = "\xff"});
  fragments += encoded({.first = 0x89, .payload = "ping"});
  fragments += encoded({.first = 0x00});
  fragments += encoded({.first = 0x80, .payload = "\xfe"});
  const Shown wanted{"ping:ping", "deflated text:\xff\xfe"};
  EXPECT_EQ(whole(fragments), wanted);
  EXPECT_EQ(byte_by_byte(fragments), wanted);
  fragments += text_frame("next");
  EXPECT_EQ(whole(fragments), (Shown{"ping:ping", "deflated text:\xff\xfe", "text:next"}));

  for (const int first : {0xc0, 0x40}) {
    for (const int start : {0x01, 0x41}) {
      Bytes bad = encoded({.first = start, .payload = "a"});
      bad += encoded({.first = first, .payload = "b"});
      expect_error(bad, CloseCode::protocol_error);
    }
  }
  for (const int first : {0xc8, 0xc9, 0xca})
    expect_error(encoded({.first = first}), CloseCode::protocol_error);
  for (const int first : {0xe1, 0xd1, 0xa1})
    expect_error(encoded({.first = first}), CloseCode::protocol_error);
}

TEST_P(Messages, ThatAreCompressedMayBeALittleLongerOnTheWire) {
  accepted_ = Coding::deflated;
  const std::uint64_t most = compressed_bytes_max(1000);
  EXPECT_EQ(whole(encoded({.first = 0xc2, .payload = std::string(most, 'x')}), 1000),
            Shown{"deflated binary:" + std::string(most, 'x')});
  expect_error(encoded({.first = 0xc2, .payload = std::string(most + 1, 'x')}), CloseCode::too_big,
               1000);
  Bytes two = encoded({.first = 0x42, .payload = std::string(most - 1, 'x')});
  Bytes fits = two, exceeds = two;
  fits += encoded({.first = 0x80, .payload = "x"});
  exceeds += encoded({.first = 0x80, .payload = "xx"});
  EXPECT_EQ(whole(fits, 1000), Shown{"deflated binary:" + std::string(most, 'x')});
  expect_error(exceeds, CloseCode::too_big, 1000);
  expect_error(encoded({.first = 0x82, .payload = std::string(1001, 'x')}), CloseCode::too_big,
               1000);
}

INSTANTIATE_TEST_SUITE_P(BothWays, Messages,
                         testing::Values(MessagePool::Shortcut::yes, MessagePool::Shortcut::no));

}  // namespace
}  // namespace ringroom::proto
