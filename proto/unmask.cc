#include "proto/unmask.h"

#include <immintrin.h>

#include <cstring>

#include "base/check.h"

namespace ringroom::proto {

namespace {

// Below this the plain form is done before a wide one has set up its registers.
constexpr std::size_t wide_bytes_min = 32;

// The mask as four bytes in memory order, turned so that its first byte meets the first of the
// piece. Whole steps of 4, 8, 16 and 32 bytes leave it as it is.
std::uint32_t turned(std::array<std::byte, 4> mask, std::size_t phase) {
  std::uint32_t word;
  std::memcpy(&word, mask.data(), 4);
  const auto bits = static_cast<unsigned>(phase % 4 * 8);
  return bits == 0 ? word : word >> bits | word << (32 - bits);  // little endian: x86
}

void unmask_plain(std::byte* dst, const std::byte* src, std::size_t n, std::uint32_t mask) {
  const std::uint64_t wide = std::uint64_t(mask) << 32 | mask;
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, src + i, 8);
    word ^= wide;
    std::memcpy(dst + i, &word, 8);
  }
  if (n - i >= 4) {
    std::uint32_t word;
    std::memcpy(&word, src + i, 4);
    word ^= mask;
    std::memcpy(dst + i, &word, 4);
    i += 4;
  }
  for (std::uint32_t rest = mask; i < n; ++i, rest >>= 8) dst[i] = src[i] ^ std::byte(rest & 0xff);
}

void unmask_sse2(std::byte* dst, const std::byte* src, std::size_t n, std::uint32_t mask) {
  const __m128i wide = _mm_set1_epi32(static_cast<int>(mask));
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m128i word = _mm_loadu_si128(reinterpret_cast<const __m128i*>(src + i));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst + i), _mm_xor_si128(word, wide));
  }
  unmask_plain(dst + i, src + i, n - i, mask);
}

__attribute__((target("avx2"))) void unmask_avx2(std::byte* dst, const std::byte* src,
                                                 std::size_t n, std::uint32_t mask) {
  const __m256i wide = _mm256_set1_epi32(static_cast<int>(mask));
  std::size_t i = 0;
  for (; i + 128 <= n; i += 128) {
    for (std::size_t lane = 0; lane < 128; lane += 32) {
      const __m256i word = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src + i + lane));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + i + lane), _mm256_xor_si256(word, wide));
    }
  }
  for (; i + 32 <= n; i += 32) {
    const __m256i word = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(src + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dst + i), _mm256_xor_si256(word, wide));
  }
  unmask_sse2(dst + i, src + i, n - i, mask);
}

UnmaskForm widest_form() {
  return is_supported(UnmaskForm::avx2) ? UnmaskForm::avx2 : UnmaskForm::sse2;
}

}  // namespace

bool is_supported(UnmaskForm form) {
  return form != UnmaskForm::avx2 || __builtin_cpu_supports("avx2") != 0;
}

void unmask_with(UnmaskForm form, std::byte* dst, const std::byte* src, std::size_t n,
                 std::array<std::byte, 4> mask, std::size_t phase) {
  const std::uint32_t word = turned(mask, phase);
  switch (form) {
    case UnmaskForm::plain:
      return unmask_plain(dst, src, n, word);
    case UnmaskForm::sse2:
      return unmask_sse2(dst, src, n, word);
    case UnmaskForm::avx2:
      RR_CHECK(is_supported(form));
      return unmask_avx2(dst, src, n, word);
  }
}

void unmask(std::byte* dst, const std::byte* src, std::size_t n, std::array<std::byte, 4> mask,
            std::size_t phase) {
  const std::uint32_t word = turned(mask, phase);
  if (n < wide_bytes_min) return unmask_plain(dst, src, n, word);
  static const UnmaskForm form = widest_form();
  if (form == UnmaskForm::avx2) return unmask_avx2(dst, src, n, word);
  unmask_sse2(dst, src, n, word);
}

}  // namespace ringroom::proto
