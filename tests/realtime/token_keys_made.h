#pragma once

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>
#include <utility>

#include "base/check.h"
#include "realtime/access/key.h"

namespace ringroom::realtime {

// Keys made for one run of a test, both halves, as who signs has them.
struct MadeKey {
  Pkey pair;

  static MadeKey of(Algorithm algorithm) {
    const AlgorithmRow& row = row_of(algorithm);
    EVP_PKEY* key = row.kind == KeyKind::rsa  ? EVP_RSA_gen(2048)
                    : row.kind == KeyKind::ec ? EVP_EC_gen(row.curve)
                                              : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    RR_CHECK(key != nullptr);
    return {Pkey(key)};
  }

  Pkey another_hold() const {
    RR_CHECK(EVP_PKEY_up_ref(pair.get()) == 1);
    return Pkey(pair.get());
  }
  Key signer(Algorithm algorithm, std::string id) const {
    return *Key::of_private(algorithm, std::move(id), another_hold());
  }
  std::string text_of(int (*write)(BIO*, const EVP_PKEY*)) const {
    BIO* bio = BIO_new(BIO_s_mem());
    RR_CHECK(write(bio, pair.get()) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
  }
  std::string public_pem() const { return text_of(PEM_write_bio_PUBKEY); }
  std::string public_der() const { return text_of(i2d_PUBKEY_bio); }
  std::string private_pem() const {
    return text_of([](BIO* bio, const EVP_PKEY* key) {
      return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  // The bytes of a big number: "n", "e" of RSA, "qx", "qy" of EC (core_names.h).
  std::string number(const char* name, std::size_t bytes = 0) const {
    BIGNUM* number = nullptr;
    RR_CHECK(EVP_PKEY_get_bn_param(pair.get(), name, &number) == 1);
    std::string out(bytes == 0 ? static_cast<std::size_t>(BN_num_bytes(number)) : bytes, '\0');
    RR_CHECK(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()),
                          static_cast<int>(out.size())) >= 0);
    BN_free(number);
    return out;
  }
  std::string raw_public() const {
    std::string out(32, '\0');
    std::size_t size = out.size();
    RR_CHECK(EVP_PKEY_get_raw_public_key(pair.get(), reinterpret_cast<unsigned char*>(out.data()),
                                         &size) == 1);
    return out;
  }
};

}  // namespace ringroom::realtime
