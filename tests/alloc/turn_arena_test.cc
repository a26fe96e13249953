#include "alloc/turn_arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace ringroom::alloc {
namespace {

TEST(TurnArena, GivesTheSameRoomAgainUntilItIsCommitted) {
  CoreHeap heap;
  TurnArena arena(heap);
  const auto room = arena.reserve(100);
  EXPECT_EQ(arena.reserve(50).data(), room.data());
  arena.commit(10);
  EXPECT_EQ(arena.position(), room.data() + 10);
  EXPECT_EQ(arena.reserve(1).data(), room.data() + 10);
}

TEST(TurnArena, KeepsEveryByteOfATurnApart) {
  CoreHeap heap;
  TurnArena arena(heap);
  std::vector<std::span<std::byte>> rooms;
  // Past a chunk, exactly a chunk, and more than one.
  for (const std::size_t bytes :
       {std::size_t{1}, TurnArena::chunk_bytes - 1, std::size_t{1}, TurnArena::chunk_bytes,
        TurnArena::chunk_bytes + 1, std::size_t{3'000'000}, std::size_t{7}}) {
    rooms.push_back(arena.reserve(bytes));
    std::memset(rooms.back().data(), static_cast<int>(rooms.size()), bytes);
    arena.commit(bytes);
  }
  for (std::size_t i = 0; i < rooms.size(); ++i) {
    for (const std::byte byte : rooms[i]) ASSERT_EQ(byte, std::byte(i + 1)) << i;
  }
}

TEST(TurnArena, AlignsWhatIsNotBytes) {
  CoreHeap heap;
  TurnArena arena(heap);
  for (std::size_t odd = 0; odd < 9; ++odd) {
    arena.reserve(odd);
    arena.commit(odd);
    const auto values = arena.allocate<std::uint64_t>(3);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(values.data()) % alignof(std::uint64_t), 0u);
    values[2] = odd;
  }
}

TEST(TurnArena, UsesTheSameMemoryTurnAfterTurnAndGivesBackABurst) {
  CoreHeap heap;
  TurnArena arena(heap);
  const auto one_turn = [&arena](std::size_t chunks) {
    for (std::size_t i = 0; i < chunks; ++i) {
      arena.reserve(TurnArena::chunk_bytes);
      arena.commit(TurnArena::chunk_bytes);
    }
    arena.reset();
  };
  one_turn(1);
  const std::size_t steady = arena.footprint_bytes();
  for (int i = 0; i < 10; ++i) one_turn(1);
  EXPECT_EQ(arena.footprint_bytes(), steady);
  one_turn(TurnArena::kept_chunks + 5);
  EXPECT_EQ(arena.footprint_bytes(), TurnArena::kept_chunks * TurnArena::chunk_bytes);
}

TEST(TurnArenaDeathTest, StopsTheProcessWhenMoreIsCommittedThanReserved) {
  CoreHeap heap;
  TurnArena arena(heap);
  arena.reserve(1);
  EXPECT_DEATH(arena.commit(TurnArena::chunk_bytes + 1), "check failed");
}

}  // namespace
}  // namespace ringroom::alloc
