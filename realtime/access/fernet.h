#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "realtime/access/fernet_keys.h"

struct evp_cipher_st;      // OpenSSL's EVP_CIPHER,
struct evp_cipher_ctx_st;  // EVP_CIPHER_CTX
struct evp_mac_ctx_st;     // and EVP_MAC_CTX

namespace ringroom::realtime {

enum class FernetError : std::uint8_t {
  malformed,        // no base64url of a token's form
  not_ours,         // none of the keys has signed it
  too_old,          // made longer ago than is wanted
  from_the_future,  // made after the clock's error
  broken            // signed by one of the keys, and yet no padding: its maker is at fault
};

// Makes and reads tokens of the Fernet specification, version 0x80:
//
//   | 0x80 | seconds, 8 | IV, 16 | AES-128-CBC, PKCS #7 | HMAC-SHA256 of all before, 32 |
//
// as base64url with padding. A signature is compared in constant time, and before anything else is
// believed.
//
// Owner:  one core, which keeps OpenSSL's contexts and their buffers from token to token.
// Memory: grows with the longest text it has seen.
class Fernet {
 public:
  using Iv = std::array<unsigned char, 16>;
  static constexpr std::uint64_t any_age = 0;
  static constexpr std::uint64_t skew_s = 60;

  Fernet();

  // Both views are valid until the next call.
  std::string_view seal(const FernetKey& key, std::string_view clear, std::uint64_t now_s);
  std::string_view seal(const FernetKey& key, std::string_view clear, std::uint64_t now_s,
                        const Iv& iv);  // for tests: an IV must never come twice
  // `age_max_s`: any_age judges no times at all.
  Result<std::string_view, FernetError> open(const FernetKeys& keys, std::string_view token,
                                             std::uint64_t now_s, std::uint64_t age_max_s);

 private:
  using Mac = std::array<unsigned char, 32>;
  Mac sign(const FernetKey& key, std::string_view text);
  bool decrypt(const FernetKey& key, std::string_view iv, std::string_view hidden);

  struct Free {
    void operator()(evp_cipher_st* cipher) const;
    void operator()(evp_cipher_ctx_st* context) const;
    void operator()(evp_mac_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_st, Free> cipher_;
  std::unique_ptr<evp_cipher_ctx_st, Free> ciphering_;
  std::unique_ptr<evp_mac_ctx_st, Free> signing_;
  std::string bytes_, text_;
};

}  // namespace ringroom::realtime
