#pragma once

#include <cstddef>
#include <cstdint>

namespace ringroom::realtime::bounds {

// What a stranger may make us look at before we know who it is.

inline constexpr std::size_t token_bytes_max =
    8 * 1024;  // what a cookie or a request head can hold
inline constexpr std::size_t token_header_text_max = 1024;     // in base64url: alg, typ and a kid
inline constexpr std::size_t token_signature_text_max = 1366;  // RSA of 8192 bits in base64url
inline constexpr std::size_t token_members_max = 64;           // of the header, of the claims
inline constexpr std::size_t key_id_bytes_max = 255;
inline constexpr std::size_t token_subject_bytes_max = 128;
inline constexpr std::size_t token_word_bytes_max = 255;  // workspace, permission, pattern, zone
inline constexpr std::size_t token_rows_max = 256;  // patterns of `rooms`; names of `permissions`

// Keys: each one of its kind costs every token some time.
inline constexpr int rsa_bits_min = 2048;  // RFC 7518, 3.3
inline constexpr int rsa_bits_max = 8192;
inline constexpr std::size_t secret_bytes_max = 64 * 1024;
inline constexpr std::size_t keys_max = 100;
inline constexpr std::ptrdiff_t unnamed_keys_max = 4;  // of one algorithm: all of them are tried
inline constexpr std::size_t key_file_bytes_max = 256 * 1024;

// How far the clock of whoever signs tokens may be off, unless token-skew-ms says otherwise.
inline constexpr std::uint64_t clock_skew_s = 30;

// Patterns are tried in time proportional to stars times length; names are at most 255 bytes.
inline constexpr std::size_t pattern_stars_max = 4;

}  // namespace ringroom::realtime::bounds
