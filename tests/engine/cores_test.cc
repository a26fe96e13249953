// Letters between cores, timers, and how an engine starts or says why not.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "tests/engine/live_engine.h"

namespace ringroom::engine {
namespace {

struct Numbered : Letter {
  std::uint64_t number = 0;
};

EngineOptions on_cores(std::uint32_t cores) {
  EngineOptions options = on_loopback();
  options.cores = cores;
  return options;
}

TEST(Cores, EachGetsItsShareOfTheConnections) {
  constexpr std::uint32_t cores = 4;
  constexpr std::uint64_t connections = 400;
  LiveEngine engine(on_cores(cores), echo);
  std::vector<Client> clients;
  for (std::uint64_t i = 0; i < connections; ++i) clients.emplace_back(engine.port());
  for (Client& client : clients) client.send("x");
  for (Client& client : clients) ASSERT_EQ(client.receive(1), "x");
  std::uint64_t total = 0;
  for (std::uint16_t core = 0; core < cores; ++core) {
    // A standard deviation is 8.7; six of them, once in 500 million.
    const std::uint64_t own = engine->counters(CoreId{core}).accepts.read();
    EXPECT_GE(own, 48u) << "core " << core;
    EXPECT_LE(own, 152u) << "core " << core;
    total += own;
  }
  EXPECT_EQ(total, connections);
}

TEST(Cores, LettersArriveInOrderAndEveryRefusedOneCanBePostedLater) {
  constexpr std::uint64_t total = 50'000;
  struct Seen {
    std::uint64_t count = 0;
    bool in_order = true;
  };
  Shared<Seen> seen;
  std::vector<Numbered> letters(total);
  for (std::uint64_t i = 0; i < total; ++i) letters[i].number = i;
  std::uint64_t posted = 0;    // core 0 only
  std::uint64_t expected = 0;  // core 1 only
  LiveEngine engine(on_cores(2), [&](const Inbox& inbox, Outbox& outbox) {
    if (outbox.core() == CoreId{0}) {
      // All at once: the mailbox is full long before, and this core must come back by itself.
      while (posted < total && outbox.post(CoreId{1}, letters[posted])) ++posted;
      return;
    }
    bool in_order = true;
    for (Letter* letter : inbox.letters) {
      in_order = in_order && static_cast<Numbered*>(letter)->number == expected++;
    }
    seen.change([&](Seen& s) {
      s.count = expected;
      s.in_order = s.in_order && in_order;
    });
  });
  Client start(engine.port());  // one event is enough: everything after it is the cores' own
  Client start_other(engine.port());
  std::vector<Client> more;
  while (engine->counters(CoreId{0}).accepts.read() == 0) more.emplace_back(engine.port());
  EXPECT_TRUE(seen.wait([](const Seen& s) { return s.count == total; }));
  EXPECT_TRUE(seen.now().in_order);
  EXPECT_GT(engine->counters(CoreId{0}).mailbox_full.read(), 0u);
  EXPECT_EQ(engine->counters(CoreId{1}).letters_received.read(), total);
}

TEST(Cores, ALetterWakesASleepingCoreAndComesBack) {
  constexpr std::uint64_t rounds = 2'000;
  Shared<std::uint64_t> done;
  Numbered ball;
  LiveEngine engine(on_cores(2), [&](const Inbox& inbox, Outbox& outbox) {
    const CoreId other{static_cast<std::uint16_t>(1 - outbox.core().value)};
    for (Letter* letter : inbox.letters) {
      auto& numbered = *static_cast<Numbered*>(letter);
      if (++numbered.number == rounds) {
        done.change([&](std::uint64_t& n) { n = rounds; });
      } else {
        EXPECT_TRUE(outbox.post(other, numbered));
      }
    }
    if (!inbox.received.empty()) {
      EXPECT_TRUE(outbox.post(other, ball));
    }
  });
  Client start(engine.port());
  start.send("go");
  EXPECT_TRUE(done.wait([&](std::uint64_t n) { return n == rounds; })) << "a lost wake-up";
}

TEST(Cores, ATimerFiresAfterItsDelayAndACancelledOneNever) {
  struct Firing {
    std::uint64_t cookie;
    std::uint64_t after_ns;
  };
  Shared<std::vector<Firing>> fired;
  std::atomic<std::uint64_t> armed_ns{0};
  LiveEngine engine(on_loopback(), [&](const Inbox& inbox, Outbox& outbox) {
    if (!inbox.received.empty()) {
      armed_ns = monotonic_ns();
      outbox.arm(30, 30);
      const TimerId cancelled = outbox.arm(10, 10);
      outbox.arm(5, 5);
      outbox.arm(0, 0);
      EXPECT_TRUE(outbox.cancel(cancelled));
      EXPECT_FALSE(outbox.cancel(cancelled));
    }
    for (const Fired& one : inbox.fired) {
      fired.change([&](auto& list) { list.push_back({one.cookie, monotonic_ns() - armed_ns}); });
    }
  });
  Client client(engine.port());
  client.send("go");
  ASSERT_TRUE(fired.wait([](const auto& list) { return list.size() == 3; }));
  const auto list = fired.now();
  EXPECT_EQ(list[0].cookie, 0u);
  EXPECT_EQ(list[1].cookie, 5u);
  EXPECT_EQ(list[2].cookie, 30u);
  for (const Firing& one : list) EXPECT_GE(one.after_ns, one.cookie * 1'000'000) << one.cookie;
}

TEST(Cores, AHandlerCanArmATimerBeforeItsFirstTurn) {
  class Clock final : public Handler {
   public:
    explicit Clock(Shared<int>& fired) : fired_(fired) {}
    void on_turn(const Inbox& inbox, Outbox& outbox) override {
      for (const Fired& one : inbox.fired) {
        fired_.change([&](int& n) { n += static_cast<int>(one.cookie); });
      }
      if (inbox.stopping) outbox.finished();
    }

   private:
    Shared<int>& fired_;
  };
  Shared<int> fired;
  auto engine = Engine::start(on_cores(2), [&](CoreId, Outbox& outbox) {
    outbox.arm(1, 1);
    return std::make_unique<Clock>(fired);
  });
  ASSERT_TRUE(engine);
  EXPECT_TRUE(fired.wait([](int n) { return n == 2; })) << "once per core";
}

TEST(Start, SaysThatThePortIsTakenAndByWhatMeansToFindOut) {
  const LiveEngine first(on_loopback(), echo);
  EngineOptions options = on_loopback();
  options.listeners = {{"127.0.0.1", first.port()}};
  options.bind_retry_ms = 50;
  const std::uint64_t before_ms = monotonic_ms();
  const auto second =
      Engine::start(options, [](CoreId, Outbox&) { return std::make_unique<TurnHandler>(echo); });
  ASSERT_FALSE(second) << "SO_REUSEPORT would let it in";
  EXPECT_GE(monotonic_ms() - before_ms, 50u);
  EXPECT_EQ(second.error().fault, EngineFault::port_taken);
  EXPECT_NE(describe(second.error(), options).find(std::to_string(first.port())),
            std::string::npos);
}

TEST(Start, NamesTheListenerThatCannotBe) {
  struct Case {
    const char* address;
    EngineFault fault;
  };
  for (const Case& c : {Case{"not-an-address", EngineFault::bad_address},
                        Case{"192.0.2.1", EngineFault::no_such_address}}) {
    EngineOptions options = on_loopback();
    options.listeners.push_back({c.address, 0});
    const auto engine =
        Engine::start(options, [](CoreId, Outbox&) { return std::make_unique<TurnHandler>(echo); });
    ASSERT_FALSE(engine);
    EXPECT_EQ(engine.error().fault, c.fault);
    EXPECT_EQ(engine.error().listener, 1u);
    EXPECT_NE(describe(engine.error(), options).find(c.address), std::string::npos);
  }
}

TEST(Start, RefusesZeroCores) {
  const auto engine = Engine::start(
      on_cores(0), [](CoreId, Outbox&) { return std::make_unique<TurnHandler>(echo); });
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().fault, EngineFault::bad_options);
}

TEST(Start, ServesEveryListenerAndEveryCoreOnItsPort) {
  EngineOptions options = on_cores(2);
  options.listeners.push_back({"127.0.0.1", 0});
  Shared<std::vector<int>> by_listener;
  by_listener.change([](auto& counts) { counts.resize(2); });
  LiveEngine engine(options, [&](const Inbox& inbox, Outbox& outbox) {
    echo(inbox, outbox);
    for (const Accepted& accepted : inbox.accepted) {
      by_listener.change([&](auto& counts) { ++counts[accepted.listener]; });
    }
  });
  EXPECT_NE(engine->ports()[0], engine->ports()[1]);
  for (int i = 0; i < 20; ++i) {
    Client client(engine->ports()[static_cast<std::size_t>(i % 2)]);
    client.send("x");
    EXPECT_EQ(client.receive(1), "x");
  }
  EXPECT_EQ(by_listener.now(), (std::vector<int>{10, 10}));
}

}  // namespace
}  // namespace ringroom::engine
