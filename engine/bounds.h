#pragma once

#include <cstddef>
#include <cstdint>

namespace ringroom::engine::bounds {

// Every bound of the engine, with the reason for its size. A bound that can be configured is an
// upper limit or a default here and a member of EngineOptions.

inline constexpr std::uint32_t cores_max = 256;         // mailboxes grow with the square
inline constexpr std::uint32_t sockets_max = 1u << 20;  // slots of one core
inline constexpr std::uint32_t submissions = 4096;      // one turn of sends; more costs an enter
inline constexpr std::uint32_t completions = 32768;     // multishot posts more than it takes
inline constexpr std::uint32_t receive_buffers = 512;   // a turn brings about 20, a storm hundreds
// A message of 16 KiB with its header in one piece: in three it costs 2 to 5 % more, and a copy.
// Small ones touch the first page of a buffer and no more.
inline constexpr std::size_t receive_buffer_bytes = 20 * 1024;
// A socket silent for one to two of these rests (receiver.h): 590 bytes of the kernel's memory
// less, and its next message costs 1 us more. Far shorter than a heartbeat of 25 s, or it would
// hardly rest; long enough that 10,000 that speak just as often cost a third of a percent of their
// core.
inline constexpr std::uint64_t rest_after_ms = 3'000;
inline constexpr std::uint32_t rest_slots_per_step = 128;  // about 0.1 ms if all begin to rest
inline constexpr std::uint32_t mailbox_letters = 1024;     // per ordered pair of cores

inline constexpr std::uint32_t send_vectors_max = 64;  // pieces gathered into one send
// Copying this much and sending one piece is cheaper than the kernel walking an iovec.
inline constexpr std::size_t gather_copy_bytes_max = 16 * 1024;
// What one send takes out of the lanes of a slow reader, if there is so much: a piece of a higher
// lane waits for it. As much again as half of what the kernel keeps unsent, so no rate is lost.
inline constexpr std::size_t lane_send_bytes = 64 * 1024;
// What the bookkeeping of one queued piece weighs against the queue limit, so that a peer that
// never reads cannot make us keep a million two-byte answers.
inline constexpr std::uint64_t piece_cost_bytes = 128;

// A last message past the queue limit: room for a WebSocket close frame with its reason.
inline constexpr std::size_t farewell_bytes_max = 256;

inline constexpr std::uint64_t tick_ms = 1;  // of the timer wheel; a sleep is late by far less
// From close() until the last queued byte is with the kernel; a slow but living reader gets there.
inline constexpr std::uint64_t flush_deadline_ms = 5'000;
// From our FIN until the peer's. Closing earlier could turn the last bytes into an RST.
inline constexpr std::uint64_t close_deadline_ms = 2'000;
// After an accept that failed for want of descriptors or memory: no spinning while there are none.
inline constexpr std::uint64_t accept_retry_ms = 10;
// A producer that met a full mailbox tries again after this long, whatever else happens.
inline constexpr std::uint64_t mailbox_retry_ms = 1;
// Multishot accept takes a whole backlog in one go; this near to the limit we take one at a time,
// so that no connection is accepted only to be dropped for want of a slot.
inline constexpr std::uint32_t accept_singly_below = 256;
// What the kernel keeps for a peer beyond what is on its way to it. Without this bound a peer that
// never reads holds 4 MiB there, out of reach of our queue limit; with it, no rate is lost, for the
// bytes on their way may still be as many as the path takes.
inline constexpr int unsent_bytes_max = 128 * 1024;
// How long the kernel keeps a connection for itself that has said nothing (TCP_DEFER_ACCEPT). With
// its first bytes it costs us one turn instead of two, 5 us of 33. The shortest there is: until
// then neither our limits nor our deadlines know the connection, and it costs 300 bytes of the
// kernel.
inline constexpr int defer_accept_s = 1;
inline constexpr int listen_backlog = 4096;  // cut by net.core.somaxconn

// Waiting (wait_policy.h). A sleep that ends costs its core about 13 us, so looking for longer than
// that can only lose, and does so surely where the sleeps are long already.
inline constexpr std::uint64_t spin_ns = 10'000;
inline constexpr std::uint64_t spin_below_idle_ns = 20'000;
// What gathering may add to a latency; a second sleep in the time it takes would cost as much.
inline constexpr std::uint32_t gather_us = 50;
inline constexpr std::uint32_t gather_longer_us = 100;
inline constexpr int gather_active_sockets_min = 16;  // fewer are likely to wait for our answer
// A trial compares windows long enough for a hundred events at the least rate worth a trial, and
// short enough that the load is the same in both.
inline constexpr std::uint64_t wait_window_ns = 10'000'000;
inline constexpr std::uint64_t wait_window_ns_max =
    40'000'000;                                                 // stretched by sleep: nothing to do
inline constexpr std::uint64_t wait_events_per_s_min = 10'000;  // below, sleeps cost under 13 %
inline constexpr std::uint32_t wait_trial_pairs = 4;            // windows of each side
// Where fewer events come, more pairs tell an uneven load from one that waits for our answers.
inline constexpr std::uint32_t wait_trial_rounds_max = 4;
inline constexpr std::uint64_t wait_saved_percent = 5;          // above the noise of a trial
inline constexpr std::uint64_t wait_saved_percent_longer = 10;  // what twice the latency is worth
inline constexpr std::uint64_t wait_events_lost_percent = 3;
// A core that waits this much of the time for its own processor shares it; one that does not waits
// 1 to 9 here, next to compilers on the same processors but ahead of them.
inline constexpr std::uint32_t wait_contended_permille = 50;
// Between trials: soon after a change, seldom while nothing changes. A trial that is lost costs
// 40 ms of a worse wait, 2 % of the time; one that stays open four times that.
inline constexpr std::uint32_t wait_pause_windows_min = 5;
inline constexpr std::uint32_t wait_pause_windows_max = 200;

static_assert((receive_buffers & (receive_buffers - 1)) == 0,
              "the kernel masks buffer ring indices");
static_assert((mailbox_letters & (mailbox_letters - 1)) == 0, "positions are masked");
static_assert(completions >= submissions, "a full turn must never overflow the CQ");

}  // namespace ringroom::engine::bounds
