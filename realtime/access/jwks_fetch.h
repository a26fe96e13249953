#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "realtime/config.h"

namespace ringroom::realtime {

class TokenKeys;

// Brings the keys from token-jwks-url, on a thread of its own: a slow or broken key server costs
// the cores nothing.
//
//   the start, every token-jwks-refresh-ms, an unknown kid  -->  fetch  -->  TokenKeys::take()
//        at most one in token-jwks-refresh-min-ms
//   no success for token-jwks-max-age-ms  -->  TokenKeys::take({}): nobody comes in by these keys
//
// The address is the operator's alone: no proxy of the environment, no redirect, no scheme but http
// and https, a bounded body and a deadline for all of it.
//
// Owner:   main; started before the cores and ended after them.
// Errors:  none that end anything: a failure is counted, logged by its kind, and tried again. The
//          keys from before stay, up to their age.
class JwksFetch {
 public:
  // Returns when the first fetch has ended, well or not.
  static std::unique_ptr<JwksFetch> start(const Config& config, TokenKeys& keys);
  ~JwksFetch();
  JwksFetch(const JwksFetch&) = delete;
  JwksFetch& operator=(const JwksFetch&) = delete;

 private:
  JwksFetch(const Config& config, TokenKeys& keys);
  void run();
  void fetch();
  // False: what `failure` says.
  bool get(std::string& body, std::string& failure) const;
  bool take(const std::string& body, std::string& failure);
  void drop_if_too_old(std::uint64_t now_ms);
  std::uint64_t due_ms() const;  // when to look again, monotonic

  const Config& config_;
  TokenKeys& keys_;
  int wake_fd_;
  std::atomic<bool> stopping_{false};
  // Of the thread (and of start(), before there is one), monotonic.
  std::uint64_t tried_ms_ = 0;
  std::uint64_t fetched_ms_ = 0;
  bool has_keys_ = false;
  bool failed_ = false;
  std::string body_;  // that the keys in use were read from
  std::thread thread_;
};

}  // namespace ringroom::realtime
