#include "proto/deflate.h"

#include <libdeflate.h>

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/deflate_offer.h"
#include "proto/frame.h"
#include "proto/utf8.h"
#include "proto/zlib_stream.h"

namespace ringroom::proto {

namespace {

// A publication is compressed while its listeners wait: the fastest level.
constexpr int level = 1;

}  // namespace

void DeflateTrial::tell(bool shrank) {
  if (shrank) {
    failures_ = rest_messages_ = 0;
    return;
  }
  if (++failures_ < failures_max) return;
  // One failure more is enough to rest again.
  failures_ = failures_max - 1;
  rest_messages_ = std::clamp(2 * rest_messages_, rest_messages_min, rest_messages_max);
  rest_left_ = rest_messages_ + 1;
}

void Deflater::Free::operator()(libdeflate_compressor* compressor) const {
  libdeflate_free_compressor(compressor);
}

std::size_t Deflater::append_frame(alloc::BlockBuilder& out, Opcode opcode,
                                   std::span<const std::byte> payload, std::uint8_t window_bits) {
  const bool is_long_enough = payload.size() >= std::max(bytes_min_, deflated_bytes_min);
  const bool fits_the_window =
      window_bits == whole_window_bits || payload.size() <= std::size_t{1} << window_bits;
  DeflateTrial& trial = opcode == Opcode::text ? text_ : binary_;
  if (!is_long_enough || !fits_the_window || !trial.is_worth_trying()) {
    proto::append_frame(out, opcode, payload);
    return 0;
  }
  if (compressor_ == nullptr) {
    compressor_.reset(libdeflate_alloc_compressor(level));
    RR_CHECK(compressor_ != nullptr);
  }
  const std::size_t begin = begin_frame(out);
  // Room for one byte less than it has, the last of ours not counted: no room means it is not
  // smaller.
  const std::size_t room = payload.size() - 2;
  const std::size_t bytes = libdeflate_deflate_compress(compressor_.get(), payload.data(),
                                                        payload.size(), out.reserve(room), room);
  trial.tell(bytes > 0);
  if (bytes == 0) {
    out.truncate(begin);
    proto::append_frame(out, opcode, payload);
    return 0;
  }
  out.advance(bytes);
  // The stream ends with a final block; the reader, which appends 00 00 ff ff, is to find an empty
  // stored one begun (RFC 7692, 7.2.3.4).
  out.append('\0');
  end_frame(out, begin, opcode, Coding::deflated);
  return bytes + 1;
}

Inflater::Inflater(alloc::CoreHeap& heap)
    : memory_(std::make_unique<StreamMemory>(heap)), output_(heap, reserved_) {}
Inflater::~Inflater() = default;

Result<Message, CloseCode> Inflater::inflate(const Message& message,
                                             std::uint64_t message_bytes_max, InflateStream* kept) {
  RR_CHECK(message.coding == Coding::deflated);
  output_.recycle();
  output_.reserve(1);  // an empty message has readable bytes behind it too
  // A compressor that is flushed twice has nothing to say the second time.
  if (!message.payload.empty()) {
    const std::uint64_t limit = std::min(message_bytes_max, message_bytes_ceiling);
    if (const auto refused = run(kept != nullptr ? *kept : afresh(), message.payload, limit))
      return fail(*refused);
  }
  if (message.opcode == Opcode::text && !is_utf8(output_.bytes()))
    return fail(CloseCode::invalid_payload);
  return Message{.opcode = message.opcode,
                 .payload = output_.bytes(),
                 .close_code = CloseCode::no_status,
                 .coding = Coding::plain};
}

InflateStream& Inflater::afresh() {
  if (stream_ == nullptr) {
    stream_ = std::make_unique<InflateStream>(*memory_, whole_window_bits);
  } else {
    RR_CHECK(inflateReset(&stream_->zlib) == Z_OK);
  }
  return *stream_;
}

std::optional<CloseCode> Inflater::run(InflateStream& stream, std::span<const std::byte> compressed,
                                       std::uint64_t limit) {
  static constexpr std::byte flush[] = {std::byte{0}, std::byte{0}, std::byte{0xff},
                                        std::byte{0xff}};
  if (const auto refused = feed(stream, compressed, limit)) return refused;
  if (const auto refused = feed(stream, flush, limit)) return refused;
  // The flush was a block of its own, so the stream now stands between two blocks. If not, the
  // message ended inside of one.
  constexpr int between_blocks = 128;
  const bool is_whole = (stream.zlib.data_type & between_blocks) != 0;
  return is_whole ? std::nullopt : std::optional(CloseCode::invalid_payload);
}

std::optional<CloseCode> Inflater::feed(InflateStream& stream, std::span<const std::byte> input,
                                        std::uint64_t limit) {
  z_stream& zlib = stream.zlib;
  zlib.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(input.data()));
  zlib.avail_in = static_cast<uInt>(input.size());
  for (;;) {
    // One byte beyond the limit tells that it was passed.
    const auto room = static_cast<std::size_t>(
        std::min<std::uint64_t>(inflate_step_bytes, limit + 1 - output_.size()));
    zlib.next_out = reinterpret_cast<Bytef*>(output_.reserve(room));
    zlib.avail_out = static_cast<uInt>(room);
    const int verdict = ::inflate(&zlib, Z_SYNC_FLUSH);
    output_.advance(room - zlib.avail_out);
    if (output_.size() > limit) return CloseCode::too_big;
    if (verdict == Z_STREAM_END) {
      // A final block ends zlib's stream, not the message (RFC 7692, 7.2.3.5), and what was read so
      // far may still be referred to.
      RR_CHECK(inflateResetKeep(&zlib) == Z_OK);
      if (zlib.avail_in == 0) return std::nullopt;
    } else if (verdict != Z_OK && verdict != Z_BUF_ERROR) {
      return CloseCode::invalid_payload;
    } else if (zlib.avail_out > 0) {
      return std::nullopt;  // it wants more input
    }
  }
}

}  // namespace ringroom::proto
