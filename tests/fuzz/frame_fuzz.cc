// A header that is accepted is exactly the one our encoder writes, with the mask bit and the mask.

#include <algorithm>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/frame.h"

namespace ringroom::proto {
namespace {

void judge(std::span<const std::byte> input) {
  const auto decoded = decode(input, message_bytes_ceiling);
  if (!decoded) {
    // More bytes may be asked for, but never more than the longest header has.
    if (decoded.error() == FrameError::need_more_bytes)
      RR_CHECK(input.size() < received_frame_header_bytes_max);
    return;
  }
  RR_CHECK(decoded->header.payload_bytes <= message_bytes_ceiling);
  EncodedHeader wanted = encode(decoded->header);
  wanted.bytes[1] |= std::byte(0x80);
  const auto view = wanted.view();
  RR_CHECK(decoded->consumed_bytes == view.size() + decoded->mask.size());
  RR_CHECK(std::equal(view.begin(), view.end(), input.begin()));
  RR_CHECK(std::equal(decoded->mask.begin(), decoded->mask.end(),
                      input.begin() + std::ptrdiff_t(view.size())));
}

}  // namespace
}  // namespace ringroom::proto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringroom::proto::judge(std::as_bytes(std::span(data, size)));
  return 0;
}
