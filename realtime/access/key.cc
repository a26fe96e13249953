#include "realtime/access/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <array>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

#include "base/check.h"
#include "realtime/access/bounds.h"

namespace ringroom::realtime {

namespace {

struct SentenceRow {
  KeyError error;
  std::string_view sentence;
};
constexpr SentenceRow sentences[] = {
    {KeyError::malformed, "a member is missing, has the wrong form or is there twice"},
    {KeyError::unsupported, "it is no key for signatures that this server knows"},
    {KeyError::wrong_kind, "the key is of another kind than its algorithm needs"},
    {KeyError::too_short,
     "the key is too short: RSA needs 2048 bits, a secret as many bytes as its hash (32, 48, 64)"},
    {KeyError::too_long, "the key is longer than 8192 bits: every check would cost too much"},
    {KeyError::not_valid, "the key's numbers are not those of a key of its kind"},
    {KeyError::guessable,
     "it was made by a chip whose keys can be factored (CVE-2017-15361, ROCA): make another"},
    {KeyError::is_private,
     "it is a private key, which belongs to who signs: give the public one (`openssl pkey -in FILE "
     "-pubout`)"},
    {KeyError::is_secret, "a secret that is fetched is none: serve public keys only"},
    {KeyError::bad_id, "its `kid` is no text of 1 to 255 bytes"},
    {KeyError::twice, "another key has this `kid` and this algorithm"},
    {KeyError::too_many,
     "there are more keys than a token may be held against: 100 in all, 4 without a `kid` of one "
     "algorithm"},
};
constexpr bool sentences_are_in_order() {
  for (std::size_t i = 0; i < std::size(sentences); ++i)
    if (static_cast<std::size_t>(sentences[i].error) != i) return false;
  return true;
}
static_assert(sentences_are_in_order(), "sentence_of indexes by the error");

struct DigestContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, DigestContextFree>;
struct PkeyContextFree {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, PkeyContextFree>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// ---- HMAC

const EVP_MD* digest_of(const AlgorithmRow& row) {
  switch (row.bytes) {
    case 32:
      return EVP_sha256();
    case 48:
      return EVP_sha384();
    default:
      return EVP_sha512();
  }
}

std::string hmac(const AlgorithmRow& row, std::string_view secret, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned bytes = 0;
  RR_CHECK(HMAC(digest_of(row), secret.data(), static_cast<int>(secret.size()), bytes_of(text),
                text.size(), out, &bytes) != nullptr);
  return {reinterpret_cast<const char*>(out), bytes};
}

// ---- ECDSA: a token has r and s side by side, each as long as a coordinate; OpenSSL wants DER.

// SEQUENCE { INTEGER r, INTEGER s }, short lengths: at most 2 + 2 * (2 + 1 + 48) bytes.
struct DerSignature {
  std::array<unsigned char, 128> bytes;
  std::size_t size = 0;

  void put(std::size_t byte) { bytes[size++] = static_cast<unsigned char>(byte); }
  void put_integer(std::string_view number) {
    while (number.size() > 1 && number.front() == 0) number.remove_prefix(1);
    const bool would_be_negative = (static_cast<unsigned char>(number.front()) & 0x80) != 0;
    put(0x02);
    put(number.size() + (would_be_negative ? 1 : 0));
    if (would_be_negative) put(0);
    for (const char byte : number) put(static_cast<unsigned char>(byte));
  }
  explicit DerSignature(std::string_view r_and_s) {
    put(0x30);
    put(0);  // known at the end
    put_integer(r_and_s.substr(0, r_and_s.size() / 2));
    put_integer(r_and_s.substr(r_and_s.size() / 2));
    bytes[1] = static_cast<unsigned char>(size - 2);
  }
};

std::string from_der(std::string_view der, std::size_t coordinate_bytes) {
  const unsigned char* at = bytes_of(der);
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  RR_CHECK(signature != nullptr);
  std::string out(2 * coordinate_bytes, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  const int bytes = static_cast<int>(coordinate_bytes);
  RR_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature), to, bytes) == bytes);
  RR_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(signature), to + bytes, bytes) == bytes);
  ECDSA_SIG_free(signature);
  return out;
}

bool set_padding(const AlgorithmRow& row, EVP_PKEY_CTX* context) {
  if (!row.is_pss) return true;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

bool verify_public(const AlgorithmRow& row, EVP_PKEY* key, std::string_view text,
                   std::string_view signature) {
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  const bool good = EVP_DigestVerifyInit_ex(context.get(), &parameters, row.digest, nullptr,
                                            nullptr, key, nullptr) == 1 &&
                    set_padding(row, parameters) &&
                    EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                     bytes_of(text), text.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

std::string sign_private(const AlgorithmRow& row, EVP_PKEY* key, std::string_view text) {
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  RR_CHECK(EVP_DigestSignInit_ex(context.get(), &parameters, row.digest, nullptr, nullptr, key,
                                 nullptr) == 1);
  RR_CHECK(set_padding(row, parameters));
  std::size_t size = 0;
  RR_CHECK(EVP_DigestSign(context.get(), nullptr, &size, bytes_of(text), text.size()) == 1);
  std::string out(size, '\0');
  RR_CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                          bytes_of(text), text.size()) == 1);
  out.resize(size);
  return row.kind == KeyKind::ec ? from_der(out, row.bytes) : out;
}

bool is_on_curve(EVP_PKEY* key, std::string_view curve) {
  char name[64] = {};
  std::size_t size = 0;
  return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name,
                                        &size) == 1 &&
         std::string_view(name, size) == curve;
}

// Those chips took primes of which, modulo each of many small primes, nothing but a power of 65537
// is left; and so their product. Another key passes for one with a chance of about 2^-27.
bool is_of_roca(EVP_PKEY* key) {
  BIGNUM* modulus = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1) return false;
  const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> hold(modulus, &BN_free);
  constexpr unsigned primes[] = {11, 13, 17,  19,  37,  53,  61,  71, 73,
                                 79, 97, 103, 107, 109, 127, 151, 157};
  for (const unsigned prime : primes) {
    const auto left = static_cast<unsigned>(BN_mod_word(modulus, prime));
    unsigned power = 1;
    while (power != left) {
      power = power * (65'537 % prime) % prime;
      if (power == 1) return false;
    }
  }
  return true;
}

Outcome<KeyError> check_public(const AlgorithmRow& row, EVP_PKEY* key) {
  if (key == nullptr) return fail(KeyError::malformed);
  switch (row.kind) {
    case KeyKind::secret:
      return fail(KeyError::wrong_kind);
    case KeyKind::rsa:
      if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return fail(KeyError::wrong_kind);
      if (EVP_PKEY_get_bits(key) < bounds::rsa_bits_min) return fail(KeyError::too_short);
      if (EVP_PKEY_get_bits(key) > bounds::rsa_bits_max) return fail(KeyError::too_long);
      if (is_of_roca(key)) return fail(KeyError::guessable);
      break;
    case KeyKind::ec:
      if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || !is_on_curve(key, row.curve))
        return fail(KeyError::wrong_kind);
      break;
    case KeyKind::ed25519:
      if (EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) return fail(KeyError::wrong_kind);
      break;
  }
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  const bool valid = context != nullptr && EVP_PKEY_public_check(context.get()) == 1;
  ERR_clear_error();
  if (!valid) return fail(KeyError::not_valid);
  return Done{};
}

bool is_good_id(std::string_view id) { return id.size() <= bounds::key_id_bytes_max; }

}  // namespace

void PkeyFree::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

std::string_view sentence_of(KeyError error) {
  return sentences[static_cast<std::size_t>(error)].sentence;
}

Result<Key, KeyError> Key::of_secret(Algorithm algorithm, std::string id, std::string secret) {
  const AlgorithmRow& row = row_of(algorithm);
  if (row.kind != KeyKind::secret) return fail(KeyError::wrong_kind);
  if (secret.size() < row.bytes) return fail(KeyError::too_short);
  if (secret.size() > bounds::secret_bytes_max) return fail(KeyError::too_long);
  if (!is_good_id(id)) return fail(KeyError::bad_id);
  Key out(algorithm, std::move(id));
  out.secret_ = std::move(secret);
  out.can_sign_ = true;
  return out;
}

Result<Key, KeyError> Key::of_public(Algorithm algorithm, std::string id, Pkey key) {
  if (const auto checked = check_public(row_of(algorithm), key.get()); !checked)
    return fail(checked.error());
  if (!is_good_id(id)) return fail(KeyError::bad_id);
  Key out(algorithm, std::move(id));
  out.key_ = std::move(key);
  return out;
}

Result<Key, KeyError> Key::of_private(Algorithm algorithm, std::string id, Pkey key) {
  auto out = of_public(algorithm, std::move(id), std::move(key));
  if (out) out->can_sign_ = true;
  return out;
}

bool Key::verify(std::string_view text, std::string_view signature) const {
  const AlgorithmRow& row = row_of(algorithm_);
  switch (row.kind) {
    case KeyKind::secret: {
      const std::string expected = hmac(row, secret_, text);
      return signature.size() == expected.size() &&
             CRYPTO_memcmp(signature.data(), expected.data(), expected.size()) == 0;
    }
    case KeyKind::ec: {
      if (signature.size() != 2 * row.bytes) return false;
      const DerSignature der(signature);
      return verify_public(row, key_.get(), text,
                           {reinterpret_cast<const char*>(der.bytes.data()), der.size});
    }
    case KeyKind::rsa:
      // As long as its key (RFC 8017, 8.1.2); OpenSSL takes PSS without its leading zeros, too.
      if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()))) return false;
      return verify_public(row, key_.get(), text, signature);
    case KeyKind::ed25519:
      return verify_public(row, key_.get(), text, signature);
  }
  return false;
}

std::string Key::sign(std::string_view text) const {
  RR_CHECK(can_sign_);
  const AlgorithmRow& row = row_of(algorithm_);
  return is_secret() ? hmac(row, secret_, text) : sign_private(row, key_.get(), text);
}

}  // namespace ringroom::realtime
