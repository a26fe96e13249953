// What the order of names costs a room that comes and goes among many, and what a page of them
// takes. A million rooms take half a gigabyte.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "realtime/room/room_index.h"

namespace ringroom::realtime {
namespace {

struct Rooms {
  explicit Rooms(std::int64_t count) {
    const auto rules = std::make_shared<const Namespace>();
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string name = "chat:room-number-" + std::to_string(i);
      const NameIn scoped(Workspace(), name);
      const RoomId id{static_cast<std::uint64_t>(i)};
      rooms.push_back(std::make_unique<Room>(id, scoped, rules, 1, 1));
    }
    std::shuffle(rooms.begin(), rooms.end(), std::mt19937(1));
    for (const auto& room : rooms) index.add(*room);
  }
  std::vector<std::unique_ptr<Room>> rooms;
  RoomIndex index;
};

void GoAndCome(benchmark::State& state) {
  Rooms rooms(state.range(0));
  std::size_t at = 0;
  for (auto _ : state) {
    Room& room = *rooms.rooms[at];
    rooms.index.remove(room);
    rooms.index.add(room);
    at = (at + 7'919) % rooms.rooms.size();
  }
  state.SetItemsProcessed(2 * state.iterations());
  state.counters["bytes/room"] =
      static_cast<double>(rooms.index.memory_bytes()) / static_cast<double>(rooms.index.size());
}
BENCHMARK(GoAndCome)->Arg(10'000)->Arg(1'000'000);

void PageOfAThousand(benchmark::State& state) {
  Rooms rooms(state.range(0));
  std::size_t from = 0, letters = 0;
  for (auto _ : state) {
    const std::string_view name = rooms.rooms[from]->shown_name();
    auto at = rooms.index.find(Workspace(), name, RoomIndex::From::behind);
    for (int left = 1'000; left > 0 && at.room() != nullptr; --left, at.step())
      letters += at.room()->shown_name().size();
    from = (from + 7'919) % rooms.rooms.size();
  }
  benchmark::DoNotOptimize(letters);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PageOfAThousand)->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace ringroom::realtime

BENCHMARK_MAIN();
