#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ringroom::realtime {

// Tokens whose signature was found good: who comes back with the same one is spared the check,
// which for a public key costs more than the rest of a connection. Nothing else is spared: header,
// times, audience and revocations are judged each time.
//
//   SHA-256 of the whole token --its low bits--> one place; what comes later takes it
//
// Owner:   one core. Empty until the first signature by a public key; then 512 KiB.
// Safe:    only good tokens get in, so nobody without a key can push others out; a place is
// compared
//          in full; with another set of keys (KeySet::serial) it begins anew.
class SeenSignatures {
 public:
  using Digest = std::array<unsigned char, 32>;
  static Digest digest_of(std::string_view token);

  bool has(const Digest& token, std::uint64_t keys_serial) const {
    return keys_serial == serial_ && !places_.empty() && places_[index_of(token)] == token;
  }
  void add(const Digest& token, std::uint64_t keys_serial);

 private:
  static constexpr std::size_t places_count = 16 * 1024;
  static std::size_t index_of(const Digest& token) {
    return (token[0] | std::size_t(token[1]) << 8) % places_count;
  }

  std::vector<Digest> places_;
  std::uint64_t serial_ = 0;
};

}  // namespace ringroom::realtime
