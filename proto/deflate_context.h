#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "alloc/block.h"
#include "proto/deflate.h"
#include "proto/deflate_offer.h"
#include "proto/frame.h"

namespace ringroom::proto {

class DeflateStream;
class InflateStream;
class StreamMemory;

// The streams of one connection that takes its context over (RFC 7692, 7.1.1): a message may refer
// to what the peer has read before, so that one like the last costs a few bytes. The price: it is
// compressed for this peer alone, and 54 KiB to write (a window of 8 KiB, little hash) and 15 KiB
// to read (40 where the client keeps the choice of its window to itself), each from the first
// message on that needs it. decisions/0013 has the measurements behind level and window.
//
// Owner:  one core. Order: messages are written in the order in which they are sent.
class DeflateContext {
 public:
  DeflateContext(StreamMemory& memory, const DeflateAgreement& agreement, std::size_t bytes_min);
  ~DeflateContext();
  DeflateContext(const DeflateContext&) = delete;
  DeflateContext& operator=(const DeflateContext&) = delete;

  // Appends one frame of a whole message, compressed if it is long enough to try and becomes
  // smaller. Returns the bytes of the compressed payload; 0: it is not compressed, which the
  // stream does not notice.
  std::size_t append_frame(alloc::BlockBuilder& out, Opcode opcode,
                           std::span<const std::byte> payload);
  // What was written last did not go out: no later message refers to it. (Nor to anything before;
  // the peer, who goes on with a longer memory, does not mind.)
  void forget_written();

  // For Inflater::inflate; nullptr: the client starts each message afresh.
  InflateStream* reading();

 private:
  StreamMemory& memory_;
  std::size_t bytes_min_;
  std::uint8_t written_window_bits_;
  std::uint8_t read_window_bits_;  // 0: nothing is kept
  DeflateTrial text_, binary_;
  std::unique_ptr<DeflateStream> writing_;
  std::unique_ptr<InflateStream> reading_;
};

}  // namespace ringroom::proto
