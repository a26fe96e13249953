#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ringroom::proto {

// Takes the client's mask off a payload (RFC 6455, 5.3): dst[i] = src[i] ^ mask[(phase + i) % 4].
// `phase` counts the bytes of the frame that came before, so a payload may arrive in pieces.
//
// Any alignment. `dst` may equal `src`, or not overlap it at all. Nothing outside the n bytes is
// touched. The widest form this processor has (AVX2, else SSE2) is chosen at the first call.
void unmask(std::byte* dst, const std::byte* src, std::size_t n, std::array<std::byte, 4> mask,
            std::size_t phase);

// The forms behind it, so that tests and benchmarks can hold each against the plain one.
enum class UnmaskForm : std::uint8_t { plain, sse2, avx2 };
bool is_supported(UnmaskForm form);
void unmask_with(UnmaskForm form, std::byte* dst, const std::byte* src, std::size_t n,
                 std::array<std::byte, 4> mask, std::size_t phase);

}  // namespace ringroom::proto
