#pragma once

#include <cstddef>
#include <cstdint>

namespace ringroom::realtime::bounds {

// What a stranger may make us look at before we know who it is.

inline constexpr std::size_t token_bytes_max =
    8 * 1024;  // what a cookie or a request head can hold
inline constexpr std::size_t key_id_bytes_max = 64;
inline constexpr std::size_t token_subject_bytes_max = 128;
inline constexpr std::size_t token_word_bytes_max = 255;  // workspace, permission, pattern, zone
inline constexpr std::size_t token_rows_max = 256;  // patterns of `rooms`; names of `permissions`

// How far the clock of whoever signs tokens may be off.
inline constexpr std::uint64_t clock_skew_s = 30;

// Patterns are tried in time proportional to stars times length; names are at most 255 bytes.
inline constexpr std::size_t pattern_stars_max = 4;

}  // namespace ringroom::realtime::bounds
