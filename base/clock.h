#pragma once

#include <cstdint>
#include <ctime>

namespace ringroom {

// The one place that asks the system for the time. A turn reads it once and hands the value on, so
// code that is tested with a clock of its own takes the value as an argument.

inline std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Since an arbitrary point; never goes back. For deadlines and durations.
inline std::uint64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }
inline std::uint64_t monotonic_ms() { return monotonic_ns() / 1'000'000u; }

// Since 1970, can be set back by the operator. For timestamps that leave the process.
inline std::uint64_t wall_ms() { return clock_ns(CLOCK_REALTIME) / 1'000'000u; }

}  // namespace ringroom
