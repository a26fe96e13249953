#include "realtime/access/jwks_fetch.h"

#include <curl/curl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "realtime/access/bounds.h"
#include "realtime/access/jwk.h"
#include "realtime/access/token_keys.h"

namespace ringroom::realtime {

namespace {

struct CurlFree {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
using Curl = std::unique_ptr<CURL, CurlFree>;

// Less than was given ends the transfer: the body is longer than any key set.
std::size_t append(char* data, std::size_t size, std::size_t count, void* to) {
  std::string& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > bounds::key_file_bytes_max) return 0;
  body.append(data, size * count);
  return size * count;
}

int stop_if_asked(void* stopping, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stopping)->load(std::memory_order_relaxed) ? 1 : 0;
}

}  // namespace

std::unique_ptr<JwksFetch> JwksFetch::start(const Config& config, TokenKeys& keys) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::unique_ptr<JwksFetch> out(new JwksFetch(config, keys));
  out->fetch();
  out->thread_ = std::thread([fetch = out.get()] { fetch->run(); });
  return out;
}

JwksFetch::JwksFetch(const Config& config, TokenKeys& keys)
    : config_(config), keys_(keys), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  RR_CHECK(wake_fd_ >= 0);
  keys_.fetched_by(wake_fd_, config.token_jwks_refresh_min_ms);
}

JwksFetch::~JwksFetch() {
  stopping_.store(true, std::memory_order_relaxed);
  eventfd_write(wake_fd_, 1);
  thread_.join();
  keys_.fetched_by(-1, 0);
  close(wake_fd_);
}

std::uint64_t JwksFetch::due_ms() const {
  const std::uint64_t pause_ms = failed_ || keys_.is_wanted() ? config_.token_jwks_refresh_min_ms
                                                              : config_.token_jwks_refresh_ms;
  return tried_ms_ + pause_ms;
}

void JwksFetch::run() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    const std::uint64_t now_ms = monotonic_ms();
    drop_if_too_old(now_ms);
    if (now_ms >= due_ms()) {
      fetch();
      continue;
    }
    std::uint64_t until_ms = due_ms();
    if (has_keys_) until_ms = std::min(until_ms, fetched_ms_ + config_.token_jwks_max_age_ms);
    pollfd woken{.fd = wake_fd_, .events = POLLIN, .revents = 0};
    poll(&woken, 1, static_cast<int>(until_ms - std::min(until_ms, now_ms) + 1));
    eventfd_t count = 0;
    eventfd_read(wake_fd_, &count);
  }
}

void JwksFetch::drop_if_too_old(std::uint64_t now_ms) {
  if (!has_keys_ || now_ms - fetched_ms_ < config_.token_jwks_max_age_ms) return;
  has_keys_ = false;
  body_.clear();
  keys_.take({});
  Log::line(Log::Level::error,
            "the keys of token-jwks-url are too old: tokens signed by them are refused until it "
            "answers");
}

void JwksFetch::fetch() {
  tried_ms_ = monotonic_ms();
  keys_.fetch_begins(tried_ms_);
  std::string body, failure;
  const bool good = get(body, failure) && take(body, failure);
  failed_ = !good;
  keys_.fetch_ended(good);
  if (good) {
    fetched_ms_ = tried_ms_;  // as old as the question
    has_keys_ = true;
    return;
  }
  if (stopping_.load(std::memory_order_relaxed)) return;
  Log::line(Log::Level::warning, "the keys of token-jwks-url could not be fetched",
            {{"because", std::string_view(failure)}, {"has_earlier_keys", has_keys_}});
}

bool JwksFetch::get(std::string& body, std::string& failure) const {
  const Curl curl(curl_easy_init());
  RR_CHECK(curl != nullptr);
  const auto set = [&curl](CURLoption option, auto value) {
    RR_CHECK(curl_easy_setopt(curl.get(), option, value) == CURLE_OK);
  };
  set(CURLOPT_URL, config_.token_jwks_url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(config_.token_jwks_timeout_ms));
  set(CURLOPT_WRITEFUNCTION, append);
  set(CURLOPT_WRITEDATA, &body);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, stop_if_asked);
  set(CURLOPT_XFERINFODATA, &stopping_);
  if (!config_.token_jwks_ca_file.empty()) set(CURLOPT_CAINFO, config_.token_jwks_ca_file.c_str());
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    // The library's own words for the kind; never the address, which may hold a secret.
    failure =
        code == CURLE_WRITE_ERROR ? "the answer is longer than 256 KiB" : curl_easy_strerror(code);
    return false;
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return true;
  failure = "status " + std::to_string(status);
  return false;
}

bool JwksFetch::take(const std::string& body, std::string& failure) {
  if (has_keys_ && body == body_) return true;
  auto set = read_jwks(body, JwkOrigin::url);
  if (!set) {
    failure = "the answer is no JWKS";
    return false;
  }
  for (const JwkSet::LeftOut& left_out : set->left_out)
    if (left_out.error != KeyError::unsupported)
      Log::line(Log::Level::warning, "a key of token-jwks-url is left out",
                {{"kid", std::string_view(left_out.id)}, {"because", sentence_of(left_out.error)}});
  if (set->keys.empty()) {
    failure = "the answer has no key for signatures of tokens";
    return false;
  }
  Log::line(Log::Level::info, "keys were fetched from token-jwks-url",
            {{"keys", set->keys.size()}});
  keys_.take(std::move(set->keys));
  body_ = body;
  return true;
}

}  // namespace ringroom::realtime
