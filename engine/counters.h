#pragma once

#include "base/counter.h"

namespace ringroom::engine {

// What one core of the engine counts. Written by that core, read by anyone;
// on cache lines of its own, so that reading one core's never slows another.
struct alignas(128) EngineCounters {
  Counter turns;
  Counter spins;
  Counter spin_hits;
  Counter sleeps;
  Counter min_waits;
  Counter contended_windows;
  Counter uring_enters;
  Counter uring_completions;
  Counter uring_cq_overflows;
  Counter uring_stale_completions;
  Counter sockets_open;
  Counter accepts;
  Counter accept_pauses;
  Counter accept_errors;
  Counter receive_starved;
  Counter sockets_resting;
  Counter bytes_received;
  Counter sends;
  Counter sends_blocked;
  Counter sends_over_limit;
  Counter sends_held_back;
  Counter sockets_blocked;
  Counter bytes_sent;
  Counter queue_bytes;
  Counter letters_received;
  Counter wakes;
  Counter mailbox_full;
};

inline constexpr CounterRow<EngineCounters> engine_counter_rows[] = {
    {"turns_total", CounterKind::total, "Turns of the core's loop.", &EngineCounters::turns},
    {"spins_total", CounterKind::total, "Times the core looked on before it would have slept.",
     &EngineCounters::spins},
    {"spin_hits_total", CounterKind::total, "Of those, times something came before it did.",
     &EngineCounters::spin_hits},
    {"sleeps_total", CounterKind::total, "Waits in the kernel.", &EngineCounters::sleeps},
    {"min_waits_total", CounterKind::total,
     "Of those, waits for several completions or a minimum time.", &EngineCounters::min_waits},
    {"contended_windows_total", CounterKind::total,
     "Windows of 10 ms or more in which other work wanted the core's processor: it does not spin.",
     &EngineCounters::contended_windows},
    {"uring_enters_total", CounterKind::total, "io_uring_enter calls.",
     &EngineCounters::uring_enters},
    {"uring_completions_total", CounterKind::total, "Completions reaped.",
     &EngineCounters::uring_completions},
    {"uring_cq_overflows_total", CounterKind::total,
     "Turns in which the completion queue overflowed; nothing is lost, only slower.",
     &EngineCounters::uring_cq_overflows},
    {"uring_stale_completions_total", CounterKind::total,
     "Completions for a socket that had ended; ignored.", &EngineCounters::uring_stale_completions},
    {"sockets_open", CounterKind::gauge, "Sockets in use, closing ones included.",
     &EngineCounters::sockets_open},
    {"accepts_total", CounterKind::total, "Connections accepted.", &EngineCounters::accepts},
    {"accept_pauses_total", CounterKind::total,
     "Times accepting stopped because all sockets were in use.", &EngineCounters::accept_pauses},
    {"accept_errors_total", CounterKind::total, "Accepts refused by the kernel.",
     &EngineCounters::accept_errors},
    {"receive_starved_total", CounterKind::total,
     "Receives that found no free buffer and were armed again.", &EngineCounters::receive_starved},
    {"sockets_resting", CounterKind::gauge,
     "Sockets that were silent for long and wait in the kernel's cheaper way.",
     &EngineCounters::sockets_resting},
    {"bytes_received_total", CounterKind::total, "Bytes received.",
     &EngineCounters::bytes_received},
    {"sends_total", CounterKind::total, "Send operations.", &EngineCounters::sends},
    {"sends_blocked_total", CounterKind::total, "Sends that met a full socket buffer.",
     &EngineCounters::sends_blocked},
    {"sends_over_limit_total", CounterKind::total, "Sends refused by the queue limit.",
     &EngineCounters::sends_over_limit},
    {"sends_held_back_total", CounterKind::total,
     "Sends that took a lower lane than asked for, behind an earlier one of their stream.",
     &EngineCounters::sends_held_back},
    {"sockets_blocked", CounterKind::gauge,
     "Sockets whose peer has not yet taken what is queued for it.",
     &EngineCounters::sockets_blocked},
    {"bytes_sent_total", CounterKind::total, "Bytes taken by the kernel.",
     &EngineCounters::bytes_sent},
    {"queue_bytes", CounterKind::gauge, "Bytes queued and not yet taken by the kernel.",
     &EngineCounters::queue_bytes},
    {"letters_received_total", CounterKind::total, "Letters from other cores.",
     &EngineCounters::letters_received},
    {"wakes_total", CounterKind::total, "Sleeping cores woken by this one.",
     &EngineCounters::wakes},
    {"mailbox_full_total", CounterKind::total, "Letters that found their mailbox full.",
     &EngineCounters::mailbox_full},
};

}  // namespace ringroom::engine
