#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace ringroom {

// A count that one thread writes and any thread reads. The writer pays a plain load and store, no
// locked instruction; a reader on another core sees a value that was true a moment ago.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(read() + n, std::memory_order_relaxed); }
  void subtract(std::uint64_t n = 1) { value_.store(read() - n, std::memory_order_relaxed); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

enum class CounterKind : std::uint8_t { total, gauge };

// One row of a layer's counters.h: enough for metrics to print it without knowing what it counts.
template <class Counters>
struct CounterRow {
  std::string_view name;  // Prometheus name, without the `ringroom_` prefix
  CounterKind kind;
  std::string_view help;
  Counter Counters::*field;
};

}  // namespace ringroom
