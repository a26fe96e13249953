// How connections and engines end.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "engine/bounds.h"
#include "engine/engine.h"
#include "tests/engine/live_engine.h"

namespace ringroom::engine {
namespace {

using Causes = std::vector<CloseCause>;

Turn with_causes(Shared<Causes>& causes, Turn turn) {
  return [&causes, turn](const Inbox& inbox, Outbox& outbox) {
    turn(inbox, outbox);
    for (const Closed& closed : inbox.closed) {
      causes.change([&](Causes& list) { list.push_back(closed.cause); });
    }
  };
}

Turn on_bytes(std::function<void(SocketId, Outbox&)> act) {
  return [act](const Inbox& inbox, Outbox& outbox) {
    for (const Received& received : inbox.received) act(received.socket, outbox);
  };
}

bool one(const Causes& causes) { return causes.size() == 1; }

TEST(Ending, CloseSendsWhatIsQueuedThenFin) {
  Shared<Causes> causes;
  const std::string bytes = pattern(8u << 20);
  LiveEngine engine(on_loopback(), with_causes(causes, on_bytes([&](SocketId id, Outbox& out) {
                                                 out.write(id, as_bytes(bytes));
                                                 out.close(id);
                                                 EXPECT_EQ(out.write(id, as_bytes("late")),
                                                           Outbox::Send::gone);
                                               })));
  {
    Client client(engine.port(), 4096);
    client.send("go");
    EXPECT_TRUE(client.receive(bytes.size()) == bytes);
    EXPECT_EQ(client.receive_end(), 0);
  }
  ASSERT_TRUE(causes.wait(one));
  EXPECT_EQ(causes.now()[0], CloseCause::local);
}

TEST(Ending, CloseOfAPausedSocketStillSeesThePeersFin) {
  Shared<Causes> causes;
  LiveEngine engine(on_loopback(), with_causes(causes, on_bytes([](SocketId id, Outbox& out) {
                                                 out.pause(id);
                                                 out.close(id);
                                               })));
  {
    Client client(engine.port());
    client.send("go");
    EXPECT_EQ(client.receive_end(), 0);
  }
  ASSERT_TRUE(causes.wait(one));
}

TEST(Ending, AbortResetsTheConnectionAtOnce) {
  Shared<Causes> causes;
  LiveEngine engine(on_loopback(), with_causes(causes, on_bytes([](SocketId id, Outbox& out) {
                                                 out.write(id, as_bytes("never sent"));
                                                 out.abort(id);
                                               })));
  Client client(engine.port());
  client.send("go");
  EXPECT_EQ(client.receive_end(), ECONNRESET);
  ASSERT_TRUE(causes.wait(one));
  EXPECT_EQ(causes.now()[0], CloseCause::local);
}

TEST(Ending, AbortEndsAConnectionWhoseSendIsParked) {
  Shared<Causes> causes;
  const std::string bytes = pattern(16u << 20);
  LiveEngine engine(on_loopback(), [&](const Inbox& inbox, Outbox& outbox) {
    static thread_local SocketId socket{};
    for (const Received& received : inbox.received) {
      socket = received.socket;
      outbox.write(socket, as_bytes(bytes));
      outbox.arm(50, 0);
    }
    if (!inbox.fired.empty()) {
      EXPECT_GT(outbox.queued_bytes(socket), 0u);
      outbox.abort(socket);
    }
    for (const Closed& closed : inbox.closed) {
      causes.change([&](Causes& list) { list.push_back(closed.cause); });
    }
  });
  Client client(engine.port(), 4096);
  client.send("go");
  ASSERT_TRUE(causes.wait(one));
  EXPECT_GT(engine->counters(CoreId{0}).sends_blocked.read(), 0u);
  EXPECT_EQ(engine->counters(CoreId{0}).queue_bytes.read(), 0u);
}

TEST(Ending, AnAnswerToThePeersLastBytesStillArrives) {
  Shared<Causes> causes;
  LiveEngine engine(on_loopback(), with_causes(causes, echo));
  for (int i = 0; i < 50; ++i) {
    Client client(engine.port());
    client.send("last words");
    client.finish_writing();
    EXPECT_EQ(client.receive(100), "last words");
    EXPECT_EQ(client.receive_end(), 0);
  }
  ASSERT_TRUE(causes.wait([](const Causes& list) { return list.size() == 50; }));
  for (const CloseCause cause : causes.now()) EXPECT_EQ(cause, CloseCause::peer);
}

TEST(Ending, APeerThatHasFinishedStillGetsAllThatIsQueued) {
  Shared<Causes> causes;
  const std::string bytes = pattern(16u << 20);
  LiveEngine engine(on_loopback(), with_causes(causes, on_bytes([&](SocketId id, Outbox& out) {
                                                 out.write(id, as_bytes(bytes));
                                               })));
  Client client(engine.port(), 4096);
  client.send("go");
  client.finish_writing();
  ASSERT_TRUE(causes.wait(one)) << "told at once, though bytes are still on their way";
  EXPECT_TRUE(client.receive(bytes.size()) == bytes);
  EXPECT_EQ(client.receive_end(), 0);
}

TEST(Ending, AResetByThePeerIsToldAsReset) {
  Shared<Causes> causes;
  LiveEngine engine(on_loopback(), with_causes(causes, echo));
  Client client(engine.port());
  client.send("x");
  EXPECT_EQ(client.receive(1), "x");
  client.reset();
  ASSERT_TRUE(causes.wait(one));
  EXPECT_EQ(causes.now()[0], CloseCause::reset);
}

TEST(Ending, APeerThatNeverFinishesIsCutOffAfterTheDeadline) {
  Shared<Causes> causes;
  LiveEngine engine(on_loopback(),
                    with_causes(causes, on_bytes([](SocketId id, Outbox& out) { out.close(id); })));
  Client client(engine.port());
  client.send("go");
  EXPECT_EQ(client.receive_end(), 0);  // our end stays open: only the deadline helps
  ASSERT_TRUE(causes.wait(one));
  EXPECT_EQ(causes.now()[0], CloseCause::local);
}

TEST(Ending, APeerThatHasEndedByItsOwnWordsIsNotWaitedFor) {
  Shared<Causes> causes;
  LiveEngine engine(on_loopback(), with_causes(causes, on_bytes([](SocketId id, Outbox& out) {
                                                 out.write(id, as_bytes("all of it, "));
                                                 out.close(id, as_bytes("bye"),
                                                           Outbox::Peer::has_ended);
                                               })));
  const auto start = std::chrono::steady_clock::now();
  Client client(engine.port());
  client.send("go");
  ASSERT_TRUE(causes.wait(one)) << "though our end stays open";
  EXPECT_EQ(causes.now()[0], CloseCause::local);
  EXPECT_LT(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(bounds::close_deadline_ms));
  EXPECT_EQ(client.receive(14), "all of it, bye");
  EXPECT_EQ(client.receive_end(), 0) << "FIN, not RST";
}

TEST(Ending, APausedSocketIsNotReadUntilItIsResumed) {
  struct Seen {
    std::string text;
    bool paused = false;
  };
  Shared<Seen> seen;
  std::atomic<bool> resume{false};
  LiveEngine engine(on_loopback(), [&](const Inbox& inbox, Outbox& outbox) {
    static thread_local SocketId socket{};
    for (const Received& received : inbox.received) {
      const bool first = seen.now().text.empty();
      seen.change([&](Seen& s) {
        s.text.append(reinterpret_cast<const char*>(received.bytes.data()), received.bytes.size());
      });
      if (!first) continue;
      socket = received.socket;
      outbox.pause(socket);
      outbox.arm(20, 1);
    }
    for (const Fired& fired : inbox.fired) {
      if (fired.cookie == 1) seen.change([](Seen& s) { s.paused = true; });
      if (resume.exchange(false)) {
        outbox.resume(socket);
      } else {
        outbox.arm(1, 2);
      }
    }
  });
  Client client(engine.port());
  client.send("a");
  ASSERT_TRUE(seen.wait([](const Seen& s) { return s.paused; }));
  const std::string rest = pattern(100'000);
  std::thread writer([&] { client.send(rest); });
  // The engine turns (its timer runs) and yet nothing is read.
  const std::uint64_t turns = engine->counters(CoreId{0}).turns.read();
  while (engine->counters(CoreId{0}).turns.read() < turns + 20) std::this_thread::yield();
  EXPECT_EQ(seen.now().text, "a");
  resume = true;
  EXPECT_TRUE(seen.wait([&](const Seen& s) { return s.text.size() == 1 + rest.size(); }));
  EXPECT_TRUE(seen.now().text == "a" + rest);
  writer.join();
}

TEST(Ending, StopEndsTheEngineWithConnectionsThatNobodyCloses) {
  Shared<Causes> causes;
  LiveEngine engine(on_loopback(), with_causes(causes, echo));
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(engine.port());
    clients.back().send("x");
    EXPECT_EQ(clients.back().receive(1), "x");
  }
  engine->stop();
  engine->join();
  EXPECT_EQ(causes.now().size(), 20u) << "each told once";
  for (Client& client : clients) EXPECT_EQ(client.receive_end(), ECONNRESET);
}

TEST(Ending, AnEngineWithoutConnectionsStopsAtOnceOnEveryCore) {
  EngineOptions options = on_loopback();
  options.cores = 4;
  LiveEngine engine(options, echo);
  engine->stop();
  engine->join();
}

TEST(Ending, EveryConnectionOfAStormIsToldExactlyOneEnd) {
  struct Count {
    std::uint64_t accepted = 0;
    std::uint64_t closed = 0;
    bool slot_taken_twice = false;
  };
  Shared<Count> count;
  EngineOptions options = on_loopback();
  options.cores = 2;
  options.sockets_per_core_max = 40;
  options.receive_buffers = 8;
  LiveEngine engine(options, [&](const Inbox& inbox, Outbox& outbox) {
    echo(inbox, outbox);
    for (const Received& received : inbox.received) {
      const auto what = std::to_integer<int>(received.bytes[0]) % 5;
      if (what == 1) outbox.close(received.socket, as_bytes("bye"));
      if (what == 2) outbox.abort(received.socket);
      if (what == 3) outbox.pause(received.socket);
      if (what == 3) outbox.resume(received.socket);
    }
    // What a handler with a table by slot relies on: the last one's end in an earlier turn.
    static thread_local std::set<std::uint32_t> slots;
    bool twice = false;
    for (const Accepted& accepted : inbox.accepted) {
      twice |= !slots.insert(accepted.socket.slot).second;
    }
    for (const Closed& closed : inbox.closed) slots.erase(closed.socket.slot);
    count.change([&](Count& c) {
      c.slot_taken_twice |= twice;
      c.accepted += inbox.accepted.size();
      c.closed += inbox.closed.size();
    });
  });
  std::vector<std::thread> clients;
  for (std::uint32_t seed = 0; seed < 4; ++seed) {
    clients.emplace_back([&engine, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 300; ++i) {
        Client client(engine.port());
        client.send(pattern(1 + random() % 3'000, static_cast<std::uint32_t>(random())));
        switch (random() % 4) {
          case 0:
            client.receive(1);
            break;
          case 1:
            client.finish_writing();
            client.receive(10'000);
            break;
          case 2:
            client.reset();
            break;
          default:
            break;
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(count.wait([](const Count& c) { return c.accepted == c.closed; }));
  engine->stop();
  engine->join();
  const Count end = count.now();
  EXPECT_EQ(end.accepted, end.closed);
  EXPECT_GE(end.accepted, 900u);
  EXPECT_FALSE(end.slot_taken_twice);
  EXPECT_EQ(engine->counters(CoreId{0}).sockets_open.read(), 0u);
  EXPECT_EQ(engine->counters(CoreId{1}).sockets_open.read(), 0u);
  EXPECT_EQ(engine->counters(CoreId{0}).queue_bytes.read(), 0u);
}

}  // namespace
}  // namespace ringroom::engine
