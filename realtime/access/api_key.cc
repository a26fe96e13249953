#include "realtime/access/api_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/check.h"

namespace ringroom::realtime {

namespace {

std::array<std::byte, 32> sha256(std::string_view text) {
  std::array<std::byte, 32> out;
  unsigned bytes = 0;
  RR_CHECK(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()),
                      &bytes, EVP_sha256(), nullptr) == 1);
  RR_CHECK(bytes == out.size());
  return out;
}

}  // namespace

ApiKey::ApiKey(std::string_view key) : set_(!key.empty()) {
  if (set_) digest_ = sha256(key);
}

bool ApiKey::matches(std::string_view candidate) const {
  if (!set_ || candidate.empty()) return false;
  const auto digest = sha256(candidate);
  return CRYPTO_memcmp(digest.data(), digest_.data(), digest.size()) == 0;
}

void ApiKeys::add(std::string_view name, Scopes scopes, std::optional<Workspace> workspace,
                  std::string_view key) {
  if (key.empty()) return;
  Entry& entry = entries_.emplace_back(
      Entry{.name = std::string(name), .scopes = scopes, .workspace = {}, .key = ApiKey(key)});
  if (workspace) entry.workspace = OwnedWorkspace(*workspace);
}

const ApiKeys::Entry* ApiKeys::find(std::string_view candidate) const {
  if (candidate.empty()) return nullptr;
  const auto digest = sha256(candidate);
  const Entry* found = nullptr;
  for (const Entry& entry : entries_)
    if (CRYPTO_memcmp(digest.data(), entry.key.digest_.data(), digest.size()) == 0) found = &entry;
  return found;
}

}  // namespace ringroom::realtime
