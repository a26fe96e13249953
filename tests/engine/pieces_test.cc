#include "engine/pieces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "alloc/turn_arena.h"
#include "engine/bounds.h"

namespace ringroom::engine {
namespace {

class PieceOrder : public testing::Test {
 protected:
  static std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
  }
  Piece block(std::string_view text) {
    alloc::Block* const held = blocks_.copy(bytes(text)).release();
    return {.data = held->data, .block = held, .size_bytes = held->size_bytes, .next = Piece::none};
  }
  void push(std::string_view text) { pieces_.push(socket_, block(text), Lane::medium); }
  void push(std::string_view text, Lane lane, LanePlace& place) {
    pieces_.push(socket_, block(text), lane, place);
  }
  // As the first send that took nothing leaves it.
  void block_reader() {
    socket_.blocked = true;
    pieces_.outlive(socket_);
  }
  // What the next send would carry; and takes it off.
  std::string leave() {
    if (socket_.nothing_queued()) return "";
    const Pieces::Gathered gathered = pieces_.gather(socket_);
    std::string out;
    const Piece* piece = &socket_.front;
    for (int i = 0; i < gathered.count; ++i) {
      if (i > 0) piece = &pieces_.behind(*piece);
      out.append(reinterpret_cast<const char*>(piece->data), piece->size_bytes);
    }
    EXPECT_EQ(out.size(), gathered.bytes);
    pieces_.pop(socket_, gathered.count);
    return out;
  }
  void expect_nothing_left() {
    EXPECT_TRUE(socket_.nothing_queued());
    EXPECT_EQ(pieces_.bytes(), 0u);
    EXPECT_EQ(pieces_.count_of(socket_), 0u);
    EXPECT_EQ(blocks_.blocks(), 0u) << "a block is still held";
  }

  alloc::CoreHeap heap_;
  alloc::BlockHeap blocks_{heap_};
  alloc::TurnArena arena_{heap_};
  Pieces pieces_{blocks_};
  Socket socket_{};
};

TEST_F(PieceOrder, NeedsNoLineForOnePiece) {
  push("one");
  EXPECT_EQ(socket_.line, Socket::no_line);
  push("two");
  EXPECT_NE(socket_.line, Socket::no_line);
  EXPECT_EQ(leave(), "onetwo");
  EXPECT_EQ(socket_.line, Socket::no_line);
  expect_nothing_left();
}

TEST_F(PieceOrder, IsThatOfTheCallsForAReaderThatKeepsUp) {
  LanePlace a;
  LanePlace b;
  push("a", Lane::low, a);
  push("b", Lane::critical, b);
  EXPECT_EQ(leave(), "ab");
  expect_nothing_left();
}

TEST_F(PieceOrder, IsByLanesBehindWhatWasThereForABlockedReader) {
  LanePlace places[4];
  push("first ");
  block_reader();
  push("low ", Lane::low, places[0]);
  push("medium ");
  push("critical ", Lane::critical, places[1]);
  push("high ", Lane::high, places[2]);
  push("critical ", Lane::critical, places[3]);
  EXPECT_EQ(leave(), "first critical critical high medium low ");
  expect_nothing_left();
}

TEST_F(PieceOrder, NeverTurnsTwoOfAStreamAround) {
  LanePlace place;
  LanePlace other;
  push("0");
  block_reader();
  push("1", Lane::low, place);
  push("x", Lane::high, other);
  EXPECT_TRUE(pieces_.push(socket_, block("2"), Lane::critical, place)) << "held back";
  EXPECT_EQ(leave(), "0x12");
  push("3");
  block_reader();
  push("y", Lane::high, other);
  EXPECT_FALSE(pieces_.push(socket_, block("4"), Lane::critical, place)) << "nothing of it waits";
  EXPECT_EQ(leave(), "34y");
  expect_nothing_left();
}

TEST_F(PieceOrder, HoldsForAStreamThatChangesLanes) {
  LanePlace place;
  push("0");
  block_reader();
  push("1", Lane::high, place);
  push("m");
  push("2", Lane::low, place);
  push("3", Lane::high, place);
  EXPECT_EQ(leave(), "01m23");
  expect_nothing_left();
}

TEST_F(PieceOrder, IsFixedForAsMuchAsOneSendTakes) {
  LanePlace low;
  LanePlace critical;
  const std::string part(bounds::lane_send_bytes / 2, 'l');
  push("first");
  block_reader();
  for (int i = 0; i < 4; ++i) push(part, Lane::low, low);
  EXPECT_EQ(pieces_.gather(socket_).count, 3);
  push("urgent", Lane::critical, critical);
  EXPECT_EQ(leave(), "first" + part + part);
  EXPECT_EQ(leave(), "urgent" + part + part);
  expect_nothing_left();
}

TEST_F(PieceOrder, OutlivesTheTurnInBlocks) {
  const auto write = [&](std::string_view text) {
    const std::byte* start = arena_.reserve(text.size()).data();
    std::memcpy(arena_.reserve(text.size()).data(), text.data(), text.size());
    arena_.commit(text.size());
    const auto size = static_cast<std::uint32_t>(text.size());
    if (pieces_.extend(socket_, Lane::medium, start, size)) return true;
    pieces_.push(socket_,
                 {.data = start, .block = nullptr, .size_bytes = size, .next = Piece::none},
                 Lane::medium);
    return false;
  };
  EXPECT_FALSE(write("ab"));
  EXPECT_TRUE(write("cd")) << "writes in a row are one piece";
  push("ef");
  EXPECT_FALSE(write("gh"));
  EXPECT_TRUE(write("ij"));
  block_reader();
  std::memset(arena_.reserve(1).data() - 8, '!', 8);  // the turn is over
  EXPECT_FALSE(write("kl"));
  EXPECT_TRUE(write("mn")) << "also in a lane";
  pieces_.keep_new();
  std::memset(arena_.reserve(1).data() - 4, '!', 4);
  EXPECT_FALSE(write("op")) << "not behind a piece that was kept";
  pieces_.keep_new();
  EXPECT_EQ(leave(), "abcdefghijklmnop");
  expect_nothing_left();
}

// Against a model that is slow and plain, over random calls.

constexpr int streams = 6;

struct Model {
  struct Item {
    std::string text;
    int stream;  // -1: none
    Lane lane;
  };
  std::vector<Item> run;
  std::vector<Item> waiting;  // by lane, then by age
  bool has_lanes = false;

  void push(Item item) {
    if (run.empty() && waiting.empty()) has_lanes = false;
    if (!has_lanes) {
      run.push_back(std::move(item));
      return;
    }
    for (const Item& other : waiting) {
      if (item.stream >= 0 && other.stream == item.stream)
        item.lane = std::min(item.lane, other.lane);
    }
    const auto behind = std::find_if(waiting.begin(), waiting.end(),
                                     [&](const Item& other) { return other.lane < item.lane; });
    waiting.insert(behind, std::move(item));
  }
  std::string gather() {
    std::string out;
    std::size_t count = 0;
    for (; count < run.size() && count < bounds::send_vectors_max; ++count) out += run[count].text;
    while (!waiting.empty() && count < bounds::send_vectors_max &&
           out.size() < bounds::lane_send_bytes) {
      ++count;
      out += waiting.front().text;
      run.push_back(std::move(waiting.front()));
      waiting.erase(waiting.begin());
    }
    return out;
  }
  void pop_bytes(std::size_t bytes) {
    while (bytes > 0) {
      const std::size_t part = std::min(bytes, run.front().text.size());
      run.front().text.erase(0, part);
      bytes -= part;
      if (run.front().text.empty()) run.erase(run.begin());
    }
  }
  std::size_t bytes() const {
    std::size_t out = 0;
    for (const Item& item : run) out += item.text.size();
    for (const Item& item : waiting) out += item.text.size();
    return out;
  }
};

TEST_F(PieceOrder, AgreesWithAPlainListOverRandomCalls) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    const std::size_t size_max = seed % 3 == 0 ? 20'000 : 40;
    Model model;
    LanePlace places[streams];
    for (int step = 0; step < 300; ++step) {
      const std::size_t pushes = below(10) == 0 ? below(150) : below(4);
      for (std::size_t i = 0; i < pushes; ++i) {
        std::string text(1 + below(size_max), static_cast<char>('a' + below(26)));
        const Lane lane = Lane(below(lane_count));
        const int stream = static_cast<int>(below(streams + 1)) - 1;
        if (stream < 0) {
          pieces_.push(socket_, block(text), lane);
        } else {
          pieces_.push(socket_, block(text), lane, places[stream]);
        }
        model.push({.text = std::move(text), .stream = stream, .lane = lane});
      }
      ASSERT_EQ(pieces_.bytes_of(socket_), model.bytes());
      ASSERT_EQ(pieces_.count_of(socket_), model.run.size() + model.waiting.size());
      if (model.bytes() == 0) continue;

      // A send, and how much of it the kernel takes.
      const Pieces::Gathered gathered = pieces_.gather(socket_);
      std::string leaving;
      const Piece* piece = &socket_.front;
      for (int i = 0; i < gathered.count; ++i) {
        if (i > 0) piece = &pieces_.behind(*piece);
        leaving.append(reinterpret_cast<const char*>(piece->data), piece->size_bytes);
      }
      ASSERT_TRUE(leaving == model.gather());
      const std::size_t taken = below(3) == 0 ? leaving.size() : below(leaving.size() + 1);
      if (taken == leaving.size() && below(2) == 0) {
        pieces_.pop(socket_, gathered.count);
      } else {
        pieces_.pop_bytes(socket_, taken);
      }
      model.pop_bytes(taken);
      if (model.bytes() == 0) {
        socket_.blocked = false;
        continue;
      }
      if (taken < leaving.size()) socket_.blocked = true;
      pieces_.outlive(socket_);
      model.has_lanes =
          socket_.blocked || model.has_lanes || model.run.size() + model.waiting.size() > 1;
      // A reader that keeps up and has one piece left is like any other.
      if (!socket_.blocked && model.run.size() == 1 && model.waiting.empty())
        model.has_lanes = false;
    }
    // The end: all of it, or all but what a parked send still reads.
    std::uint32_t kept = 0;
    if (!socket_.nothing_queued() && below(2) == 0) kept = pieces_.gather(socket_).count;
    pieces_.cut(socket_, kept);
    ASSERT_EQ(pieces_.count_of(socket_), kept);
    if (kept > 0) pieces_.pop(socket_, kept);
    expect_nothing_left();
    socket_.blocked = false;
  }
}

}  // namespace
}  // namespace ringroom::engine
