// Connections and bytes: a real engine, real sockets, both ends looked at.

#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <thread>
#include <vector>

#include "tests/engine/live_engine.h"

namespace ringroom::engine {
namespace {

TEST(Engine, IntroducesEveryConnectionWithThePeersAddress) {
  Shared<std::vector<Accepted>> seen;
  LiveEngine engine(on_loopback(), [&](const Inbox& inbox, Outbox&) {
    for (const Accepted& accepted : inbox.accepted) {
      seen.change([&](auto& list) { list.push_back(accepted); });
    }
  });
  const Client client(engine.port());
  ASSERT_TRUE(seen.wait([](const auto& list) { return !list.empty(); }));
  const PeerAddress peer = seen.now()[0].peer;
  EXPECT_EQ(peer.port, client.own_port());
  const std::uint8_t mapped_loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  EXPECT_TRUE(std::equal(std::begin(peer.ip), std::end(peer.ip), mapped_loopback));
}

TEST(Engine, IntroducesAPeerOfAListenerForEveryAddress) {
  Shared<std::vector<Accepted>> seen;
  EngineOptions options = on_loopback();
  options.listeners = {{"*", 0}};
  LiveEngine engine(options, [&](const Inbox& inbox, Outbox&) {
    for (const Accepted& accepted : inbox.accepted) {
      seen.change([&](auto& list) { list.push_back(accepted); });
    }
  });
  const Client client(engine.port());  // IPv4 on an IPv6 socket, where the machine has IPv6
  ASSERT_TRUE(seen.wait([](const auto& list) { return !list.empty(); }));
  EXPECT_EQ(seen.now()[0].peer.port, client.own_port());
  EXPECT_EQ(seen.now()[0].peer.ip[12], 127);
}

TEST(Engine, AcceptedComesBeforeTheFirstBytesAndClosedAfterTheLast) {
  struct Seen {
    std::map<std::pair<std::uint32_t, std::uint32_t>, int> state;  // 1 accepted, 2 closed
    int closed = 0;
    bool wrong = false;
  };
  Shared<Seen> seen;
  LiveEngine engine(on_loopback(), [&](const Inbox& inbox, Outbox& outbox) {
    echo(inbox, outbox);
    seen.change([&](Seen& all) {
      const auto state = [&](SocketId id) -> int& { return all.state[{id.slot, id.generation}]; };
      for (const auto& event : inbox.accepted) all.wrong |= std::exchange(state(event.socket), 1);
      for (const auto& event : inbox.received) all.wrong |= state(event.socket) != 1;
      for (const auto& event : inbox.closed) {
        all.wrong |= std::exchange(state(event.socket), 2) != 1;
        ++all.closed;
      }
    });
  });
  for (int i = 0; i < 300; ++i) {
    Client client(engine.port());
    client.send("x");
    if (i % 3 == 0) client.finish_writing();
    if (i % 3 == 1) {
      EXPECT_EQ(client.receive(1), "x");
    }
    if (i % 3 == 2) client.reset();
  }
  // A connection reset in the backlog may never be accepted; all others are.
  EXPECT_TRUE(seen.wait([](const Seen& all) { return all.closed >= 200; }));
  engine->stop();
  engine->join();
  const Seen all = seen.now();
  EXPECT_FALSE(all.wrong);
  EXPECT_EQ(all.state.size(), static_cast<std::size_t>(all.closed)) << "one end per connection";
  EXPECT_EQ(engine->counters(CoreId{0}).sockets_open.read(), 0u);
}

TEST(Engine, CarriesManyMegabytesBothWaysOnManyConnections) {
  LiveEngine engine(on_loopback(), echo);
  std::vector<std::thread> clients;
  for (std::uint32_t i = 0; i < 4; ++i) {
    clients.emplace_back([&engine, i] {
      const std::string bytes = pattern(4u << 20, i);
      Client client(engine.port());
      std::thread writer([&] { client.send(bytes); });
      EXPECT_TRUE(client.receive(bytes.size()) == bytes);
      writer.join();
    });
  }
  for (std::thread& client : clients) client.join();
}

// Answers everything with `pieces` pieces, by each of the three ways of queueing in turn.
class InPieces final : public Handler {
 public:
  InPieces(int pieces, std::size_t piece_bytes, std::atomic<std::size_t>& blocks_at_end)
      : pieces_(pieces), piece_bytes_(piece_bytes), blocks_at_end_(blocks_at_end) {}
  ~InPieces() override { blocks_at_end_ = blocks_.blocks(); }

  void on_turn(const Inbox& inbox, Outbox& outbox) override {
    for (const Received& received : inbox.received) {
      for (int i = 0; i < pieces_; ++i) {
        const std::string part = pattern(piece_bytes_, static_cast<std::uint32_t>(i));
        if (i % 3 == 0) outbox.write(received.socket, as_bytes(part));
        if (i % 3 == 1) outbox.send(received.socket, blocks_.copy(as_bytes(part)));
        if (i % 3 == 2) {
          std::memcpy(outbox.reserve(part.size() + 10).data(), part.data(), part.size());
          outbox.commit(received.socket, part.size());
        }
      }
    }
    if (inbox.stopping) outbox.finished();
  }

 private:
  int pieces_;
  std::size_t piece_bytes_;
  std::atomic<std::size_t>& blocks_at_end_;
  alloc::CoreHeap heap_;
  alloc::BlockHeap blocks_{heap_};
};

TEST(Engine, SendsOfOneTurnArriveInTheOrderOfTheCalls) {
  // Past every way of gathering: one piece, copied together, vectors, and more than one send takes.
  for (const std::size_t piece_bytes : {1u, 100u, 1'000u}) {
    for (const int pieces : {1, 2, 63, 64, 65, 200}) {
      std::string expected;
      for (int i = 0; i < pieces; ++i) {
        expected += pattern(piece_bytes, static_cast<std::uint32_t>(i));
      }
      std::atomic<std::size_t> blocks_at_end{1};
      auto engine = Engine::start(on_loopback(), [&](CoreId, Outbox&) {
        return std::make_unique<InPieces>(pieces, piece_bytes, blocks_at_end);
      });
      ASSERT_TRUE(engine);
      {
        Client client((*engine)->ports()[0]);
        client.send("go");
        EXPECT_EQ(client.receive(expected.size()), expected) << pieces << " x " << piece_bytes;
      }
      (*engine)->stop();
      (*engine)->join();
      EXPECT_EQ(blocks_at_end, 0u) << "a block is still held";
    }
  }
}

TEST(Engine, ASlowReaderGetsEveryByteInOrder) {
  constexpr int messages = 300;
  constexpr std::size_t message_bytes = 65'536;
  LiveEngine engine(on_loopback(), [](const Inbox& inbox, Outbox& outbox) {
    for (const Received& received : inbox.received) {
      for (std::size_t i = 0; i < received.bytes.size(); ++i) {
        const auto number = std::to_integer<std::uint32_t>(received.bytes[i]);
        for (std::uint32_t part = 0; part < 3; ++part) {
          outbox.write(received.socket,
                       as_bytes(pattern(message_bytes / 4 + part, number * 3 + part)));
        }
      }
    }
  });
  Client client(engine.port(), /*receive_buffer_bytes=*/4096);
  std::string expected;
  for (int i = 0; i < messages; ++i) {
    const auto number = static_cast<std::uint32_t>(i) & 0x7f;
    client.send(std::string(1, static_cast<char>(number)));
    for (std::uint32_t part = 0; part < 3; ++part) {
      expected += pattern(message_bytes / 4 + part, number * 3 + part);
    }
  }
  EXPECT_TRUE(client.receive(expected.size()) == expected);
  EXPECT_GT(engine->counters(CoreId{0}).sends_blocked.read(), 0u) << "the path under test";
  EXPECT_TRUE(client.nothing_to_receive());
}

TEST(Engine, ManyMessagesWhileBlockedArriveInOrder) {
  // More pieces than one parked send carries, mixed with new ones from later turns.
  struct State {
    bool over = false;
  };
  Shared<State> state;
  std::string expected;
  for (std::uint32_t i = 0; i < 40'000; ++i) expected += std::to_string(i) + ",";
  const std::string bulk = pattern(16u << 20);
  LiveEngine engine(on_loopback(), [&](const Inbox& inbox, Outbox& outbox) {
    static thread_local std::uint32_t next = 0;
    static thread_local SocketId socket{};
    for (const Received& received : inbox.received) {
      socket = received.socket;
      next = 0;
      outbox.write(socket, as_bytes(bulk));
      outbox.arm(0, 0);
    }
    if (inbox.fired.empty()) return;
    for (std::uint32_t i = 0; i < 500; ++i) {
      // An empty reserve between two writes would still leave them adjacent; a byte does not.
      outbox.write(socket, as_bytes(std::to_string(next++) + ","));
      outbox.reserve(1);
    }
    if (next < 40'000) {
      outbox.arm(0, 0);
    } else {
      state.change([](State& s) { s.over = true; });
    }
  });
  Client client(engine.port(), 4096);
  client.send("go");
  ASSERT_TRUE(state.wait([](const State& s) { return s.over; }));
  EXPECT_TRUE(client.receive(bulk.size()) == bulk);
  EXPECT_TRUE(client.receive(expected.size()) == expected);
}

TEST(Engine, RefusesMoreThanTheQueueLimitButAlwaysOneMessage) {
  struct Seen {
    std::size_t queued_bytes_most = 0;
    int refused = 0;
    bool first_taken = false;
  };
  Shared<Seen> seen;
  EngineOptions options = on_loopback();
  options.queue_bytes_max = 100'000;
  LiveEngine engine(options, [&](const Inbox& inbox, Outbox& outbox) {
    for (const Received& received : inbox.received) {
      const std::string large = pattern(20u << 20);  // far above the limit, into an empty queue
      const bool taken = outbox.write(received.socket, as_bytes(large)) == Outbox::Send::queued;
      const bool refused = outbox.write(received.socket, as_bytes("x")) == Outbox::Send::over_limit;
      seen.change([&](Seen& s) {
        s.first_taken = taken;
        s.refused += refused;
        s.queued_bytes_most = outbox.queued_bytes(received.socket);
      });
      outbox.close(received.socket, as_bytes("told why"));
    }
  });
  Client client(engine.port());
  client.send("go");
  EXPECT_TRUE(client.receive(20u << 20) == pattern(20u << 20));
  EXPECT_EQ(client.receive(100), "told why") << "a farewell passes the limit";
  EXPECT_EQ(client.receive_end(), 0);
  const Seen result = seen.now();
  EXPECT_TRUE(result.first_taken);
  EXPECT_EQ(result.refused, 1);
  EXPECT_EQ(result.queued_bytes_most, 20u << 20);
}

TEST(Engine, NoByteIsLostWhenThereAreHardlyAnyReceiveBuffers) {
  EngineOptions options = on_loopback();
  options.receive_buffers = 2;
  options.receive_buffer_bytes = 64;
  LiveEngine engine(options, echo);
  std::vector<std::thread> clients;
  for (std::uint32_t i = 0; i < 10; ++i) {
    clients.emplace_back([&engine, i] {
      const std::string bytes = pattern(50'000, i);
      Client client(engine.port());
      std::thread writer([&] { client.send(bytes); });
      EXPECT_TRUE(client.receive(bytes.size()) == bytes);
      writer.join();
      client.finish_writing();
      EXPECT_EQ(client.receive_end(), 0) << "the end is told from the lack of buffers";
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_GT(engine->counters(CoreId{0}).receive_starved.read(), 0u) << "the path under test";
}

TEST(Engine, ConnectionsBeyondTheLimitWaitUntilOneEnds) {
  EngineOptions options = on_loopback();
  options.sockets_per_core_max = 4;
  LiveEngine engine(options, echo);
  std::vector<Client> clients;
  for (int i = 0; i < 7; ++i) {
    clients.emplace_back(engine.port());
    clients.back().send("x");
  }
  for (int i = 0; i < 4; ++i) EXPECT_EQ(clients[static_cast<std::size_t>(i)].receive(1), "x");
  EXPECT_TRUE(clients[4].nothing_to_receive());
  EXPECT_EQ(engine->counters(CoreId{0}).sockets_open.read(), 4u);
  EXPECT_EQ(engine->counters(CoreId{0}).accept_errors.read(), 0u) << "nobody was dropped";
  for (int i = 0; i < 3; ++i) {
    clients.erase(clients.begin());
    EXPECT_EQ(clients[3].receive(1), "x") << "the next in line";
  }
  EXPECT_GT(engine->counters(CoreId{0}).accept_pauses.read(), 0u);
}

TEST(Engine, ABurstPastTheLimitCostsAtMostOneConnection) {
  // Far from the limit the kernel accepts a whole backlog in one go, and finds the table full.
  constexpr std::uint32_t sockets = 300;
  constexpr std::size_t connections = 400;
  EngineOptions options = on_loopback();
  options.sockets_per_core_max = sockets;
  std::atomic<bool> all_are_waiting{false};
  LiveEngine engine(options, [&](const Inbox& inbox, Outbox& outbox) {
    if (!inbox.accepted.empty()) all_are_waiting.wait(false);
    echo(inbox, outbox);
  });
  std::vector<Client> clients;
  for (std::size_t i = 0; i < connections; ++i) {
    clients.emplace_back(engine.port());
    clients.back().send("x");
  }
  all_are_waiting = true;
  all_are_waiting.notify_all();
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(clients[i].receive(1), "x") << i;
  clients.erase(clients.begin(), clients.begin() + 101);
  std::size_t served = 0;
  for (Client& client : clients) served += client.receive(1).size();
  EXPECT_GE(served, clients.size() - 1);
  EXPECT_LE(engine->counters(CoreId{0}).accept_errors.read(), 1u);
}

TEST(Engine, RunsWithTheDescriptorsThereAre) {
  EngineOptions options = on_loopback();
  options.sockets_per_core_max = 1u << 24;
  LiveEngine engine(options, echo);
  EXPECT_LT(engine->sockets_per_core(), 1u << 24);
  Client client(engine.port());
  client.send("x");
  EXPECT_EQ(client.receive(1), "x");
}

TEST(Engine, TheKernelKeepsLittleForAPeerThatNeverReads) {
  const std::string large = pattern(8u << 20);
  LiveEngine engine(on_loopback(), [&](const Inbox& inbox, Outbox& outbox) {
    for (const Received& received : inbox.received) outbox.write(received.socket, as_bytes(large));
  });
  Client client(engine.port(), 4096);
  client.send("go");
  const auto give_up = std::chrono::steady_clock::now() + deadline;
  while (engine->counters(CoreId{0}).sends_blocked.read() == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up);
    std::this_thread::yield();
  }
  // Counted is what it took before it was full: the unsent bytes, and a few segments on their way.
  const std::uint64_t taken = engine->counters(CoreId{0}).bytes_sent.read();
  EXPECT_GT(taken, 0u);
  EXPECT_LE(taken, std::uint64_t{4 * bounds::unsent_bytes_max});
  EXPECT_EQ(client.receive(large.size()), large);  // and nothing of the rest is lost
}

}  // namespace
}  // namespace ringroom::engine
