#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "engine/uring.h"

namespace ringroom::engine {

enum class ProbeStep : std::uint8_t { setup, map, register_files, register_buffers, receive };

enum class ProbeCause : std::uint8_t {
  seccomp,             // a container's filter
  sysctl,              // kernel.io_uring_disabled
  kernel_too_old,      // before 6.1
  locked_memory,       // RLIMIT_MEMLOCK
  too_many_files,      // RLIMIT_NOFILE, which also bounds the ring's file table
  out_of_descriptors,  // of this process or the machine
  unknown
};

struct ProbeFailure {
  ProbeStep step;
  int error_number;
  ProbeCause cause;  // the most likely one
};

// Tries, before anything else starts, what every core will need: a ring with the very same flags
// and sizes, a sparse file table, a buffer ring, and one multishot receive over a socket pair.
// Leaves nothing behind.
Outcome<ProbeFailure> probe(const UringOptions& options);

// The same for a ring that could not be opened later on.
ProbeFailure explain(const UringError& error);

// What a failure most likely means. `sysctl` is kernel.io_uring_disabled, -1 where it does not
// exist.
ProbeCause likely_cause(ProbeStep step, int error_number, int sysctl, bool kernel_is_new_enough);

// One sentence for the operator: what is wrong, and the exact cure.
std::string describe(const ProbeFailure& failure);

}  // namespace ringroom::engine
