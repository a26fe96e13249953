#pragma once

#include <cstdint>

#include "base/result.h"

namespace ringroom::load {

enum class ProcessError : std::uint8_t { gone_or_forbidden, not_in_this_kernel };

// CPU time used so far by each thread of a process, from /proc/PID/task/*/schedstat: nanoseconds on
// a core as the scheduler counts them, kernel work in system calls included. Interrupt work that
// the kernel does on behalf of nobody is charged to whoever ran at that moment.
struct ProcessCpu {
  std::uint64_t run_ns = 0;
  std::uint64_t waited_ns = 0;  // ready to run while others had the core
  std::uint64_t threads = 0;
};
Result<ProcessCpu, ProcessError> cpu_of(std::uint64_t pid);

// Resident memory in bytes (Rss of /proc/PID/smaps_rollup). The kernel's own memory for sockets and
// rings is not in it.
Result<std::uint64_t, ProcessError> resident_bytes_of(std::uint64_t pid);

// Reads resident memory until it stands still, as long as settle_ms_max at most.
Result<std::uint64_t, ProcessError> settled_bytes_of(std::uint64_t pid);

}  // namespace ringroom::load
