// A PROXY header says the same however its bytes are cut, and never claims bytes that are not
// there.
//
//   input: what a connection begins with

#include <cstdint>
#include <optional>
#include <span>

#include "base/check.h"
#include "proto/proxy_header.h"

namespace ringroom::proto {
namespace {

void judge(std::span<const std::byte> input) {
  const auto whole = parse_proxy_header(input);
  const bool is_read = whole && whole->has_value();
  if (is_read) {
    RR_CHECK((*whole)->size_bytes >= 16 && (*whole)->size_bytes <= input.size());
    RR_CHECK((*whole)->size_bytes <= proxy_header_bytes_max);
  }
  for (std::size_t bytes = 0; bytes <= input.size() && bytes <= 64; ++bytes) {
    const auto part = parse_proxy_header(input.first(bytes));
    if (!part) {
      // What is wrong with the beginning is wrong with the whole.
      RR_CHECK(!whole);
      break;
    }
    if (!part->has_value()) continue;
    RR_CHECK(is_read && (*part)->size_bytes == (*whole)->size_bytes);
    RR_CHECK((*part)->source == (*whole)->source);
  }
}

}  // namespace
}  // namespace ringroom::proto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringroom::proto::judge(std::as_bytes(std::span(data, size)));
  return 0;
}
