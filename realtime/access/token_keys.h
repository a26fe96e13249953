#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "realtime/access/key_set.h"
#include "realtime/config.h"

namespace ringroom::realtime {

// The keys that tokens are held against, wherever they come from, and how a change of them reaches
// the cores.
//
//   token-hmac-secret, token-key-files, token-jwks-file --load()--+
//                                                                 +--> one KeySet, a new edition
//   token-jwks-url, by its own thread (jwks_fetch.h) --take()-----+
//
//   a core: edition() != the one it has?  --> current(), and keeps it
//
// A core that has the newest edition reads one word that nobody writes; the lock is for those who
// change it, and for each core once per change.
//
// Owner:   the node. load() by main only; take() and take_none() by the fetching
// thread.
class TokenKeys {
 public:
  TokenKeys();

  // Reads the files that the configuration names. Errors: one sentence that names the option; the
  // keys from before stay in use.
  Outcome<Complaint> load(const Config& config);
  // What the URL has now, in place of what it had before.
  void take(std::vector<Key> fetched);

  // The thread that fetches: where to wake it, and how it fares.
  void fetched_by(int wake_fd, std::uint64_t pause_ms);
  void fetch_begins(std::uint64_t now_ms);
  void fetch_ended(bool good);
  bool is_wanted() const { return is_wanted_.load(std::memory_order_relaxed); }

  // A core met a key that it does not know. True: it may be known shortly, because the URL is asked
  // again or has not answered for long; false: it is not ours.
  bool may_come(std::uint64_t now_ms);

  std::uint32_t edition() const { return edition_.load(std::memory_order_acquire); }
  std::shared_ptr<const KeySet> current() const;

  std::uint64_t fetches() const { return fetches_.load(std::memory_order_relaxed); }
  std::uint64_t fetch_failures() const { return fetch_failures_.load(std::memory_order_relaxed); }

 private:
  void publish();  // with the lock held

  mutable std::mutex mutex_;
  std::vector<Key> configured_, fetched_;
  std::shared_ptr<const KeySet> current_;
  std::atomic<std::uint32_t> edition_{0};

  std::atomic<int> wake_fd_{-1};
  std::atomic<std::uint64_t> pause_ms_{0}, tried_ms_{0};
  std::atomic<bool> is_wanted_{false}, has_fetched_{false};
  std::atomic<std::uint64_t> fetches_{0}, fetch_failures_{0};
};

// The keys of the configuration itself: secret, PEM files, JWKS file.
// Errors: what is wrong with which option; never what a secret is.
Result<std::vector<Key>, Complaint> configured_keys(const Config& config);

// ALGORITHM:FILE or ALGORITHM:KID:FILE, as token-key-files has it.
struct NamedKeyFile {
  Algorithm algorithm;
  std::string id;
  std::string path;
};
std::optional<NamedKeyFile> parse_key_file(std::string_view text);

}  // namespace ringroom::realtime
