// What a delivery costs above its send: a reference to the room's block in the queue of each
// listener, one send asked of the ring for each, and the release of all of them when the turn is
// known to be done. The ring here takes everything and does nothing, so what is left is ours.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>

#include "alloc/block.h"
#include "base/check.h"
#include "engine/send_queue.h"

namespace ringroom::engine {
namespace {

class TakesEverything : public Ring {
 public:
  void accept(Token, int, Shots) override {}
  void peer_name(Token, File, void*, std::uint32_t) override {}
  void receive(Token, File) override {}
  void readable(Token, File) override {}
  void send(Token, File, std::span<const std::byte> bytes, Patience) override {
    benchmark::DoNotOptimize(bytes.data());
    ++sends;
  }
  void send_gathered(Token, File, const msghdr& message, Patience) override {
    benchmark::DoNotOptimize(message.msg_iov);
    ++sends;
  }
  void shutdown_writing(Token, File) override {}
  void reset_on_close(Token, File) override {}
  void close(Token, File) override {}
  void cancel(Token, Token) override {}
  void watch(Token, int) override {}
  std::span<const Completion> turn(const Wait&) override { return {}; }
  bool ready() override { return false; }
  bool can_gather() const override { return false; }
  std::span<std::byte> received(const Completion&) override { return {}; }
  void give_back(std::uint16_t) override {}

  std::uint64_t sends = 0;
};

void deliver_one_batch(benchmark::State& state) {
  const auto listeners = static_cast<std::uint32_t>(state.range(0));
  TakesEverything ring;
  EngineCounters counters;
  SocketTable sockets(listeners, counters);
  for (std::uint32_t slot = 0; slot < listeners; ++slot)
    sockets.open(slot, 0).state = SocketState::open;
  SendQueues queues(ring, sockets, 1024 * 1024, counters);
  alloc::CoreHeap memory;
  alloc::BlockHeap heap(memory);
  const std::byte frame[132] = {};

  for (auto _ : state) {
    const alloc::BlockRef batch = heap.copy(frame);
    for (std::uint32_t slot = 0; slot < listeners; ++slot) {
      queues.send(slot, sockets.at(slot), batch.share());
    }
    queues.flush();
    queues.settle();
  }
  RR_CHECK(ring.sends == static_cast<std::uint64_t>(state.iterations()) * listeners);
  RR_CHECK(heap.blocks() == 0);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(deliver_one_batch)->Arg(10)->Arg(1'000)->Arg(10'000);

// Sixteen private answers in one turn, as an echo of a pipelining client: one send.
void write_sixteen(benchmark::State& state) {
  TakesEverything ring;
  EngineCounters counters;
  SocketTable sockets(1, counters);
  sockets.open(0, 0).state = SocketState::open;
  SendQueues queues(ring, sockets, 1024 * 1024, counters);
  const std::byte frame[24] = {};
  for (auto _ : state) {
    for (int i = 0; i < 16; ++i) queues.write(0, sockets.at(0), frame);
    queues.flush();
    queues.settle();
  }
  RR_CHECK(ring.sends == static_cast<std::uint64_t>(state.iterations()));
  state.SetItemsProcessed(state.iterations() * 16);
}
BENCHMARK(write_sixteen);

}  // namespace
}  // namespace ringroom::engine

BENCHMARK_MAIN();
