#pragma once

#include "base/counter.h"

namespace ringroom::alloc {

// Bytes of one core by purpose, for limits and for metrics: what a core keeps because somebody may
// ask for it later. What is on its way (queues, batches) is counted where it waits.
//
// Owner: one core writes; any thread reads. A new purpose is a field and a row.
struct Footprint {
  Counter history_bytes, idempotency_bytes, state_bytes, presence_bytes, offline_bytes, held_bytes;
};

inline constexpr CounterRow<Footprint> footprint_rows[] = {
    {"memory_history_bytes", CounterKind::gauge,
     "Memory of the messages that rooms remember, slack of their blocks included.",
     &Footprint::history_bytes},
    {"memory_idempotency_bytes", CounterKind::gauge,
     "Memory of the message ids that rooms know again.", &Footprint::idempotency_bytes},
    {"memory_state_bytes", CounterKind::gauge, "Keys and values that rooms keep.",
     &Footprint::state_bytes},
    {"memory_presence_bytes", CounterKind::gauge, "Memory of who is in which room.",
     &Footprint::presence_bytes},
    {"memory_offline_bytes", CounterKind::gauge, "Memory of messages that wait for absent users.",
     &Footprint::offline_bytes},
    {"memory_held_bytes", CounterKind::gauge, "Memory of publications that wait for their hours.",
     &Footprint::held_bytes},
};

}  // namespace ringroom::alloc
