#pragma once

#include <cstddef>
#include <cstdint>

namespace ringroom::realtime::bounds {

// Limits of the product that nobody tunes; the tunable ones are rows in config.h.

// A batch of a room goes out when the turn ends, or as soon as it holds this much: one send of it
// still fits a socket buffer, and memory per busy room stays bounded.
inline constexpr std::size_t batch_bytes_max = 256 * 1024;

// Texts on their way to one other core, posted or still open. Publications beyond it are refused as
// `unavailable`: the publisher can try again, nobody's memory grows. While nothing is on its way
// one text of any size is taken, so the largest message always fits.
inline constexpr std::size_t mail_bytes_max = 16 * 1024 * 1024;

// Blocks lent by another core go home with the next letter; these many, or these many bytes, are
// worth a letter (and a wake-up) of their own.
inline constexpr std::size_t returns_count_max = 32;
inline constexpr std::size_t returns_bytes_max = 64 * 1024;

// Members up to which a room announces each join and leave. Beyond it an announcement per join
// would cost members^2 frames when a large room fills (10,000 members: 50 million).
inline constexpr std::uint32_t announced_members_max = 100;
// User ids listed in room_joined; member_count tells the whole number.
inline constexpr std::uint32_t listed_members_max = 100;

// A room without listeners keeps its sequence this long, so that a publisher that comes a moment
// before its readers does not see the numbering start again.
inline constexpr std::uint64_t empty_room_ms = 60'000;
inline constexpr std::uint64_t sweep_interval_ms = 5'000;

// An HTTP connection may wait this long for its next request, whole.
inline constexpr std::uint64_t keep_alive_ms = 60'000;

inline constexpr std::size_t user_id_bytes_max = 128;
// Distinct User-Agent texts kept per core; later ones are filed as "other".
inline constexpr std::size_t user_agents_max = 1024;
inline constexpr std::size_t user_agent_bytes_max = 200;

}  // namespace ringroom::realtime::bounds
