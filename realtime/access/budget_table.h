#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ringroom::realtime {

// What the keys of one limit have spent, for all cores: a table whose size is fixed at the start. A
// key has a place among eight, found by its hash.
//
//   set of a key:   | key key key key key key key key |  eight keys in one cache line
//                     |
//                   budget
//
// A key that is new takes the place of the one that has spent least there, and takes over what that
// one had spent: usually nothing. So a flood of keys makes nobody forget what he spent, and lets no
// more through than eight times the limit for each set; it only makes its keys share.
//
// Threads: any. `Budget` is Bucket or Window. A key that two cores meet for the first time at once
//          may be given two places, of which one is used once.
template <class Budget>
class BudgetTable {
 public:
  using Shape = typename Budget::Shape;

  // As many as asked for, or up to twice that.
  explicit BudgetTable(std::size_t keys)
      : sets_(std::bit_ceil(std::max<std::size_t>(1, (keys + ways - 1) / ways))),
        keys_(std::make_unique<Set[]>(sets_)),
        budgets_(std::make_unique<Budget[]>(sets_ * ways)) {}

  // `key` is a hash that nobody outside can choose; 0 stands for 1. `has_squeezed` becomes true if
  // somebody had to give way who had spent something.
  Budget& find(std::uint64_t key, const Shape& shape, std::uint64_t now_ms, bool& has_squeezed) {
    key = std::max<std::uint64_t>(key, 1);
    const std::size_t set = (key >> 32) & (sets_ - 1);
    auto& keys = keys_[set].keys;
    for (;;) {
      for (std::size_t way = 0; way < ways; ++way)
        if (keys[way].load(std::memory_order_relaxed) == key) return budgets_[set * ways + way];
      std::size_t least_way = 0;
      std::uint64_t least = ~std::uint64_t{0};
      for (std::size_t way = 0; way < ways && least > 0; ++way) {
        const std::uint64_t spent = budgets_[set * ways + way].spent(shape, now_ms);
        if (spent >= least) continue;
        least = spent;
        least_way = way;
      }
      std::uint64_t old = keys[least_way].load(std::memory_order_relaxed);
      if (keys[least_way].compare_exchange_strong(old, key, std::memory_order_relaxed))
        has_squeezed = has_squeezed || least > 0;
    }
  }

  std::size_t bytes() const { return sets_ * (sizeof(Set) + ways * sizeof(Budget)); }

 private:
  static constexpr std::size_t ways = 8;
  struct alignas(64) Set {
    std::atomic<std::uint64_t> keys[ways];
  };

  const std::size_t sets_;
  const std::unique_ptr<Set[]> keys_;
  const std::unique_ptr<Budget[]> budgets_;
};

}  // namespace ringroom::realtime
