// What compressing a message costs and how much it saves: libdeflate and zlib when every message
// starts afresh, and zlib going on from the connection's earlier messages, over levels, windows and
// memory. docs/decisions/0013-permessage-deflate.md quotes the 1 KiB rows. `ratio` is bytes out per
// byte in.

#include <benchmark/benchmark.h>
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
namespace ringroom::proto {
namespace {

constexpr std::size_t messages = 512;

// Publications as a room sends them: the same members, other values, a list as long as it takes.
const std::vector<std::string>& stream_of(std::size_t bytes) {
  static std::vector<std::pair<std::size_t, std::vector<std::string>>> made;
  for (const auto& [size, texts] : made)
    if (size == bytes) return texts;
  std::mt19937 random(1);
  const auto number = [&](unsigned below) { return std::to_string(random() % below); };
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < messages; ++i) {
    std::string text = R"({"type":"room_message","room":"quotes:frankfurt","sequence":)" +
                       std::to_string(100'000 + i) + R"(,"timestamp":17000)" +
                       std::to_string(100'000'000 + 37 * i) + R"(,"sender":"feed-)" + number(20) +
                       R"(","payload":{"rows":[)";
    while (text.size() + 90 < bytes)
      text += R"({"symbol":"DE000)" + std::to_string(700'000 + random() % 97) + R"(","bid":)" +
              number(500) + "." + number(100) + R"(,"ask":)" + number(500) + "." + number(100) +
              R"(,"up":)" + (random() % 2 != 0 ? "true" : "false") + "},";
    text += R"({"end":")";
    text.append(bytes - std::min(bytes, text.size() + 5), 'x');
    texts.push_back(text + R"("}]}})");
  }
  return made.emplace_back(bytes, std::move(texts)).second;
}

class Rate {
 public:
  void add(std::size_t in, std::size_t out) { in_ += in, out_ += out; }
  void report(benchmark::State& state) const {
    state.SetBytesProcessed(static_cast<std::int64_t>(in_));
    state.counters["ratio"] = double(out_) / double(in_);
  }

 private:
  std::size_t in_ = 0, out_ = 0;
};

void afresh_libdeflate(benchmark::State& state) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(int(state.range(1)));
  const auto& texts = stream_of(std::size_t(state.range(0)));
  std::vector<char> out(libdeflate_deflate_compress_bound(compressor, texts[0].size() + 100));
  Rate rate;
  std::size_t i = 0;
  for (auto _ : state) {
    const std::string& text = texts[i++ % texts.size()];
    rate.add(text.size(), libdeflate_deflate_compress(compressor, text.data(), text.size(),
                                                      out.data(), out.size()));
  }
  rate.report(state);
  libdeflate_free_compressor(compressor);
}

enum class Start { afresh, where_the_last_one_ended };

void run_zlib(benchmark::State& state, Start start, int level, int window_bits, int memory) {
  z_stream zlib{};
  RR_CHECK(deflateInit2(&zlib, level, Z_DEFLATED, -window_bits, memory, Z_DEFAULT_STRATEGY) ==
           Z_OK);
  const auto& texts = stream_of(std::size_t(state.range(0)));
  std::vector<char> out(deflateBound(&zlib, texts[0].size() + 100) + 16);
  Rate rate;
  std::size_t i = 0;
  for (auto _ : state) {
    const std::string& text = texts[i++ % texts.size()];
    zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    zlib.avail_in = static_cast<uInt>(text.size());
    zlib.next_out = reinterpret_cast<Bytef*>(out.data());
    zlib.avail_out = static_cast<uInt>(out.size());
    if (start == Start::afresh) deflateReset(&zlib);
    deflate(&zlib, Z_SYNC_FLUSH);
    rate.add(text.size(), out.size() - zlib.avail_out - 4);
  }
  rate.report(state);
  deflateEnd(&zlib);
}

void afresh_zlib(benchmark::State& state) {
  run_zlib(state, Start::afresh, int(state.range(1)), 15, 8);
}
void context_zlib(benchmark::State& state) {
  run_zlib(state, Start::where_the_last_one_ended, int(state.range(1)), int(state.range(2)),
           int(state.range(3)));
}

BENCHMARK(afresh_libdeflate)
    ->ArgNames({"bytes", "level"})
    ->ArgsProduct({{256, 1024, 4096, 16384}, {1, 2, 3, 6, 9}});
BENCHMARK(afresh_zlib)
    ->ArgNames({"bytes", "level"})
    ->ArgsProduct({{256, 1024, 4096, 16384}, {1, 3, 6, 9}});
BENCHMARK(context_zlib)
    ->ArgNames({"bytes", "level", "window", "memory"})
    ->ArgsProduct({{1024}, {1, 3, 5, 6}, {9, 12, 13, 15}, {5, 8}});

}  // namespace
}  // namespace ringroom::proto

BENCHMARK_MAIN();
