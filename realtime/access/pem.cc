#include "realtime/access/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "realtime/access/bounds.h"

namespace ringroom::realtime {

namespace {

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

constexpr std::string_view begin_mark = "-----BEGIN ";

// "PUBLIC KEY" of the one object in the text; empty: there is none, or more than one.
std::string_view label_of(std::string_view text) {
  const std::size_t begin = text.find(begin_mark);
  if (begin == text.npos || text.find(begin_mark, begin + 1) != text.npos) return {};
  text.remove_prefix(begin + begin_mark.size());
  return text.substr(0, text.find("-----"));
}

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<Pkey, KeyError> read_public_pem(std::string_view text) {
  if (text.size() > bounds::key_file_bytes_max) return fail(KeyError::too_long);
  const std::string_view label = label_of(text);
  if (label.ends_with("PRIVATE KEY")) return fail(KeyError::is_private);
  Pkey key;
  const Bio bio = reader_of(text);
  if (label == "PUBLIC KEY") {
    key.reset(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr));
  } else if (label == "CERTIFICATE") {
    X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr);
    if (certificate != nullptr) key.reset(X509_get_pubkey(certificate));
    X509_free(certificate);
  }
  ERR_clear_error();
  if (key == nullptr) return fail(KeyError::malformed);
  return key;
}

Result<Pkey, KeyError> read_private_pem(std::string_view text) {
  if (text.size() > bounds::key_file_bytes_max) return fail(KeyError::too_long);
  const Bio bio = reader_of(text);
  Pkey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) return fail(KeyError::malformed);
  return key;
}

}  // namespace ringroom::realtime
