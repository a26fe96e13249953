#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "alloc/block.h"
#include "alloc/core_heap.h"
#include "base/result.h"
#include "proto/assembly.h"
#include "proto/message.h"

struct libdeflate_compressor;

namespace ringroom::proto {

class InflateStream;
class StreamMemory;

// permessage-deflate (RFC 7692), both directions. Every message starts afresh, so the state is one
// per core and none per connection: libdeflate writes, zlib reads. Connections that take their
// context over have streams of their own: deflate_context.h.

// Nothing shorter can become smaller.
inline constexpr std::size_t deflated_bytes_min = 3;

// Whether compressing pays at the moment: after several messages that did not shrink some are let
// through untried, after each failed trial twice as many.
//
//   trying --8 in a row did not shrink--> resting (64 messages, 128, ... 1024) --> one trial
//      ^------------------------------- it shrank --------------------------------------'
class DeflateTrial {
 public:
  static constexpr std::uint32_t failures_max = 8;
  static constexpr std::uint32_t rest_messages_min = 64;
  static constexpr std::uint32_t rest_messages_max = 1024;

  // Asked once for each message that could be compressed.
  bool is_worth_trying() { return rest_left_ == 0 || --rest_left_ == 0; }
  // Told after each trial.
  void tell(bool shrank);

 private:
  std::uint32_t failures_ = 0;
  std::uint32_t rest_messages_ = 0;  // of the last rest
  std::uint32_t rest_left_ = 0;
};

// Compresses messages to send.
//
// Owner:  one core. libdeflate's state (200 KiB) is made for the first message.
class Deflater {
 public:
  explicit Deflater(std::size_t bytes_min) : bytes_min_(bytes_min) {}

  // Appends one frame of a whole message: compressed if it is long enough to try and becomes
  // smaller, else as it is. Returns the bytes of the compressed payload; 0: it is not compressed.
  // A message longer than the window the peer keeps is not compressed: libdeflate has no small
  // windows, but no distance is longer than the message.
  std::size_t append_frame(alloc::BlockBuilder& out, Opcode opcode,
                           std::span<const std::byte> payload, std::uint8_t window_bits);

 private:
  struct Free {
    void operator()(libdeflate_compressor* compressor) const;
  };

  std::size_t bytes_min_;
  std::unique_ptr<libdeflate_compressor, Free> compressor_;
  DeflateTrial text_, binary_;  // JSON shrinks, pictures do not
};

// Reads compressed messages.
//
//   payload, then 00 00 ff ff --zlib, in steps--> at most message_bytes_max + 1 bytes
//
// Owner:  one core. zlib's state (40 KiB) is made for the first message.
// Errors: too_big as soon as the output passes the limit: what a bomb costs is the limit.
//         invalid_payload (1007) for bytes that are no deflate stream, end inside of one, or are
//         not UTF-8 in a text: the frames are in order, what they carry is not. RFC 7692 names no
//         code; the npm package `ws` closes with 1007 too.
class Inflater {
 public:
  explicit Inflater(alloc::CoreHeap& heap);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // The payload is valid until the next call or release_large(), with readable bytes behind it.
  // `kept`: the connection's own stream, which has read its earlier messages; nullptr: this message
  // starts afresh. A stream that met an error is of no use any more.
  Result<Message, CloseCode> inflate(const Message& message, std::uint64_t message_bytes_max,
                                     InflateStream* kept = nullptr);
  // Between messages: lets go of what a large one needed.
  void release_large() { output_.recycle(); }
  std::size_t output_bytes_reserved() const { return reserved_; }

 private:
  std::optional<CloseCode> run(InflateStream& stream, std::span<const std::byte> compressed,
                               std::uint64_t limit);
  std::optional<CloseCode> feed(InflateStream& stream, std::span<const std::byte> input,
                                std::uint64_t limit);
  InflateStream& afresh();

  std::unique_ptr<StreamMemory> memory_;
  std::unique_ptr<InflateStream> stream_;
  std::size_t reserved_ = 0;
  Assembly output_;
};

}  // namespace ringroom::proto
