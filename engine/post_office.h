#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/id.h"
#include "engine/doorbell.h"
#include "engine/mailbox.h"

namespace ringroom::engine {

// Everything cores share: a mailbox per ordered pair of cores, a doorbell per core, and the request
// to stop.
//
// Owner:    the engine; made before the cores and gone after them.
class PostOffice {
 public:
  explicit PostOffice(std::uint32_t cores) : cores_(cores), boxes_(cores * cores) {
    for (auto& box : boxes_) box = std::make_unique<Mailbox>();
    for (std::uint32_t i = 0; i < cores; ++i) bells_.push_back(std::make_unique<Doorbell>());
  }

  Mailbox& box(CoreId from, CoreId to) { return *boxes_[from.value * cores_ + to.value]; }
  Doorbell& bell(CoreId core) { return *bells_[core.value]; }
  std::uint32_t cores() const { return cores_; }

  bool valid() const {
    for (const auto& bell : bells_) {
      if (!bell->valid()) return false;
    }
    return true;
  }

  // Any thread, also a signal handler's.
  void stop() {
    stopping_.store(true, std::memory_order_release);
    for (auto& bell : bells_) bell->ring();
  }
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

 private:
  std::uint32_t cores_;
  std::vector<std::unique_ptr<Mailbox>> boxes_;
  std::vector<std::unique_ptr<Doorbell>> bells_;
  std::atomic<bool> stopping_{false};
};

}  // namespace ringroom::engine
