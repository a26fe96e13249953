#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "realtime/access/limit.h"
#include "realtime/config.h"
#include "realtime/namespace.h"

namespace ringroom::realtime {

// What the operator has chosen, and what follows from it. Immutable: another choice is another one.
struct Settings {
  explicit Settings(const Config& config, const Settings* before = nullptr);

  const Config config;
  // What is the same as before is the very same object: rooms keep their options, and clients what
  // they have spent.
  const Namespaces namespaces;
  const std::vector<std::shared_ptr<Limit>> limits;  // in the order of the configuration
};

// The settings, and how a change of them reaches the cores.
//
//   main: SIGHUP --publish()--> a new edition
//   a core: edition() != the one it has?  --> current(), and keeps it
//
// A core that has the newest edition reads one word per turn that nobody writes; the lock is for
// main, and for each core once per change.
//
// Owner: the node. publish() and failed() by main only.
class SettingsEditions {
 public:
  explicit SettingsEditions(const Config& config)
      : current_(std::make_shared<const Settings>(config)) {}

  void publish(const Config& config);
  void failed() { failures_.fetch_add(1, std::memory_order_relaxed); }

  std::uint32_t edition() const { return edition_.load(std::memory_order_acquire); }
  std::shared_ptr<const Settings> current() const;

  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Settings> current_;
  std::atomic<std::uint32_t> edition_{1};
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace ringroom::realtime
