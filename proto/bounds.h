#pragma once

#include <cstddef>
#include <cstdint>

namespace ringroom::proto {

// Limits of bytes and forms. What an operator may tune (message and body bytes) is an argument of
// the call that needs it; what stands here is the ceiling of that argument, or fixed by a standard.

// RFC 6455, 5.5: a control frame fits into one small frame; a close starts with two bytes of code.
inline constexpr std::size_t control_payload_bytes_max = 125;
inline constexpr std::size_t close_reason_bytes_max = control_payload_bytes_max - 2;

// Browsers and proxies send a few fragments per message, and a stream writer one per buffer. A peer
// that sends more buys our time with tiny frames and is closed with 1008: so many are free, and one
// more for every so many bytes that did arrive.
inline constexpr std::uint64_t message_fragments_free = 1024;
inline constexpr std::uint64_t bytes_per_further_fragment = 32;
// A data frame from this size on, whose bytes span several receives, is unmasked by SIMD straight
// into the assembly buffer; below it wslay's byte loop costs less than 250 ns.
inline constexpr std::uint64_t direct_frame_bytes_min = 512;
// An assembly buffer starts here and doubles with what has arrived, never by a declared length.
inline constexpr std::size_t assembly_bytes_min = 4096;
// A lent buffer that grew beyond this is given back to the heap instead of to the pool.
inline constexpr std::size_t pooled_buffer_bytes_max = 64 * 1024;
// Messages are worth an exception while the buffers of a core are less than this together: one of
// 1 MiB would otherwise be copied twice while its buffer doubles, each time anew.
inline constexpr std::size_t pooled_messages_bytes_max = 4 * 1024 * 1024;
// Lent states kept for the next connection; a burst beyond it is freed again.
inline constexpr std::size_t pooled_states_max = 64;
// Readable bytes behind every text given to a parser with wide loads (simdjson's padding). The
// engine promises them behind received bytes; our own buffers reserve them.
inline constexpr std::size_t readable_behind_bytes = 64;

// One frame of a message larger than this is no message of ours; the length stays far from 2^63.
inline constexpr std::uint64_t message_bytes_ceiling = 16 * 1024 * 1024;

// A compressed message may be longer on the wire than what it holds: stored blocks cost 5 bytes
// each, and a compressor with little memory makes one of 127 bytes. More than this is no honest
// one.
constexpr std::uint64_t compressed_bytes_max(std::uint64_t message_bytes_max) {
  return message_bytes_max + message_bytes_max / 16 + 64;
}
// zlib is asked for so much at a time, and the limit of a message is looked at in between.
inline constexpr std::size_t inflate_step_bytes = 16 * 1024;

// A browser's head with cookies and a token is 2-6 KiB; nginx and node stop at 8-16 KiB.
inline constexpr std::size_t http_head_bytes_max = 16 * 1024;
inline constexpr std::size_t http_target_bytes_max = 8 * 1024;  // a token may travel in the query
inline constexpr std::size_t http_headers_max = 100;
inline constexpr std::size_t http_body_bytes_ceiling = 16 * 1024 * 1024;
// A chunk line is a few hex digits; more than this is an attack on whoever reads it differently.
inline constexpr std::size_t chunk_size_digits_max = 8;
// A body in one-byte chunks costs 6 bytes of line per byte of body; nobody legitimate does it.
inline constexpr std::size_t chunk_count_max = 16 * 1024;

inline constexpr std::size_t subprotocol_offers_max = 16;

// Names travel in every message and in metrics.
inline constexpr std::size_t type_bytes_max = 64;
inline constexpr std::size_t room_bytes_max = 255;
inline constexpr std::size_t id_bytes_max = 128;  // message_id, correlation_id: a UUID has 36
inline constexpr std::size_t user_bytes_max = 255;
inline constexpr std::size_t epoch_bytes_max = 64;

// Two levels of envelope and a sane payload. Deeper texts break recursive parsers of clients.
inline constexpr std::size_t json_depth_max = 128;
inline constexpr std::size_t json_text_bytes_max = message_bytes_ceiling;
// simdjson's tables take about 14 bytes per byte of text; a larger text's are not kept.
inline constexpr std::size_t json_kept_text_bytes = 256 * 1024;

// Lists of one command: 128 rooms with positions, or 128 inner messages.
inline constexpr std::size_t json_scratch_bytes = 16 * 1024;

inline constexpr std::size_t connect_rooms_max = 128;     // also the default rooms per connection
inline constexpr std::size_t batch_messages_max = 128;    // inner messages of one message_batch
inline constexpr std::size_t event_types_max = 64;        // of one subscribe
inline constexpr std::size_t key_bytes_max = 128;         // of a value that a room keeps
inline constexpr std::size_t permission_bytes_max = 128;  // of a message's `requires`
inline constexpr std::size_t info_bytes_max = 1024;  // of a member: it stands in every list of them
inline constexpr std::size_t metadata_bytes_max = 4096;  // of a room
inline constexpr std::uint32_t rooms_listed_max = 1000;  // by one list_rooms
// Members of one object that are compared for a merge patch: each is looked up in the other.
inline constexpr std::size_t patch_members_max = 256;
inline constexpr std::uint32_t history_limit_max = 1000;  // messages asked for at once

static_assert(pooled_buffer_bytes_max >= http_head_bytes_max, "a head must not leave the pool");
static_assert(json_text_bytes_max >= message_bytes_ceiling, "every message must be parsable");

}  // namespace ringroom::proto
