#pragma once

#include "engine/wait_policy.h"

namespace ringroom::engine {

// What the thread that made it has had of its processor. A read costs about 1 us.
//
// Owner:  that thread; no other may read it.
// Errors: where the kernel does not tell how long a thread waited (no /proc, or a kernel without
//         CONFIG_SCHED_INFO), it never waited.
class ProcessorClock {
 public:
  ProcessorClock();
  ~ProcessorClock();
  ProcessorClock(const ProcessorClock&) = delete;
  ProcessorClock& operator=(const ProcessorClock&) = delete;

  ProcessorTime read() const;

 private:
  int schedstat_fd_;
};

}  // namespace ringroom::engine
