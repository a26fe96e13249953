#include "proto/deflate_context.h"

#include <algorithm>

#include "base/check.h"
#include "proto/zlib_stream.h"

namespace ringroom::proto {

namespace {

// Every listener pays for its own: the level before zlib starts to look twice. 5 would save another
// tenth of the bytes for a third more time.
constexpr int level = 3;
// Hash and buffers for messages of a few KiB: 16 KiB; zlib's usual 8 takes 128.
constexpr int memory_level = 5;
// What a flush ends with, and the frame leaves out (RFC 7692, 7.2.1).
constexpr std::size_t tail_bytes = 4;

}  // namespace

DeflateContext::DeflateContext(StreamMemory& memory, const DeflateAgreement& agreement,
                               std::size_t bytes_min)
    : memory_(memory),
      bytes_min_(std::max(bytes_min, deflated_bytes_min)),
      written_window_bits_(std::min(agreement.server_window_bits, kept_window_bits)),
      read_window_bits_(agreement.client_starts_afresh ? std::uint8_t{0}
                                                       : read_window_bits(agreement)) {}

DeflateContext::~DeflateContext() = default;

std::size_t DeflateContext::append_frame(alloc::BlockBuilder& out, Opcode opcode,
                                         std::span<const std::byte> payload) {
  DeflateTrial& trial = opcode == Opcode::text ? text_ : binary_;
  if (payload.size() < bytes_min_ || !trial.is_worth_trying()) {
    proto::append_frame(out, opcode, payload);
    return 0;
  }
  if (writing_ == nullptr)
    writing_ = std::make_unique<DeflateStream>(memory_, level, written_window_bits_, memory_level);
  z_stream& zlib = writing_->zlib;
  const std::size_t begin = begin_frame(out);
  // With its tail it must leave a byte free: then it is all there, and smaller without the tail.
  const std::size_t room = payload.size() + tail_bytes;
  std::byte* written = out.reserve(room);
  zlib.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(payload.data()));
  zlib.avail_in = static_cast<uInt>(payload.size());
  zlib.next_out = reinterpret_cast<Bytef*>(written);
  zlib.avail_out = static_cast<uInt>(room);
  RR_CHECK(deflate(&zlib, Z_SYNC_FLUSH) == Z_OK);
  const bool shrank = zlib.avail_in == 0 && zlib.avail_out > 0;
  trial.tell(shrank);
  if (!shrank) {
    forget_written();
    out.truncate(begin);
    proto::append_frame(out, opcode, payload);
    return 0;
  }
  const std::size_t bytes = room - zlib.avail_out - tail_bytes;
  out.advance(bytes);
  end_frame(out, begin, opcode, Coding::deflated);
  return bytes;
}

void DeflateContext::forget_written() {
  if (writing_ != nullptr) RR_CHECK(deflateReset(&writing_->zlib) == Z_OK);
}

InflateStream* DeflateContext::reading() {
  if (read_window_bits_ == 0) return nullptr;
  if (reading_ == nullptr) reading_ = std::make_unique<InflateStream>(memory_, read_window_bits_);
  return reading_.get();
}

}  // namespace ringroom::proto
