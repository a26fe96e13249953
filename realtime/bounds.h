#pragma once

#include <cstddef>
#include <cstdint>

namespace ringroom::realtime::bounds {

// Limits of the product that nobody tunes; the tunable ones are rows in config.h.

// A batch of a room goes out when the turn ends, or as soon as it holds this much: one send of it
// still fits a socket buffer, and memory per busy room stays bounded.
inline constexpr std::size_t batch_bytes_max = 256 * 1024;

// A frame for one connection from this size on is a block of its own: the kernel rarely takes all
// of it at once, and what lies in the turn's memory would then have to be copied.
inline constexpr std::size_t held_frame_bytes_min = 64 * 1024;

// What a batch may grow to while its room's last one is still being handed out, until publishers
// are refused or made to wait. And what it grows to by the messages that were on their way when
// their publisher was made to wait: a core's mail, three times as long once it is in every form.
inline constexpr std::size_t full_batch_bytes_max = 16 * 1024 * 1024;
inline constexpr std::size_t held_batch_bytes_max = 64 * 1024 * 1024;

// What one turn's fan-out may take: other connections of the core wait twice as long at most until
// their own events are answered. A send takes 3 us to a thousand listeners and 8 to many more,
// whose sockets are no longer in any cache, so how many sends that is, within these bounds, is
// measured as they go.
inline constexpr std::uint64_t fanout_us_per_turn = 150;
inline constexpr std::size_t fanout_sends_per_turn_min = 16;
inline constexpr std::size_t fanout_sends_per_turn_max = 64;
// A room's share of them when many wait: finding it again costs more than a send or two.
inline constexpr std::size_t fanout_sends_per_room_min = 16;

// A listener that keeps its compression context has what it hears compressed for itself: so many
// bytes take as long as a send, and a batch beyond 128 KiB, 2 ms of work for one listener, goes to
// it as it is.
inline constexpr std::size_t context_bytes_per_send = 512;
inline constexpr std::size_t context_batch_bytes_max = 128 * 1024;

// Messages of a room's past in one answer, whatever may wait for a client: half of what can be
// translated into another dialect at once (proto/bounds.h), so that the rest of the answer fits.
inline constexpr std::size_t look_back_bytes_max = 8 * 1024 * 1024;

// Texts on their way to one other core, posted or still open. Publications beyond it are refused as
// `unavailable`: the publisher can try again, nobody's memory grows. While nothing is on its way
// one text of any size is taken, so the largest message always fits.
inline constexpr std::size_t mail_bytes_max = 16 * 1024 * 1024;
static_assert(full_batch_bytes_max + 3 * mail_bytes_max <= held_batch_bytes_max,
              "who is made to wait loses nothing of what it has said");

// Blocks lent by another core go home with the next letter; these many, or these many bytes, are
// worth a letter (and a wake-up) of their own.
inline constexpr std::size_t returns_count_max = 32;
inline constexpr std::size_t returns_bytes_max = 64 * 1024;

// Rooms are visited in rounds of so many steps, 5 s in all: what is too old leaves memory that late
// (readers never see it), and a position that went wrong is found that late. A million rooms on a
// core are 20,000 a step: over several turns, each of which looks at so many places of the table
// and forgets so many rooms, about 500 us by estimate.
inline constexpr std::uint64_t sweep_interval_ms = 100;
inline constexpr std::uint64_t sweep_rounds = 50;
inline constexpr std::size_t sweep_looks_per_turn = 2'000;
inline constexpr std::size_t sweep_ends_per_turn = 200;

// What reaches many rooms by a pattern looks at so many of a core's rooms in one turn, about 200
// us, and speaks in so many of them.
inline constexpr std::size_t walk_looks_per_turn = 1'000;
inline constexpr std::size_t walk_hits_per_turn = 64;
// Of one core under way; each is kept by every core until its walk is done.
inline constexpr std::size_t broadcasts_max = 16;
inline constexpr std::size_t broadcast_patterns_max = 16;

// Rooms in one list, if its asker says nothing, and at most.
inline constexpr std::uint32_t listed_rooms_usual = 100;
inline constexpr std::uint32_t listed_rooms_max = 1'000;
inline constexpr std::size_t room_metadata_bytes_max = 4 * 1024;

// Users or workspaces in one page, likewise.
inline constexpr std::uint32_t listed_names_usual = 100;
inline constexpr std::uint32_t listed_names_max = 1'000;

// Connections in one page, likewise; slots that a core looks at for it in one turn, about 50 us,
// and bytes that it sends.
inline constexpr std::uint32_t listed_connections_usual = 100;
inline constexpr std::uint32_t listed_connections_max = 1'000;
inline constexpr std::size_t connection_looks_per_turn = 4'096;
inline constexpr std::size_t listed_bytes_max = 256 * 1024;

// Of one call of the server API: names in a list, messages if it does not say how many, commands of
// a batch.
inline constexpr std::size_t call_names_max = 10'000;
inline constexpr std::uint32_t history_page_usual = 100;
inline constexpr std::size_t batch_commands_max = 1'000;

// What is for everybody looks at so many slots in one turn, and goes to so many connections: a
// millisecond by estimate.
inline constexpr std::size_t everybody_looks_per_turn = 4'096;
inline constexpr std::size_t everybody_sends_per_turn = 256;

// Announcements and closes of one turn while the process drains; 256 take about a millisecond.
inline constexpr std::size_t drain_sends_per_turn = 256;

// What a scrape adds up in one turn, about 30 us a core.
inline constexpr std::size_t scraped_cores_per_turn = 4;

// An HTTP connection may wait this long for its next request, whole.
inline constexpr std::uint64_t keep_alive_ms = 60'000;

// Timers of the shard itself; those of sessions have their socket as cookie.
inline constexpr std::uint64_t sweep_cookie = ~std::uint64_t{0};
inline constexpr std::uint64_t leave_cookie = ~std::uint64_t{1};
inline constexpr std::uint64_t go_on_cookie = ~std::uint64_t{2};  // only makes another turn
inline constexpr std::uint64_t drain_cookie = ~std::uint64_t{3};
inline constexpr std::uint64_t presence_cookie = ~std::uint64_t{4};
inline constexpr std::uint64_t flush_cookie = ~std::uint64_t{5};  // ephemeral messages waited

inline constexpr std::uint64_t quiet_cookie = ~std::uint64_t{6};  // held publications are due

// Held publications that go in one turn of a core; the rest follows 10 ms later.
inline constexpr std::size_t held_releases_per_turn = 256;

inline constexpr std::uint64_t pace_cookie = ~std::uint64_t{7};

// A paced message whose turn has come waits so long for listeners that still take the last batch.
inline constexpr std::uint64_t pace_retry_ms = 20;

// A user who is heard counts as active once in 2^15 ms, half of the shortest slice.
inline constexpr std::uint32_t user_seen_ms_bits = 15;

// The watchdog looks four times in the longest time that a turn may take, but not less often.
inline constexpr std::uint64_t watchdog_interval_ms_max = 250;
// Without a look for so long it is the watchdog that has to be looked at.
inline constexpr std::uint64_t watchdog_silence_ms_max = 3'000;

// A core that has not answered for so long fails its check; one that needs so long is degraded.
inline constexpr std::uint64_t health_wait_ms = 1'000;
inline constexpr std::uint64_t healthy_lag_us_max = 250'000;
inline constexpr std::size_t health_checks_max = 16;
// Reading the flight recorder looks at so many events in a turn, about 100 us.
inline constexpr std::size_t trace_looks_per_turn = 32 * 1'024;
inline constexpr std::uint32_t traced_usual = 100, traced_max = 1'000;  // events in one answer
inline constexpr std::size_t traces_max = 16;
inline constexpr std::size_t watchers_max = 8;
inline constexpr std::uint64_t own_numbers_cookie = ~std::uint64_t{10};
// Who begins to listen to them hears the first ones so soon.
inline constexpr std::uint64_t own_numbers_first_ms = 100;
inline constexpr std::size_t own_numbers_requests_max = 64;
inline constexpr std::uint64_t trace_cookie = ~std::uint64_t{9};

inline constexpr std::uint64_t health_cookie = ~std::uint64_t{8};

inline constexpr std::size_t user_id_bytes_max = 128;
// Distinct User-Agent texts kept per core; later ones are filed as "other".
inline constexpr std::size_t user_agents_max = 1024;
inline constexpr std::size_t user_agent_bytes_max = 200;

}  // namespace ringroom::realtime::bounds
