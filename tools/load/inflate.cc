#include "tools/load/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "base/check.h"

namespace ringroom::load {
namespace {

constexpr int raw_window_bits = -15;  // reads every smaller window too
constexpr std::size_t step_bytes = 16384;

// The sender took these off the end of every message.
constexpr std::byte tail[] = {std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

// Messages of one sender differ near their beginning, where its number stands.
std::size_t hash_of(std::span<const std::byte> bytes) {
  constexpr std::size_t enough = 96;
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), enough));
  return std::hash<std::string_view>{}(head) ^ bytes.size();
}

}  // namespace

struct Inflate::Stream {
  z_stream z{};
};

Inflate::Inflate() : stream_(std::make_unique<Stream>()) {
  RR_CHECK(inflateInit2(&stream_->z, raw_window_bits) == Z_OK);
}

Inflate::~Inflate() { inflateEnd(&stream_->z); }

Result<std::span<const std::byte>, InflateError> Inflate::read(
    std::span<const std::byte> compressed, std::size_t bytes_max) {
  if (messages_.empty()) messages_.resize(remembered);
  Message& message = messages_[hash_of(compressed) % remembered];
  if (!message.plain.empty() && std::ranges::equal(message.compressed, compressed)) {
    return std::span<const std::byte>(message.plain);
  }
  message.compressed.clear();
  message.plain.clear();
  ++inflated_;
  if (!inflate(compressed, bytes_max, message.plain)) return fail(InflateError::broken);
  if (message.plain.size() > bytes_max) {
    message.plain.clear();
    return fail(InflateError::oversized);
  }
  message.compressed.assign(compressed.begin(), compressed.end());
  return std::span<const std::byte>(message.plain);
}

// False when `compressed` is not a deflate stream that ends between two blocks.
bool Inflate::inflate(std::span<const std::byte> compressed, std::size_t bytes_max,
                      std::vector<std::byte>& plain) {
  z_stream& z = stream_->z;
  RR_CHECK(inflateReset(&z) == Z_OK);
  for (const auto input : {compressed, std::span<const std::byte>(tail)}) {
    // zlib's interface is older than const; it does not write to its input.
    z.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    z.avail_in = static_cast<uInt>(input.size());
    for (bool full = true; full;) {
      const std::size_t before = plain.size();
      if (before > bytes_max) return true;
      plain.resize(before + step_bytes);
      z.next_out = reinterpret_cast<Bytef*>(plain.data() + before);
      z.avail_out = step_bytes;
      const int outcome = ::inflate(&z, Z_SYNC_FLUSH);
      plain.resize(before + step_bytes - z.avail_out);
      full = z.avail_out == 0;
      if (outcome == Z_STREAM_END) {  // a final block may be followed by more (RFC 7692, 7.2.3.4)
        RR_CHECK(inflateResetKeep(&z) == Z_OK);
        full = z.avail_in > 0;
        continue;
      }
      const bool nothing_left = outcome == Z_BUF_ERROR && z.avail_in == 0;
      if (outcome != Z_OK && !nothing_left) return false;
    }
  }
  constexpr int between_blocks = 128;  // in data_type, with the bits of a byte not yet used
  return (z.data_type & between_blocks) != 0;
}

}  // namespace ringroom::load
