#include "realtime/access/limit.h"

#include "base/check.h"

namespace ringroom::realtime {

namespace {

constexpr std::uint64_t ns_per_ms = 1'000'000;

constexpr std::uint64_t divided_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

std::string sentence_of(const LimitRule& rule) {
  return "more than " + rule.text() + " allows; go on after retry_after";
}

Bucket::Shape bucket_of(const LimitRule& rule) {
  const std::uint64_t cost_ns = divided_up(rule.window_ms * ns_per_ms, rule.count);
  return {.cost_ns = cost_ns, .burst_ns = cost_ns * rule.burst};
}

Window::Shape window_of(const LimitRule& rule) {
  return {.slot_ms = divided_up(rule.window_ms, Window::slots - 1),
          .count = static_cast<std::uint32_t>(rule.count)};
}

}  // namespace

Limit::Limit(const LimitRule& rule, std::size_t keys)
    : rule_(rule),
      sentence_(sentence_of(rule)),
      bucket_(bucket_of(rule)),
      window_(window_of(rule)) {
  if (rule.per == LimitRule::Per::connection) return;
  if (rule.is_sliding) {
    windows_ = std::make_unique<BudgetTable<Window>>(keys);
  } else {
    buckets_ = std::make_unique<BudgetTable<Bucket>>(keys);
  }
}

Limit::Budget Limit::of(std::uint64_t key, std::uint64_t now_ms, bool& has_squeezed) {
  if (buckets_) return {.bucket = &buckets_->find(key, bucket_, now_ms, has_squeezed)};
  RR_CHECK(windows_ != nullptr);
  return {.window = &windows_->find(key, window_, now_ms, has_squeezed)};
}

std::uint64_t Limit::take(Budget budget, std::uint64_t now_ms) const {
  return budget.bucket != nullptr ? budget.bucket->take(bucket_, now_ms)
                                  : budget.window->take(window_, now_ms);
}

void Limit::give_back(Budget budget, std::uint64_t now_ms) const {
  if (budget.bucket != nullptr) return budget.bucket->give_back(bucket_, now_ms);
  budget.window->give_back(window_, now_ms);
}

std::size_t Limit::bytes() const {
  return (buckets_ ? buckets_->bytes() : 0) + (windows_ ? windows_->bytes() : 0);
}

Limit::Budget ConnectionBudgets::of(std::uint32_t slot) {
  const std::size_t chunk = slot / chunk_slots;
  if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
  Chunk& own = chunks_[chunk];
  if (is_sliding_) {
    if (!own.windows) own.windows = std::make_unique<Window[]>(chunk_slots);
    return {.window = &own.windows[slot % chunk_slots]};
  }
  if (!own.buckets) own.buckets = std::make_unique<Bucket[]>(chunk_slots);
  return {.bucket = &own.buckets[slot % chunk_slots]};
}

void ConnectionBudgets::reset(std::uint32_t slot) {
  const std::size_t chunk = slot / chunk_slots;
  if (chunk >= chunks_.size()) return;
  Chunk& own = chunks_[chunk];
  if (own.buckets) own.buckets[slot % chunk_slots].reset();
  if (own.windows) own.windows[slot % chunk_slots].reset();
}

}  // namespace ringroom::realtime
