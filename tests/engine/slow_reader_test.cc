// Peers that do not keep up: a core on a ring whose windows a script opens, and the real kernel.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/bounds.h"
#include "engine/core.h"
#include "engine/post_office.h"
#include "tests/engine/live_engine.h"
#include "tests/support/scripted_ring.h"

namespace ringroom::engine {
namespace {

int bound_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
  return fd;
}

constexpr std::size_t wide = static_cast<std::size_t>(-1);

// Peers that connect at once and take what their windows let through.
class Peers final : public support::Script {
 public:
  explicit Peers(std::uint32_t count) : windows(count), heard_(count), count_(count) {}

  void before_turn(support::ScriptedRing& ring) override {
    while (connected_ < count_ && ring.can_connect()) {
      ring.connect();
      ++connected_;
    }
    if (open_windows) open_windows();
  }
  void heard(File file, std::span<const std::byte> bytes) override {
    heard_[file].append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (windows[file] != wide) windows[file] -= bytes.size();
  }
  std::size_t window(File file) override { return windows[file]; }
  const std::string& heard_by(std::uint32_t slot) const { return heard_[slot]; }

  std::vector<std::size_t> windows;    // by slot: what is still taken
  std::function<void()> open_windows;  // in every turn

 private:
  std::vector<std::string> heard_;
  std::uint32_t count_;
  std::uint32_t connected_ = 0;
};

// Runs until the turn function says that it is finished.
void run(Peers& peers, std::uint32_t count, EngineCounters& counters, const Turn& turn) {
  PostOffice office(1);
  CoreOptions options{.id = CoreId{0},
                      .ring = {},
                      .listeners = {bound_socket()},
                      .queue_bytes_max = 64u << 20,
                      .waiting = Waiting::low_power,
                      .rest_after_ms = 0};
  options.ring.files = count + 2;
  auto ring = std::make_unique<support::ScriptedRing>(
      support::ScriptedRing::Size{.files = options.ring.files, .buffers = 16}, peers);
  Core core(options, std::move(ring), office, counters);
  core.run([&](CoreId, Outbox&) { return std::make_unique<TurnHandler>(turn); });
}

struct alignas(1) Header {
  char mark;
  std::uint8_t stream;
  std::uint16_t filler_bytes;
  std::uint32_t number;
};
static_assert(sizeof(Header) == 8);

std::string message(std::uint8_t stream, std::uint32_t number, std::uint16_t filler_bytes) {
  const Header header{'#', stream, filler_bytes, number};
  std::string out(sizeof(Header) + filler_bytes, static_cast<char>('a' + stream));
  std::memcpy(out.data(), &header, sizeof(header));
  return out;
}

// Every stream in order and without a hole, no message inside another; returns how many messages.
std::uint32_t read_messages(std::string_view heard, bool is_whole) {
  std::uint32_t count = 0;
  std::uint32_t next[256] = {};
  while (!heard.empty() && heard[0] == '#') {
    Header header{};
    if (heard.size() < sizeof(header)) break;
    std::memcpy(&header, heard.data(), sizeof(header));
    const std::string expected = message(header.stream, header.number, header.filler_bytes);
    if (heard.size() < expected.size()) break;
    EXPECT_TRUE(heard.substr(0, expected.size()) == expected) << "a message lies inside another";
    EXPECT_EQ(header.number, next[header.stream]++) << "of stream " << int(header.stream);
    heard.remove_prefix(expected.size());
    ++count;
  }
  if (is_whole) {
    EXPECT_EQ(heard, "farewell");
  }
  return count;
}

// Random sends to peers with random windows: by lanes, by blocks and by bytes; some are cut off.
void run_seed(std::uint32_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr std::uint32_t peer_count = 6;
  constexpr std::uint8_t streams = 5;  // by places; one more is that of all calls without a lane
  constexpr int busy_turns = 1500;
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };

  struct Sent {
    SocketId id{};
    bool is_open = false;
    bool is_aborted = false;
    bool wants_drained = false;
    std::uint32_t asked = 0;
    std::uint32_t told = 0;
    std::uint32_t messages = 0;
    std::uint32_t numbers[streams + 1] = {};
    LanePlace places[streams]{};
  };
  std::vector<Sent> all(peer_count);
  Peers peers(peer_count);
  int turns = 0;
  peers.open_windows = [&] {
    for (std::size_t& window : peers.windows) {
      const std::uint32_t luck = below(20);
      if (turns >= busy_turns || luck == 0) window = wide;
      if (turns < busy_turns && luck > 12) window = 0;
      if (turns < busy_turns && luck > 16) window = below(3000);
    }
  };

  EngineCounters counters;
  alloc::CoreHeap heap;
  alloc::BlockHeap blocks(heap);
  std::uint32_t closed = 0;
  run(peers, peer_count, counters, [&](const Inbox& inbox, Outbox& outbox) {
    ++turns;
    for (const Accepted& accepted : inbox.accepted) {
      all[accepted.socket.slot].id = accepted.socket;
      all[accepted.socket.slot].is_open = true;
    }
    for (const SocketId id : inbox.drained) {
      Sent& sent = all[id.slot];
      EXPECT_TRUE(std::exchange(sent.wants_drained, false)) << "told without being asked";
      EXPECT_EQ(outbox.queued_bytes(id), 0u);
      EXPECT_FALSE(outbox.is_blocked(id));
      ++sent.told;
      if (turns > busy_turns) outbox.close(id, as_bytes("farewell"));
    }
    for (Sent& sent : all) {
      if (!sent.is_open || turns > busy_turns) continue;
      const std::uint32_t burst = below(8) == 0 ? below(100) : below(3);
      for (std::uint32_t i = 0; i < burst; ++i) {
        const auto stream = static_cast<std::uint8_t>(below(streams + 1));
        const std::string text =
            message(stream, sent.numbers[stream]++,
                    static_cast<std::uint16_t>(below(20) == 0 ? below(30'000) : below(60)));
        Outbox::Send result{};
        if (stream < streams) {
          result = outbox.send(sent.id, blocks.copy(as_bytes(text)), Lane(below(lane_count)),
                               sent.places[stream]);
        } else if (below(2) == 0) {
          result = outbox.send(sent.id, blocks.copy(as_bytes(text)));
        } else {
          result = outbox.write(sent.id, as_bytes(text));
        }
        EXPECT_EQ(result, Outbox::Send::queued);
        ++sent.messages;
      }
      if (below(30) == 0 || turns == busy_turns) {
        sent.asked += !std::exchange(sent.wants_drained, true);
        outbox.tell_when_drained(sent.id);
      }
      if (sent.id.slot == 0 && turns == busy_turns / 2) {
        sent.is_aborted = true;
        sent.is_open = false;
        outbox.abort(sent.id);
        outbox.tell_when_drained(sent.id);
      }
    }
    closed += static_cast<std::uint32_t>(inbox.closed.size());
    ASSERT_LT(turns, busy_turns + 1000) << "somebody was not told";
    if (closed == peer_count) outbox.finished();
  });

  for (const Sent& sent : all) {
    const std::uint32_t read = read_messages(peers.heard_by(sent.id.slot), !sent.is_aborted);
    if (sent.is_aborted) continue;
    EXPECT_EQ(read, sent.messages);
    EXPECT_EQ(sent.told, sent.asked);
  }
  EXPECT_EQ(blocks.blocks(), 0u) << "a block is still held";
  EXPECT_EQ(counters.queue_bytes.read(), 0u);
  EXPECT_EQ(counters.sockets_blocked.read(), 0u);
  EXPECT_GT(counters.sends_blocked.read(), 0u);
  EXPECT_GT(counters.sends_held_back.read(), 0u);
}

TEST(SlowReader, GetsEveryStreamWholeAndInOrderWhateverItTakesAndWhen) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) run_seed(seed);
}

TEST(SlowReader, IsBlockedUntilTheLastByteIsTakenAndToldOnce) {
  Peers peers(1);
  std::vector<bool> blocked;  // by turn
  std::vector<int> drained;   // turns
  SocketId id{};
  int turn = -1;  // 0: the first with the socket
  peers.open_windows = [&] { peers.windows[0] = turn == 4 ? 2 : turn >= 6 ? wide : 0; };
  EngineCounters counters;
  run(peers, 1, counters, [&](const Inbox& inbox, Outbox& outbox) {
    for (const Accepted& accepted : inbox.accepted) {
      id = accepted.socket;
      turn = 0;
    }
    if (turn < 0) return;
    blocked.push_back(outbox.is_blocked(id));
    for (const SocketId told : inbox.drained) {
      EXPECT_EQ(told, id);
      drained.push_back(turn);
    }
    if (turn == 0) outbox.tell_when_drained(id);  // nothing is queued: the next turn
    if (turn == 2) {
      outbox.write(id, as_bytes("abcdef"));
      outbox.tell_when_drained(id);
      outbox.tell_when_drained(id);
    }
    if (turn == 12) outbox.close(id);
    if (turn++ == 16) outbox.finished();
  });
  EXPECT_EQ(peers.heard_by(0), "abcdef");
  ASSERT_EQ(drained.size(), 2u);
  EXPECT_EQ(drained[0], 1);
  const auto at = static_cast<std::size_t>(drained[1]);
  EXPECT_FALSE(blocked[2]);
  for (std::size_t i = 3; i < at; ++i) EXPECT_TRUE(blocked[i]) << "turn " << i;
  for (std::size_t i = at; i < blocked.size(); ++i) EXPECT_FALSE(blocked[i]) << "turn " << i;
  EXPECT_EQ(at, 6u) << "the turn that brought the last byte";
}

TEST(SlowReader, HearsTheUrgentBeforeTheRestAndTheFarewellLast) {
  Peers peers(1);
  SocketId id{};
  int turn = -1;
  peers.open_windows = [&] { peers.windows[0] = turn >= 4 ? wide : 0; };
  EngineCounters counters;
  alloc::CoreHeap heap;
  alloc::BlockHeap blocks(heap);
  LanePlace low;
  LanePlace critical;
  run(peers, 1, counters, [&](const Inbox& inbox, Outbox& outbox) {
    for (const Accepted& accepted : inbox.accepted) {
      id = accepted.socket;
      turn = 0;
    }
    if (turn < 0) return;
    if (turn == 0) outbox.write(id, as_bytes("first "));
    if (turn == 2) {
      outbox.send(id, blocks.copy(as_bytes("low ")), Lane::low, low);
      outbox.write(id, as_bytes("medium "));
      outbox.send(id, blocks.copy(as_bytes("critical ")), Lane::critical, critical);
      outbox.close(id, as_bytes("farewell"));
    }
    if (!inbox.closed.empty()) outbox.finished();
    ++turn;
  });
  EXPECT_EQ(peers.heard_by(0), "first critical medium low farewell");
}

TEST(SlowReader, OfTheRealKernelHearsTheUrgentFirstAndIsToldDrained) {
  struct State {
    bool queued = false;
    bool blocked = false;
    int drained = 0;
  };
  Shared<State> state;
  constexpr std::uint32_t messages = 2000;
  LiveEngine engine(on_loopback(), [&](const Inbox& inbox, Outbox& outbox) {
    static thread_local alloc::CoreHeap heap;
    static thread_local alloc::BlockHeap blocks(heap);
    static thread_local SocketId id{};
    const auto send = [&](const std::string& text, Lane lane, LanePlace& place) {
      outbox.send(id, blocks.copy(as_bytes(text)), lane, place);
    };
    for (const Received& received : inbox.received) {
      id = received.socket;
      outbox.write(id, as_bytes(pattern(16u << 20)));
      outbox.tell_when_drained(id);
      outbox.arm(1, 0);
    }
    if (!inbox.fired.empty()) {
      LanePlace low;
      LanePlace urgent;
      for (std::uint32_t i = 0; i < messages; ++i) send(message(0, i, 1000), Lane::low, low);
      send(message(1, 0, 0), Lane::critical, urgent);
      state.change([&](State& s) {
        s.queued = true;
        s.blocked = outbox.is_blocked(id);
      });
    }
    for (const SocketId told : inbox.drained) {
      state.change([&](State& s) { s.drained += told == id && !outbox.is_blocked(told); });
    }
  });
  Client client(engine.port(), /*receive_buffer_bytes=*/4096);
  client.send("go");
  ASSERT_TRUE(state.wait([](const State& s) { return s.queued; }));
  EXPECT_TRUE(state.now().blocked);
  EXPECT_EQ(state.now().drained, 0);
  EXPECT_TRUE(client.receive(16u << 20) == pattern(16u << 20));
  EXPECT_EQ(client.receive(sizeof(Header)), message(1, 0, 0)) << "ahead of all that waited";
  for (std::uint32_t i = 0; i < messages; ++i) {
    const std::string expected = message(0, i, 1000);
    ASSERT_EQ(client.receive(expected.size()), expected);
  }
  EXPECT_TRUE(state.wait([](const State& s) { return s.drained == 1; }));
}

}  // namespace
}  // namespace ringroom::engine
