#include "realtime/access/seen_signatures.h"

#include <openssl/sha.h>

namespace ringroom::realtime {

SeenSignatures::Digest SeenSignatures::digest_of(std::string_view token) {
  Digest out;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), out.data());
  return out;
}

void SeenSignatures::add(const Digest& token, std::uint64_t keys_serial) {
  if (keys_serial != serial_ || places_.empty()) {
    places_.assign(places_count, Digest{});
    serial_ = keys_serial;
  }
  places_[index_of(token)] = token;
}

}  // namespace ringroom::realtime
