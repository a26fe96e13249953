// Bytes per second of each form of unmasking, and of the UTF-8 check that follows it for text.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "proto/unmask.h"
#include "proto/utf8.h"

namespace ringroom::proto {
namespace {

constexpr std::array<std::byte, 4> mask{std::byte(1), std::byte(2), std::byte(3), std::byte(4)};

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(std::int64_t(state.iterations()) * state.range(0));
}

void unmask_in_place(benchmark::State& state, UnmaskForm form) {
  if (!is_supported(form)) return state.SkipWithError("this processor lacks it");
  std::vector<std::byte> bytes(std::size_t(state.range(0)));
  for (auto _ : state) {
    unmask_with(form, bytes.data(), bytes.data(), bytes.size(), mask, 0);
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state);
}

void unmask_as_chosen(benchmark::State& state) {
  std::vector<std::byte> bytes(std::size_t(state.range(0)));
  for (auto _ : state) {
    unmask(bytes.data(), bytes.data(), bytes.size(), mask, 0);
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state);
}

void check_utf8_whole(benchmark::State& state) {
  const std::string text(std::size_t(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(is_utf8(text));
  count_bytes(state);
}

void check_utf8_in_4k_pieces(benchmark::State& state) {
  std::string text;
  while (text.size() < std::size_t(state.range(0))) text += "\xe2\x82\xac ";
  text.resize(std::size_t(state.range(0)));
  const auto bytes = std::as_bytes(std::span(text));
  for (auto _ : state) {
    Utf8Stream stream;
    bool good = true;
    for (std::size_t at = 0; at < bytes.size(); at += 4096)
      good = stream.add(bytes.subspan(at, std::min<std::size_t>(4096, bytes.size() - at)));
    benchmark::DoNotOptimize(good);
  }
  count_bytes(state);
}

#define SIZES ->Arg(20)->Arg(125)->Arg(512)->Arg(4096)->Arg(65536)
BENCHMARK_CAPTURE(unmask_in_place, plain, UnmaskForm::plain) SIZES;
BENCHMARK_CAPTURE(unmask_in_place, sse2, UnmaskForm::sse2) SIZES;
BENCHMARK_CAPTURE(unmask_in_place, avx2, UnmaskForm::avx2) SIZES;
BENCHMARK(unmask_as_chosen) SIZES;
BENCHMARK(check_utf8_whole) SIZES;
#undef SIZES
BENCHMARK(check_utf8_in_4k_pieces)->Arg(65536);

}  // namespace
}  // namespace ringroom::proto

BENCHMARK_MAIN();
