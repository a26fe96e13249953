#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "realtime/access/budget.h"
#include "realtime/access/budget_table.h"
#include "realtime/access/limit_rule.h"

namespace ringroom::realtime {

// A rule, and what everybody has spent of it: shared by all cores, changed without locks.
//
// Connections belong to one core; what they have spent is kept there (ConnectionBudgets), exactly.
// Users, addresses, workspaces and keys are found in a table of fixed size.
class Limit {
 public:
  // `keys` are what the table has room for.
  Limit(const LimitRule& rule, std::size_t keys);

  // What one key has spent: one of the two.
  struct Budget {
    Bucket* bucket = nullptr;
    Window* window = nullptr;
  };
  Budget of(std::uint64_t key, std::uint64_t now_ms, bool& has_squeezed);
  // 0: taken; otherwise the ms after which to ask again.
  std::uint64_t take(Budget budget, std::uint64_t now_ms) const;
  void give_back(Budget budget, std::uint64_t now_ms) const;

  const LimitRule& rule() const { return rule_; }
  // For whoever is refused.
  const std::string& sentence() const { return sentence_; }
  std::size_t bytes() const;

 private:
  const LimitRule rule_;
  const std::string sentence_;
  const Bucket::Shape bucket_;
  const Window::Shape window_;
  std::unique_ptr<BudgetTable<Bucket>> buckets_;
  std::unique_ptr<BudgetTable<Window>> windows_;
};

// What the connections of one core have spent of one rule, by the slot of their socket.
//
// Owner: one core.
class ConnectionBudgets {
 public:
  explicit ConnectionBudgets(bool is_sliding) : is_sliding_(is_sliding) {}

  Limit::Budget of(std::uint32_t slot);
  void reset(std::uint32_t slot);  // another connection has the slot now

 private:
  static constexpr std::size_t chunk_slots = 256;
  struct Chunk {
    std::unique_ptr<Bucket[]> buckets;
    std::unique_ptr<Window[]> windows;
  };

  const bool is_sliding_;
  std::vector<Chunk> chunks_;  // grows with the sockets there are, which are bounded
};

}  // namespace ringroom::realtime
