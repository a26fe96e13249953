#include "realtime/access/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "realtime/access/base64url.h"
#include "realtime/access/bounds.h"
#include "realtime/access/members.h"

namespace ringroom::realtime {

namespace {

constexpr std::size_t jwk_members_max = 64;

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using Number = std::unique_ptr<BIGNUM, Release<BN_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Release<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Release<OSSL_PARAM_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;

// nullopt: absent, no text, or no base64url.
std::optional<std::string> bytes_in(const Members& jwk, std::string_view name) {
  const auto text = jwk.text(name);
  return text ? decode_base64url(*text) : std::nullopt;
}

Pkey key_from(const char* kind, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    key = nullptr;
  ERR_clear_error();
  return Pkey(key);
}

Number number_of(const std::string& bytes) {
  return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                          static_cast<int>(bytes.size()), nullptr));
}

// Each reader makes the key that the members describe; nullptr: they describe none.

Pkey read_rsa(const Members& jwk, const AlgorithmRow&) {
  const auto modulus = bytes_in(jwk, "n");
  const auto exponent = bytes_in(jwk, "e");
  constexpr std::size_t modulus_bytes_max = 2 * bounds::rsa_bits_max / 8;
  if (!modulus || !exponent || modulus->empty() || modulus->size() > modulus_bytes_max ||
      exponent->empty() || exponent->size() > 8)
    return nullptr;
  const Number n = number_of(*modulus), e = number_of(*exponent);
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return nullptr;
  return key_from("RSA", builder.get());
}

Pkey read_ec(const Members& jwk, const AlgorithmRow& row) {
  const auto x = bytes_in(jwk, "x");
  const auto y = bytes_in(jwk, "y");
  if (!x || !y || x->size() != row.bytes || y->size() != row.bytes) return nullptr;
  const std::string point = "\x04" + *x + *y;  // uncompressed
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, row.curve, 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return nullptr;
  return key_from("EC", builder.get());
}

Pkey read_ed25519(const Members& jwk, const AlgorithmRow& row) {
  const auto x = bytes_in(jwk, "x");
  if (!x || x->size() != row.bytes) return nullptr;
  return Pkey(EVP_PKEY_new_raw_public_key_ex(
      nullptr, "ED25519", nullptr, reinterpret_cast<const unsigned char*>(x->data()), x->size()));
}

struct KindRow {
  std::string_view kty;
  std::string_view crv;  // empty: the kind has no curves
  Algorithm usual;
  Pkey (*read)(const Members&, const AlgorithmRow&);  // nullptr: a secret
};
constexpr KindRow kinds[] = {
    {"oct", "", Algorithm::hs256, nullptr},
    {"RSA", "", Algorithm::rs256, read_rsa},
    {"EC", "P-256", Algorithm::es256, read_ec},
    {"EC", "P-384", Algorithm::es384, read_ec},
    {"OKP", "Ed25519", Algorithm::eddsa, read_ed25519},
};

const KindRow* kind_of(const Members& jwk) {
  const auto kty = jwk.text("kty");
  for (const KindRow& row : kinds)
    if (kty == row.kty && (row.crv.empty() || jwk.text("crv") == row.crv)) return &row;
  return nullptr;
}

// `use` and `key_ops` say what a key is for; one that is not for checking signatures is left alone.
bool is_for_signatures(const Members& jwk) {
  if (jwk.has("use") && jwk.text("use") != "sig") return false;
  const auto operations = jwk.find("key_ops");
  if (!operations) return true;
  for (const proto::JsonValue operation : operations->items())
    if (operation.string() == "verify") return true;
  return false;
}

Result<Algorithm, KeyError> algorithm_in(const Members& jwk, const KindRow& kind) {
  if (!jwk.has("alg")) return kind.usual;
  const auto name = jwk.text("alg");
  const auto algorithm = name ? algorithm_of(*name) : std::nullopt;
  if (!algorithm) return fail(KeyError::unsupported);
  const AlgorithmRow& named = row_of(*algorithm);
  const AlgorithmRow& usual = row_of(kind.usual);
  const bool fits =
      named.kind == usual.kind && (usual.kind != KeyKind::ec || named.bytes == usual.bytes);
  if (!fits) return fail(KeyError::wrong_kind);
  return *algorithm;
}

}  // namespace

Result<Key, KeyError> read_jwk(const proto::JsonValue& object, JwkOrigin origin) {
  const auto jwk = Members::of(object, jwk_members_max);
  if (!jwk) return fail(KeyError::malformed);
  const KindRow* kind = kind_of(*jwk);
  if (kind == nullptr || !is_for_signatures(*jwk)) return fail(KeyError::unsupported);
  std::string id;
  if (jwk->has("kid")) {
    const auto text = jwk->text("kid");
    if (!text || text->empty() || text->size() > bounds::key_id_bytes_max)
      return fail(KeyError::bad_id);
    id = *text;
  }
  const auto algorithm = algorithm_in(*jwk, *kind);
  if (!algorithm) return fail(algorithm.error());

  if (kind->read == nullptr) {
    if (origin == JwkOrigin::url) return fail(KeyError::is_secret);
    auto secret = bytes_in(*jwk, "k");
    if (!secret) return fail(KeyError::malformed);
    return Key::of_secret(*algorithm, std::move(id), std::move(*secret));
  }
  // What only who signs may have (RFC 7518, 6.2.2 and 6.3.2): it must not lie around here.
  for (const std::string_view name : {"d", "p", "q", "dp", "dq", "qi", "oth"})
    if (jwk->has(name)) return fail(KeyError::is_private);
  return Key::of_public(*algorithm, std::move(id), kind->read(*jwk, row_of(*algorithm)));
}

Result<JwkSet, KeyError> read_jwks(std::string_view text, JwkOrigin origin) {
  if (text.size() > bounds::key_file_bytes_max) return fail(KeyError::too_long);
  proto::JsonParser parser;
  const auto parsed = parser.parse_copy(text);
  if (!parsed) return fail(KeyError::malformed);
  const auto whole = Members::of(*parsed, jwk_members_max);
  if (!whole) return fail(KeyError::malformed);

  JwkSet out;
  const auto take = [&out, origin](const proto::JsonValue& object) {
    auto key = read_jwk(object, origin);
    if (key) return out.keys.push_back(std::move(*key));
    const auto id = object.find("kid");
    out.left_out.push_back({std::string(id ? id->string().value_or("") : ""), key.error()});
  };
  const auto list = whole->find("keys");
  if (!list) {
    if (!whole->has("kty")) return fail(KeyError::malformed);
    take(*parsed);
    return out;
  }
  if (!list->is_array()) return fail(KeyError::malformed);
  if (list->size() > bounds::keys_max) return fail(KeyError::too_many);
  for (const proto::JsonValue object : list->items()) take(object);
  return out;
}

}  // namespace ringroom::realtime
