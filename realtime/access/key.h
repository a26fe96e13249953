#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "realtime/access/algorithm.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace ringroom::realtime {

struct PkeyFree {
  void operator()(evp_pkey_st* key) const;
};
using Pkey = std::unique_ptr<evp_pkey_st, PkeyFree>;

// Why something is no key for tokens. The sentences go to the operator; none repeats key material.
enum class KeyError : std::uint8_t {
  malformed,
  unsupported,  // a key of another use: others in the same set may be good
  wrong_kind,   // not what its algorithm needs
  too_short,
  too_long,
  not_valid,  // OpenSSL's own check: off the curve, a modulus with small factors
  guessable,  // RSA of the chips of CVE-2017-15361 ("ROCA")
  is_private,
  is_secret,  // where only public keys may be
  bad_id,
  twice,
  too_many,
};
std::string_view sentence_of(KeyError error);

// One key that tokens are held against: its algorithm, its id (`kid`), and nothing that could be
// used for any other purpose.
//
// Owner:    a KeySet; does not change. Any thread may verify.
// Errors:   all at making it: whatever was made verifies, or says no.
class Key {
 public:
  static Result<Key, KeyError> of_secret(Algorithm algorithm, std::string id, std::string secret);
  // The key must be of the algorithm's kind, curve and a size that is neither weak nor a burden.
  static Result<Key, KeyError> of_public(Algorithm algorithm, std::string id, Pkey key);
  // Signs too; for `ringroom token make` and tests, never part of a server's set.
  static Result<Key, KeyError> of_private(Algorithm algorithm, std::string id, Pkey key);

  const std::string& id() const { return id_; }  // empty: for tokens that name no other key
  Algorithm algorithm() const { return algorithm_; }
  bool is_secret() const { return row_of(algorithm_).kind == KeyKind::secret; }
  bool can_sign() const { return can_sign_; }

  bool verify(std::string_view text, std::string_view signature) const;
  std::string sign(std::string_view text) const;

 private:
  Key(Algorithm algorithm, std::string id) : id_(std::move(id)), algorithm_(algorithm) {}

  std::string id_;
  Algorithm algorithm_;
  bool can_sign_ = false;
  std::string secret_;  // of the HS algorithms
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace ringroom::realtime
