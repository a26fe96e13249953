#pragma once

#include "base/counter.h"

namespace ringroom::alloc {

// Bytes of one core by purpose, for limits and for metrics: what a core keeps because somebody may
// ask for it later. What is on its way (queues, batches) is counted where it waits.
//
// Owner: one core writes; any thread reads. A new purpose is a field and a row.
struct Footprint {
  Counter history_bytes, idempotency_bytes, state_bytes, presence_bytes, offline_bytes, held_bytes;
  // Looked at now and then.
  Counter sessions_bytes, blocks_bytes, recorder_bytes;
};

inline constexpr CounterRow<Footprint> footprint_rows[] = {
    {"memory_bytes", CounterKind::gauge,
     "Memory by purpose: messages that rooms remember (slack of their blocks included), message "
     "ids that they know again, keys and values that they keep, who is in them; messages that wait "
     "for absent users, publications that wait for their hours; slots of connections; the flight "
     "recorder; and all "
     "bytes in blocks, which are history and what is on its way.",
     &Footprint::history_bytes, "purpose=\"history\""},
    {"memory_bytes",
     CounterKind::gauge,
     {},
     &Footprint::idempotency_bytes,
     "purpose=\"idempotency\""},
    {"memory_bytes", CounterKind::gauge, {}, &Footprint::state_bytes, "purpose=\"state\""},
    {"memory_bytes", CounterKind::gauge, {}, &Footprint::presence_bytes, "purpose=\"presence\""},
    {"memory_bytes", CounterKind::gauge, {}, &Footprint::offline_bytes, "purpose=\"offline\""},
    {"memory_bytes", CounterKind::gauge, {}, &Footprint::held_bytes, "purpose=\"held\""},
    {"memory_bytes", CounterKind::gauge, {}, &Footprint::sessions_bytes, "purpose=\"sessions\""},
    {"memory_bytes", CounterKind::gauge, {}, &Footprint::blocks_bytes, "purpose=\"blocks\""},
    {"memory_bytes", CounterKind::gauge, {}, &Footprint::recorder_bytes, "purpose=\"recorder\""},
};

}  // namespace ringroom::alloc
