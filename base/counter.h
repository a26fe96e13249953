#pragma once

#include <atomic>
#include <cstddef>
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

enum class CounterKind : std::uint8_t {
  total,
  gauge,
  microseconds  // a total, shown in seconds
};

// One row of a layer's counters.h: enough for metrics to print it without knowing what it counts.
template <class Counters>
struct CounterRow {
  std::string_view name;  // Prometheus name, without the `ringroom_` prefix
  CounterKind kind;
  std::string_view help;  // of the first row of its name; rows of one name stand together
  Counter Counters::*field;
  std::string_view label = {};  // `name="value"`; empty: none
};

// The same for a count per member of a closed set, such as the codes of errors: one series each,
// whose label is the member's name.
template <class Counters>
struct CounterFamily {
  std::string_view name;
  CounterKind kind;
  std::string_view help;
  std::string_view label;  // its name
  std::size_t count;
  std::string_view (*name_of)(std::size_t index);
  Counter* (*first)(Counters&);
};

}  // namespace ringroom
