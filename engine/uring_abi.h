#pragma once

#include <cstdint>

namespace ringroom::engine::abi {

// Constants of the kernel's io_uring ABI that are newer than the headers of liburing 2.3, with the
// kernel that brought them.

inline constexpr std::uint32_t setup_no_sqarray = 1u << 16;  // 6.6: SQEs without an index array
// 6.12: a minimum wait, in the word of io_uring_getevents_arg that was padding.
inline constexpr std::uint32_t feature_min_timeout = 1u << 15;

// URING_CMD on a socket; level and option name travel in `addr`, the value's address in `addr3`,
// its length in `file_index`.
inline constexpr std::uint32_t socket_op_getsockopt = 2;  // 6.7
inline constexpr std::uint32_t socket_op_setsockopt = 3;  // 6.7

}  // namespace ringroom::engine::abi
