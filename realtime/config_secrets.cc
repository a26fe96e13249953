#include "realtime/config_secrets.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace ringroom::realtime {

namespace {

constexpr std::size_t secret_file_bytes_max = 64 * 1024;  // a key; anything longer is another file

Outcome<Complaint> take_secret(std::string& secret, std::string_view option,
                               const std::string& path) {
  if (path.empty()) return Done{};
  if (!secret.empty())
    return complain(std::string(option) + " and " + std::string(option) +
                    "-file are both set: remove one of them");
  auto text = read_secret(std::string(option) + "-file", path);
  if (!text) return fail(text.error());
  secret = std::move(*text);
  return Done{};
}

// Whoever reaches an address of the network can try the keys that stand in examples.
Outcome<Complaint> refuse_guessable(std::string_view option, const std::string& secret,
                                    const Address& address) {
  if (secret.empty() || is_loopback(address) || !is_guessable(secret)) return Done{};
  return complain(std::string(option) + " can be guessed, so it is refused on " + address.host +
                  ": make one of 24 random bytes, `head -c 24 /dev/urandom | base64`");
}

bool is_admin_key_there(const Config& config) {
  return !config.admin_key.empty() ||
         std::ranges::any_of(config.access_keys,
                             [](const AccessKey& key) { return key.scopes.has(Scope::admin); });
}

Outcome<Complaint> settle_admin(Config& config) {
  if (!config.admin && (config.internal_api || config.internal_metrics))
    return complain(std::string(config.internal_api ? "internal-api" : "internal-metrics") +
                    " is for the paths of admin-listen, and `admin` is off");
  if (!config.admin) return Done{};
  if (config.admin_listen == config.listen && config.listen.port != 0)
    return complain("admin-listen and listen are the same address; choose another port");
  if (is_loopback(config.admin_listen)) return Done{};
  if (config.insecure_dev)
    return complain("insecure-dev lets everybody in, so it is refused with admin-listen on " +
                    config.admin_listen.host + ": let that be 127.0.0.1 or [::1]");
  if (!is_admin_key_there(config))
    return complain("admin-listen on " + config.admin_listen.host +
                    " needs a key: set admin-key-file");
  return Done{};
}

// Where each key is of use has to be an address at which it cannot be guessed.
Outcome<Complaint> settle_keys(Config& config) {
  for (AccessKey& key : config.access_keys) {
    auto secret = read_secret("access-key " + key.name + ": file", key.file);
    if (!secret) return fail(secret.error());
    key.secret = std::move(*secret);
  }
  std::vector<std::pair<std::string, const std::string*>> keys = {{"api-key", &config.api_key},
                                                                  {"admin-key", &config.admin_key}};
  for (const AccessKey& key : config.access_keys)
    keys.emplace_back("access-key " + key.name, &key.secret);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto& [name, secret] = keys[i];
    const bool is_for_clients = !config.internal_api && secret != &config.admin_key;
    if (is_for_clients)
      if (auto done = refuse_guessable(name, *secret, config.listen); !done) return done;
    if (config.admin)
      if (auto done = refuse_guessable(name, *secret, config.admin_listen); !done) return done;
    for (std::size_t j = 0; j < i; ++j)
      if (!secret->empty() && *keys[j].second == *secret)
        return complain(name + " is the same as " + keys[j].first + "; give each its own");
  }
  return Done{};
}

}  // namespace

Outcome<Complaint> settle_secrets(Config& config) {
  struct Place {
    std::string* secret;
    std::string_view option;
    const std::string* file;
  };
  for (const auto& [secret, option, file] :
       {Place{&config.api_key, "api-key", &config.api_key_file},
        Place{&config.admin_key, "admin-key", &config.admin_key_file},
        Place{&config.token_hmac_secret, "token-hmac-secret", &config.token_hmac_secret_file}})
    if (auto done = take_secret(*secret, option, *file); !done) return done;
  if (auto done = settle_admin(config); !done) return done;
  if (auto done = settle_keys(config); !done) return done;
  return refuse_guessable("token-hmac-secret", config.token_hmac_secret, config.listen);
}

Result<std::string, Complaint> read_file(std::string_view option, const std::string& path,
                                         std::size_t bytes_max) {
  const std::string subject = std::string(option) + " " + path;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (file == nullptr) return complain(subject + " cannot be read: " + std::strerror(errno));
  std::string text(bytes_max + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0)
    return complain(subject + " cannot be read: " + std::strerror(errno));
  if (text.size() > bytes_max)
    return complain(subject + " is too long, more than " + print_quantity(bytes_max, Unit::bytes) +
                    ": it is another file");
  return text;
}

Result<std::string, Complaint> read_secret(std::string_view option, const std::string& path) {
  auto text = read_file(option, path, secret_file_bytes_max);
  if (!text) return text;
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->empty()) return complain(std::string(option) + " " + path + " is empty");
  return text;
}

}  // namespace ringroom::realtime
