#include "tools/load/pauses.h"

#include <algorithm>

#include "base/check.h"

namespace ringroom::load {
namespace {

constexpr std::uint64_t never_ns = ~std::uint64_t{0};

}  // namespace

void Pauses::start(std::uint64_t start_ns, std::uint64_t until_ns) {
  start_ns_ = start_ns;
  until_ns_ = until_ns;
}

void Pauses::end_early(std::uint64_t now_ns) { until_ns_ = std::min(until_ns_, now_ns); }

std::uint64_t Pauses::stop_ns() const {
  if (listeners_ == 0) return never_ns;
  // Multiplied, not added up: a rounded distance would drift.
  const std::uint64_t at = start_ns_ + stops_ * period_ns_ / listeners_;
  return at < until_ns_ ? at : never_ns;
}

std::uint64_t Pauses::resume_ns() const {
  if (resumes_ == stops_) return never_ns;
  return std::min(start_ns_ + resumes_ * period_ns_ / listeners_ + pause_ns_, until_ns_);
}

std::uint64_t Pauses::due_ns() const { return std::min(stop_ns(), resume_ns()); }

Pauses::Turn Pauses::take() {
  RR_CHECK(due_ns() != never_ns);
  // At the same time reading comes first: with few listeners the next pause may be the same one's.
  if (resume_ns() <= stop_ns()) {
    return {.listener = static_cast<std::uint32_t>(resumes_++ % listeners_), .reads = true};
  }
  return {.listener = static_cast<std::uint32_t>(stops_++ % listeners_), .reads = false};
}

}  // namespace ringroom::load
