#include "engine/socket.h"

#include <gtest/gtest.h>

#include "engine/socket_table.h"

namespace ringroom::engine {
namespace {

TEST(InFlight, HoldsEveryOperationOnce) {
  InFlight operations;
  EXPECT_TRUE(operations.empty());
  for (auto op = Op::receive; op <= Op::close; op = Op(static_cast<unsigned>(op) + 1)) {
    operations.add(op);
    EXPECT_TRUE(operations.has(op));
  }
  for (auto op = Op::receive; op <= Op::close; op = Op(static_cast<unsigned>(op) + 1)) {
    EXPECT_FALSE(operations.empty());
    operations.remove(op);
  }
  EXPECT_TRUE(operations.empty());
}

TEST(InFlightDeathTest, StopsTheProcessWhenAnOperationEndsTwice) {
  InFlight operations;
  operations.add(Op::receive);
  EXPECT_DEATH(operations.add(Op::receive), "check failed");
  operations.remove(Op::receive);
  EXPECT_DEATH(operations.remove(Op::receive), "check failed");
}

TEST(SocketTable, DoesNotFreeASocketTheKernelStillHolds) {
  EngineCounters counters;
  SocketTable table(4, counters);
  Socket& socket = table.open(2, 0);
  socket.begin(Op::receive, 2);
  EXPECT_DEATH(table.free(2), "in_flight.empty");
  socket.in_flight.remove(Op::receive);
  table.free(2);
  EXPECT_EQ(table.open_count(), 0u);
  EXPECT_EQ(counters.sockets_open.read(), 0u);
}

TEST(SocketTable, DoesNotFindASocketByTheIdOfTheOneBefore) {
  EngineCounters counters;
  SocketTable table(4, counters);
  table.open(1, 0);
  const SocketId first = table.id_of(1);
  EXPECT_NE(table.find(first.slot, first.generation), nullptr);
  table.free(1);
  EXPECT_EQ(table.find(first.slot, first.generation), nullptr);
  table.open(1, 0);
  EXPECT_EQ(table.find(first.slot, first.generation), nullptr);
  EXPECT_NE(table.id_of(1), first);
  EXPECT_EQ(table.find(4, 0), nullptr) << "beyond the table";
}

TEST(SocketTable, WrapsTheGenerationInsideItsBits) {
  EngineCounters counters;
  SocketTable table(1, counters);
  table.at(0).generation = Token::generation_max;
  table.open(0, 0);
  table.free(0);
  EXPECT_EQ(table.at(0).generation, 0u);
}

}  // namespace
}  // namespace ringroom::engine
