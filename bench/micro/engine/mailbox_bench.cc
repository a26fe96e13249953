// What a letter costs: pushed and drained in batches by one thread (the queue itself), and handed
// to another running core.

#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "engine/doorbell.h"
#include "engine/mailbox.h"

namespace ringroom::engine {
namespace {

void PushAndDrain(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  auto box = std::make_unique<Mailbox>();
  std::vector<Letter> letters(batch);
  std::vector<Letter*> out;
  out.reserve(batch);
  for (auto _ : state) {
    for (Letter& letter : letters) box->push(letter);
    box->publish();
    out.clear();
    box->drain(out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(PushAndDrain)->Arg(1)->Arg(64);

void ToARunningCore(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  auto box = std::make_unique<Mailbox>();
  Doorbell bell;
  std::vector<Letter> letters(batch);
  std::atomic<bool> over{false};
  std::thread reader([&] {
    std::vector<Letter*> out;
    out.reserve(bounds::mailbox_letters);
    while (!over.load(std::memory_order_relaxed)) {
      out.clear();
      box->drain(out);
      benchmark::DoNotOptimize(out.data());
    }
  });
  for (auto _ : state) {
    for (Letter& letter : letters) {
      while (!box->push(letter)) box->publish();
    }
    box->publish();
    Doorbell::fence();
    bell.ring_if_asleep();
  }
  over = true;
  reader.join();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(ToARunningCore)->Arg(1)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace ringroom::engine

BENCHMARK_MAIN();
