#pragma once

#include <cstddef>
#include <cstdint>

namespace ringroom::load {

// One recv takes what a socket holds: a fan-out of small messages arrives hundreds of frames at a
// time, and the cost of the call is shared by all of them. Twice the kernel's default of 128 KiB.
inline constexpr std::size_t receive_buffer_bytes = std::size_t{256} * 1024;

// A listener that has not emptied its socket gets no second recv in a row; others wait too.
inline constexpr std::size_t receive_grow_bytes = std::size_t{64} * 1024;

inline constexpr std::size_t upgrade_response_bytes_max =
    std::size_t{16} * 1024;                                      // far above a real one
inline constexpr std::uint64_t payload_bytes_max = 64ull << 20;  // far above any server's limit
inline constexpr std::uint64_t connections_max = 1'000'000;      // 36 source addresses' ports
inline constexpr std::uint64_t rate_max = 10'000'000;  // per second; more than a core sends
inline constexpr std::uint32_t threads_max = 64;

// Ephemeral ports of one source address (net.ipv4.ip_local_port_range is 28,232 wide by default),
// less a margin for other programs.
inline constexpr std::uint32_t connections_per_source_max = 25'000;

// Addresses 127.0.0.1 .. 127.0.0.16 that a storm rotates through: a port that has just been closed
// rests before it can be used again.
inline constexpr std::uint32_t storm_sources = 16;

// What is known of each (listener, publisher) pair takes 16 bytes.
inline constexpr std::uint64_t pairs_max = 64ull << 20;

// How far one member of a room may be behind another and their order still be compared.
inline constexpr std::uint32_t order_window = 1024;
static_assert((order_window & (order_window - 1)) == 0, "used as a mask");

// The same with slow listeners: what a server may hold for one (1 MiB) and what their sockets hold,
// as messages. All rooms of a thread together keep at most order_entries_max.
inline constexpr std::uint32_t order_window_slow = 65'536;
inline constexpr std::uint32_t order_entries_max = 4u << 20;
static_assert((order_window_slow & (order_window_slow - 1)) == 0, "used as a mask");

// A slow listener's socket takes little, so that its pauses reach the server and do not end in a
// buffer of ours; much less, and catching up would be one small window at a time. The kernel
// doubles it.
inline constexpr int slow_receive_bytes = 32 * 1024;

// What a native JSON message is longer than its payload.
inline constexpr std::size_t envelope_bytes_max = 4096;
inline constexpr std::size_t room_namespace_bytes_max = 64;

// Due sends between two looks at the sockets: a backlog must not starve the replies.
inline constexpr std::uint32_t sends_per_turn_max = 64;
inline constexpr int events_per_turn_max = 512;

// How often rooms that give no sign of a finished join are asked again; see Client::probe_rooms.
inline constexpr std::uint64_t probe_interval_ms = 50;

// The longest sleep of a client thread with nothing to do; a wake-up by the coordinator is instant.
inline constexpr std::uint64_t sleep_ms_max = 100;

// Memory of the server counts as settled when so many readings in a row are the same.
inline constexpr int settled_readings = 5;
inline constexpr std::uint64_t settle_interval_ms = 100;
inline constexpr std::uint64_t settle_ms_max = 5'000;

// Points of a run's series: one a second for ten minutes, and more than a chart has pixels for.
inline constexpr std::size_t series_points_max = 600;

}  // namespace ringroom::load
