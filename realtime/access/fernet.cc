#include "realtime/access/fernet.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <utility>

#include "base/check.h"
#include "realtime/access/base64url.h"

namespace ringroom::realtime {

namespace {

constexpr unsigned char version = 0x80;
constexpr std::size_t time_bytes = 8;
constexpr std::size_t block_bytes = 16;
constexpr std::size_t head_bytes = 1 + time_bytes + block_bytes;
constexpr std::size_t mac_bytes = 32;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void append_seconds(std::string& out, std::uint64_t seconds) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(seconds >> shift & 0xff);
}
std::uint64_t seconds_in(std::string_view bytes) {
  std::uint64_t seconds = 0;
  for (const char byte : bytes) seconds = seconds << 8 | static_cast<unsigned char>(byte);
  return seconds;
}

// RFC 4648's padding, which decode_base64url() does not take.
std::string_view without_padding(std::string_view text) {
  if (text.size() % 4 != 0) return {};
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return text;
}

}  // namespace

void Fernet::Free::operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
void Fernet::Free::operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
void Fernet::Free::operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }

// Looked up once: by name each time it is as dear as the message.
Fernet::Fernet()
    : cipher_(EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr)), ciphering_(EVP_CIPHER_CTX_new()) {
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  signing_.reset(EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);
  RR_CHECK(cipher_ != nullptr);
  RR_CHECK(ciphering_ != nullptr);
  RR_CHECK(signing_ != nullptr);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  RR_CHECK(EVP_MAC_CTX_set_params(signing_.get(), parameters) == 1);
}

Fernet::Mac Fernet::sign(const FernetKey& key, std::string_view text) {
  Mac out;
  std::size_t size = 0;
  RR_CHECK(EVP_MAC_init(signing_.get(), key.signing.data(), key.signing.size(), nullptr) == 1);
  RR_CHECK(EVP_MAC_update(signing_.get(), bytes_of(text), text.size()) == 1);
  RR_CHECK(EVP_MAC_final(signing_.get(), out.data(), &size, out.size()) == 1);
  RR_CHECK(size == out.size());
  return out;
}

std::string_view Fernet::seal(const FernetKey& key, std::string_view clear, std::uint64_t now_s) {
  Iv iv;
  RR_CHECK(RAND_bytes(iv.data(), static_cast<int>(iv.size())) == 1);
  return seal(key, clear, now_s, iv);
}

std::string_view Fernet::seal(const FernetKey& key, std::string_view clear, std::uint64_t now_s,
                              const Iv& iv) {
  bytes_.clear();
  bytes_ += static_cast<char>(version);
  append_seconds(bytes_, now_s);
  bytes_.append(reinterpret_cast<const char*>(iv.data()), iv.size());
  RR_CHECK(bytes_.size() == head_bytes);

  bytes_.resize(head_bytes + clear.size() + block_bytes);
  int most = 0, rest = 0;
  RR_CHECK(EVP_EncryptInit_ex2(ciphering_.get(), cipher_.get(), key.encryption.data(), iv.data(),
                               nullptr) == 1);
  RR_CHECK(EVP_EncryptUpdate(ciphering_.get(), bytes_of(bytes_) + head_bytes, &most,
                             bytes_of(clear), static_cast<int>(clear.size())) == 1);
  RR_CHECK(EVP_EncryptFinal_ex(ciphering_.get(), bytes_of(bytes_) + head_bytes + most, &rest) == 1);
  bytes_.resize(head_bytes + static_cast<std::size_t>(most + rest));

  const Mac mac = sign(key, bytes_);
  bytes_.append(reinterpret_cast<const char*>(mac.data()), mac.size());
  text_ = encode_base64url(bytes_);
  text_.append((4 - text_.size() % 4) % 4, '=');
  return text_;
}

bool Fernet::decrypt(const FernetKey& key, std::string_view iv, std::string_view hidden) {
  text_.resize(hidden.size() + block_bytes);
  int most = 0, rest = 0;
  const bool good = EVP_DecryptInit_ex2(ciphering_.get(), cipher_.get(), key.encryption.data(),
                                        bytes_of(iv), nullptr) == 1 &&
                    EVP_DecryptUpdate(ciphering_.get(), bytes_of(text_), &most, bytes_of(hidden),
                                      static_cast<int>(hidden.size())) == 1 &&
                    EVP_DecryptFinal_ex(ciphering_.get(), bytes_of(text_) + most, &rest) == 1;
  if (!good) ERR_clear_error();
  text_.resize(good ? static_cast<std::size_t>(most + rest) : 0);
  return good;
}

Result<std::string_view, FernetError> Fernet::open(const FernetKeys& keys, std::string_view token,
                                                   std::uint64_t now_s, std::uint64_t age_max_s) {
  auto decoded = decode_base64url(without_padding(token));
  if (!decoded || decoded->size() < head_bytes + mac_bytes) return fail(FernetError::malformed);
  if (static_cast<unsigned char>(decoded->front()) != version) return fail(FernetError::malformed);
  bytes_ = std::move(*decoded);
  const std::string_view signed_bytes =
      std::string_view(bytes_).substr(0, bytes_.size() - mac_bytes);
  const std::string_view mac = std::string_view(bytes_).substr(signed_bytes.size());

  for (const FernetKey& key : keys.keys) {
    const Mac expected = sign(key, signed_bytes);
    if (CRYPTO_memcmp(expected.data(), mac.data(), mac.size()) != 0) continue;
    const std::uint64_t made_s = seconds_in(signed_bytes.substr(1, time_bytes));
    if (age_max_s != any_age) {
      if (made_s > now_s + skew_s) return fail(FernetError::from_the_future);
      if (made_s + age_max_s < now_s) return fail(FernetError::too_old);
    }
    const std::string_view hidden = signed_bytes.substr(head_bytes);
    const bool is_whole = !hidden.empty() && hidden.size() % block_bytes == 0;
    if (!is_whole || !decrypt(key, signed_bytes.substr(1 + time_bytes, block_bytes), hidden))
      return fail(FernetError::broken);
    return std::string_view(text_);
  }
  return fail(FernetError::not_ours);
}

}  // namespace ringroom::realtime
