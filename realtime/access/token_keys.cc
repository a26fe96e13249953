#include "realtime/access/token_keys.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "realtime/access/bounds.h"
#include "realtime/access/jwk.h"
#include "realtime/access/pem.h"

namespace ringroom::realtime {

namespace {

Result<Key, Complaint> secret_key(const Config& config) {
  auto key = Key::of_secret(config.token_hmac_algorithm, {}, config.token_hmac_secret);
  if (!key) return complain("token-hmac-secret: " + std::string(sentence_of(key.error())));
  return std::move(*key);
}

bool is_key_id(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~").find(c) != std::string_view::npos;
  });
}

Result<Key, Complaint> pem_key(std::string_view text) {
  const std::string subject = "token-key-files, \"" + std::string(text) + "\": ";
  const auto named = parse_key_file(text);
  if (!named)
    return complain(subject +
                    "must be ALGORITHM:FILE or ALGORITHM:KID:FILE with an algorithm of "
                    "RS256 to RS512, PS256 to PS512, ES256, ES384, EdDSA");
  const auto pem = read_file("token-key-files", named->path, bounds::key_file_bytes_max);
  if (!pem) return fail(pem.error());
  auto read = read_public_pem(*pem);
  if (!read) return complain(subject + std::string(sentence_of(read.error())));
  auto key = Key::of_public(named->algorithm, named->id, std::move(*read));
  if (!key) return complain(subject + std::string(sentence_of(key.error())));
  return std::move(*key);
}

Result<std::vector<Key>, Complaint> jwks_keys(const std::string& path) {
  const std::string subject = "token-jwks-file " + path;
  const auto text = read_file("token-jwks-file", path, bounds::key_file_bytes_max);
  if (!text) return fail(text.error());
  auto set = read_jwks(*text, JwkOrigin::file);
  if (!set)
    return complain(subject + " is no JWK and no JWKS: " + std::string(sentence_of(set.error())));
  for (const JwkSet::LeftOut& left_out : set->left_out) {
    // Keys for other uses may stand beside ours; a broken one of ours is a mistake to be told.
    if (left_out.error == KeyError::unsupported) continue;
    return complain(subject + ", key \"" + left_out.id +
                    "\": " + std::string(sentence_of(left_out.error)));
  }
  if (set->keys.empty()) return complain(subject + " has no key for signatures of tokens");
  return std::move(set->keys);
}

}  // namespace

// What cannot be an id belongs to the path.
std::optional<NamedKeyFile> parse_key_file(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto algorithm = algorithm_of(text.substr(0, colon));
  if (colon == text.npos || !algorithm || row_of(*algorithm).kind == KeyKind::secret)
    return std::nullopt;
  std::string_view path = text.substr(colon + 1);
  std::string_view id;
  const std::size_t next = path.find(':');
  if (next != path.npos && is_key_id(path.substr(0, next))) {
    id = path.substr(0, next);
    path.remove_prefix(next + 1);
  }
  if (path.empty()) return std::nullopt;
  return NamedKeyFile{.algorithm = *algorithm, .id = std::string(id), .path = std::string(path)};
}

Result<std::vector<Key>, Complaint> configured_keys(const Config& config) {
  std::vector<Key> out;
  if (!config.token_hmac_secret.empty()) {
    auto key = secret_key(config);
    if (!key) return fail(key.error());
    out.push_back(std::move(*key));
  }
  for (std::string_view rest = config.token_key_files; !rest.empty();) {
    const std::size_t comma = rest.find(',');
    auto key = pem_key(rest.substr(0, comma));
    if (!key) return fail(key.error());
    out.push_back(std::move(*key));
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (!config.token_jwks_file.empty()) {
    auto keys = jwks_keys(config.token_jwks_file);
    if (!keys) return fail(keys.error());
    std::ranges::move(*keys, std::back_inserter(out));
  }
  KeySet together;
  for (const Key& key : out)
    if (const auto added = together.add(key); !added)
      return complain("the token keys, \"" + key.id() +
                      "\": " + std::string(sentence_of(added.error())));
  return out;
}

TokenKeys::TokenKeys() : current_(std::make_shared<const KeySet>()) {}

Outcome<Complaint> TokenKeys::load(const Config& config) {
  auto keys = configured_keys(config);
  if (!keys) return fail(keys.error());
  const std::lock_guard lock(mutex_);
  configured_ = std::move(*keys);
  publish();
  return Done{};
}

void TokenKeys::take(std::vector<Key> fetched) {
  const std::lock_guard lock(mutex_);
  has_fetched_.store(!fetched.empty(), std::memory_order_relaxed);
  fetched_ = std::move(fetched);
  publish();
}

void TokenKeys::fetched_by(int wake_fd, std::uint64_t pause_ms) {
  pause_ms_.store(pause_ms, std::memory_order_relaxed);
  wake_fd_.store(wake_fd, std::memory_order_relaxed);
}

void TokenKeys::fetch_begins(std::uint64_t now_ms) {
  tried_ms_.store(now_ms, std::memory_order_relaxed);
  fetches_.fetch_add(1, std::memory_order_relaxed);
}

void TokenKeys::fetch_ended(bool good) {
  is_wanted_.store(false, std::memory_order_relaxed);
  if (!good) fetch_failures_.fetch_add(1, std::memory_order_relaxed);
}

bool TokenKeys::may_come(std::uint64_t now_ms) {
  const int fd = wake_fd_.load(std::memory_order_relaxed);
  if (fd < 0) return false;
  const bool may_ask = now_ms - tried_ms_.load(std::memory_order_relaxed) >=
                       pause_ms_.load(std::memory_order_relaxed);
  // One system call per fetch, whatever the number of tokens.
  if (may_ask && !is_wanted_.exchange(true, std::memory_order_relaxed)) eventfd_write(fd, 1);
  return may_ask || !has_fetched_.load(std::memory_order_relaxed);
}

void TokenKeys::publish() {
  auto set = std::make_shared<KeySet>();
  // What the operator has put here goes before what is fetched, if they are called the same.
  for (const std::vector<Key>* keys : {&configured_, &fetched_})
    for (const Key& key : *keys)
      if (const auto added = set->add(key); !added) continue;
  current_ = std::move(set);
  edition_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const KeySet> TokenKeys::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace ringroom::realtime
