// Sockets that are silent for long, and what can happen to them meanwhile.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/engine/live_engine.h"

namespace ringroom::engine {
namespace {

EngineOptions soon_resting() {
  EngineOptions options = on_loopback();
  options.rest_after_ms = 1;
  return options;
}

testing::AssertionResult resting(LiveEngine& engine, std::uint64_t sockets) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  std::uint64_t now = 0;
  while (std::chrono::steady_clock::now() < until) {
    now = engine->counters(CoreId{0}).sockets_resting.read();
    if (now == sockets) return testing::AssertionSuccess();
    std::this_thread::yield();
  }
  return testing::AssertionFailure() << now << " sockets rest instead of " << sockets;
}

TEST(Resting, WhatComesAfterALongSilenceIsReceived) {
  LiveEngine engine(soon_resting(), echo);
  Client client(engine.port());
  for (std::uint32_t round = 0; round < 100; ++round) {
    ASSERT_TRUE(resting(engine, 1));
    const std::string bytes = pattern(1 + round * 400, round);  // up to several receive buffers
    client.send(bytes);
    ASSERT_EQ(client.receive(bytes.size()), bytes);
  }
}

TEST(Resting, NothingIsLostOrChangedPlacesAroundTheMomentOfResting) {
  LiveEngine engine(soon_resting(), echo);
  std::vector<std::thread> clients;
  for (std::uint32_t i = 0; i < 8; ++i) {
    clients.emplace_back([&engine, i] {
      Client client(engine.port());
      const std::string bytes = pattern(6'000, i);
      std::size_t sent = 0;
      for (std::uint32_t step = 0; sent < bytes.size(); ++step) {
        const std::size_t part =
            std::min<std::size_t>(1 + (step * 7 + i) % 60, bytes.size() - sent);
        client.send(std::string_view(bytes).substr(sent, part));
        EXPECT_EQ(client.receive(part), bytes.substr(sent, part));
        sent += part;
        // Silences of 0 to 3 ms lie on both sides of a round of 1 ms.
        const auto until = std::chrono::steady_clock::now() +
                           std::chrono::microseconds((step * 331 + i * 77) % 3000);
        while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

TEST(Resting, NobodyRestsWhereThatIsSwitchedOff) {
  EngineOptions options = on_loopback();
  options.rest_after_ms = 0;
  LiveEngine engine(options, echo);
  Client client(engine.port());
  client.send("x");
  EXPECT_EQ(client.receive(1), "x");
  EXPECT_EQ(engine->counters(CoreId{0}).sockets_resting.read(), 0u);
}

struct Ends {
  int accepted = 0;
  std::vector<CloseCause> closed;
};

TEST(Resting, TheEndOfARestingSocketIsSeenAndItsSlotUsedAgain) {
  Shared<Ends> seen;
  EngineOptions options = soon_resting();
  options.sockets_per_core_max = 1;
  LiveEngine engine(options, [&](const Inbox& inbox, Outbox& outbox) {
    echo(inbox, outbox);
    seen.change([&](Ends& ends) {
      ends.accepted += static_cast<int>(inbox.accepted.size());
      for (const Closed& closed : inbox.closed) ends.closed.push_back(closed.cause);
    });
  });
  for (std::size_t round = 0; round < 50; ++round) {
    Client client(engine.port());
    client.send("x");
    ASSERT_EQ(client.receive(1), "x");
    ASSERT_TRUE(resting(engine, 1));
    if (round % 2 == 0) {
      client.finish_writing();
      ASSERT_EQ(client.receive_end(), 0);
    } else {
      client.reset();
    }
    ASSERT_TRUE(seen.wait([&](const Ends& ends) { return ends.closed.size() == round + 1; }));
    EXPECT_EQ(seen.now().closed.back(), round % 2 == 0 ? CloseCause::peer : CloseCause::reset);
    ASSERT_TRUE(resting(engine, 0));
  }
  EXPECT_EQ(seen.now().accepted, 50);
}

TEST(Resting, ARestingSocketCanBeClosedByUs) {
  Shared<Ends> seen;
  LiveEngine engine(soon_resting(), [&](const Inbox& inbox, Outbox& outbox) {
    static thread_local std::vector<SocketId> silent;
    for (const Accepted& accepted : inbox.accepted) silent.push_back(accepted.socket);
    for (const Received& received : inbox.received) {
      for (const SocketId socket : silent) {
        if (socket != received.socket) outbox.close(socket, as_bytes("bye"));
      }
      silent.clear();
    }
    seen.change([&](Ends& ends) {
      for (const Closed& closed : inbox.closed) ends.closed.push_back(closed.cause);
    });
  });
  Client first(engine.port());
  Client second(engine.port());
  ASSERT_TRUE(resting(engine, 2));
  Client speaker(engine.port());
  ASSERT_TRUE(resting(engine, 3));
  speaker.send("x");
  for (Client* client : {&first, &second}) {
    EXPECT_EQ(client->receive(3), "bye");
    EXPECT_EQ(client->receive_end(), 0);
    client->finish_writing();
  }
  EXPECT_TRUE(seen.wait([](const Ends& ends) { return ends.closed.size() == 2; }));
  EXPECT_TRUE(resting(engine, 1)) << "the speaker rests again, and the other two no more";
}

TEST(Resting, APausedSocketNeitherReadsNorLosesWhatCame) {
  Shared<int> received_bytes;
  LiveEngine engine(soon_resting(), [&](const Inbox& inbox, Outbox& outbox) {
    // The first socket is paused and resumed by what the second says.
    static thread_local std::vector<SocketId> sockets;
    for (const Accepted& accepted : inbox.accepted) sockets.push_back(accepted.socket);
    for (const Received& received : inbox.received) {
      if (received.socket == sockets.front()) {
        received_bytes.change([&](int& n) { n += static_cast<int>(received.bytes.size()); });
        continue;
      }
      for (const std::byte byte : received.bytes) {
        if (byte == std::byte{'p'}) outbox.pause(sockets.front());
        if (byte == std::byte{'r'}) outbox.resume(sockets.front());
      }
      outbox.write(received.socket, received.bytes);
    }
  });
  Client paused(engine.port());
  ASSERT_TRUE(resting(engine, 1));
  Client master(engine.port());
  for (int round = 1; round <= 50; ++round) {
    ASSERT_TRUE(resting(engine, 2));
    master.send("p");
    ASSERT_EQ(master.receive(1), "p");
    paused.send("12345");
    ASSERT_TRUE(resting(engine, 1)) << "its poll has ended, and it is not armed";
    EXPECT_EQ(received_bytes.now(), 5 * (round - 1));
    master.send("r");
    ASSERT_EQ(master.receive(1), "r");
    ASSERT_TRUE(received_bytes.wait([&](int n) { return n == 5 * round; }));
  }
}

}  // namespace
}  // namespace ringroom::engine
