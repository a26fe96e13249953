#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/probe.h"
#include "engine/uring.h"

namespace ringroom::engine {
namespace {

// The real io_uring with a small ring, and socket pairs whose one end is in its file table.
class Rings : public testing::Test {
 protected:
  void open(const UringOptions& options) {
    auto ring = Uring::open(options, counters_);
    ASSERT_TRUE(ring) << "io_uring is not available here: errno " << ring.error().error_number;
    ring_ = std::move(*ring);
  }
  void SetUp() override {
    open({.submissions = 8,
          .completions = 32,
          .files = 16,
          .receive_buffers = 4,
          .receive_buffer_bytes = 64});
  }
  void TearDown() override {
    for (const int fd : fds_) ::close(fd);
  }

  // The end that stays with the test.
  int pair(File file) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    EXPECT_TRUE(ring_->adopt(file, ends[0]));
    ::close(ends[0]);
    fds_.push_back(ends[1]);
    return ends[1];
  }
  void write(int fd, std::string_view text) {
    ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string read(int fd, std::size_t bytes_max) {
    std::string out(bytes_max, '\0');
    const ssize_t got = ::recv(fd, out.data(), bytes_max, MSG_DONTWAIT);
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }
  static Token token(Op op, std::uint32_t slot) {
    return {.op = op, .generation = 3, .slot = slot};
  }
  static std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
  }

  static constexpr std::uint64_t second = 1'000'000'000;
  EngineCounters counters_;
  std::unique_ptr<Uring> ring_;
  std::vector<int> fds_;
};

TEST_F(Rings, WaitNoLongerThanAsked) {
  const std::uint64_t before = monotonic_ns();
  EXPECT_TRUE(ring_->turn({.ns = 20'000'000}).empty());
  const std::uint64_t waited = monotonic_ns() - before;
  EXPECT_GE(waited, 19'000'000u);
  EXPECT_TRUE(ring_->turn({.ns = 0}).empty());
}

TEST_F(Rings, BeginMoreOperationsThanTheQueueHolds) {
  int ends[16];
  for (File file = 0; file < 16; ++file) ends[file] = pair(file);
  // 8 submissions: the queue is full twice.
  for (File file = 0; file < 16; ++file) {
    ring_->send(token(Op::send_parked, file), file, bytes("hello"), Patience::parked);
  }
  std::size_t seen = 0;
  while (seen < 16) {
    const auto completions = ring_->turn({.ns = second});
    ASSERT_FALSE(completions.empty());
    for (const Completion& completion : completions) {
      EXPECT_EQ(completion.result, 5);
      EXPECT_EQ(completion.token.op, Op::send_parked);
      ++seen;
    }
  }
  for (const int end : ends) EXPECT_EQ(read(end, 10), "hello");
}

TEST_F(Rings, BringBackEveryCompletionWhenTheCompletionQueueOverflows) {
  const int end = pair(0);
  for (int i = 0; i < 100; ++i) {  // into a queue of 32
    ring_->send(token(Op::send_parked, static_cast<std::uint32_t>(i)), 0, bytes("x"),
                Patience::parked);
  }
  std::vector<std::uint32_t> seen;
  while (seen.size() < 100) {
    const auto completions = ring_->turn({.ns = second});
    ASSERT_FALSE(completions.empty());
    for (const Completion& completion : completions) seen.push_back(completion.token.slot);
  }
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(seen[i], i);
  EXPECT_GT(counters_.uring_cq_overflows.read(), 0u);
  EXPECT_EQ(read(end, 200), std::string(100, 'x'));
}

TEST_F(Rings, AnAtOnceSendIsSilentWhenEverythingWasTaken) {
  const int end = pair(0);
  ring_->send(token(Op::send, 0), 0, bytes("hello"), Patience::at_once);
  EXPECT_TRUE(ring_->turn({.ns = 0}).empty());
  EXPECT_EQ(read(end, 10), "hello");
}

TEST_F(Rings, AnAtOnceSendSaysHowMuchAFullSocketTook) {
  const int end = pair(0);
  const std::string large(4u << 20, 'y');
  ring_->send(token(Op::send, 0), 0, bytes(large), Patience::at_once);
  auto completions = ring_->turn({.ns = 0});
  ASSERT_EQ(completions.size(), 1u);
  const std::int32_t taken = completions[0].result;
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, 4 << 20);

  ring_->send(token(Op::send, 0), 0, bytes(large), Patience::at_once);
  completions = ring_->turn({.ns = 0});
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_EQ(completions[0].result, -EAGAIN);

  std::size_t arrived = 0;
  for (std::string part = read(end, 65536); !part.empty(); part = read(end, 65536)) {
    arrived += part.size();
  }
  EXPECT_EQ(arrived, static_cast<std::size_t>(taken));
}

TEST_F(Rings, AReceiveCarriesOnWithoutBeingAskedAgain) {
  const int end = pair(5);
  ring_->receive(token(Op::receive, 5), 5);
  for (const std::string_view text : {"one", "two", "three", "four", "five", "six"}) {
    write(end, text);
    const auto completions = ring_->turn({.ns = second});
    ASSERT_EQ(completions.size(), 1u);
    EXPECT_TRUE(completions[0].more);
    EXPECT_EQ(completions[0].token, token(Op::receive, 5));
    const auto got = ring_->received(completions[0]);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(got.data()), got.size()), text);
    ring_->give_back(completions[0].buffer);
  }
}

TEST_F(Rings, AReceiveEndsWithoutBuffersAndWorksAgainWithThem) {
  const int end = pair(0);
  ring_->receive(token(Op::receive, 0), 0);
  write(end, std::string(64 * 4 + 1, 'z'));  // one byte more than all buffers hold
  std::vector<std::uint16_t> lent;
  std::size_t bytes = 0;
  bool starved = false;
  while (!starved) {
    const auto completions = ring_->turn({.ns = second});
    ASSERT_FALSE(completions.empty());
    for (const Completion& completion : completions) {
      if (completion.has_buffer) {
        bytes += ring_->received(completion).size();
        lent.push_back(completion.buffer);
      }
      if (!completion.more) {
        EXPECT_EQ(completion.result, -ENOBUFS);
        starved = true;
      }
    }
  }
  EXPECT_EQ(bytes, 256u);
  for (const std::uint16_t buffer : lent) ring_->give_back(buffer);
  ring_->receive(token(Op::receive, 0), 0);
  const auto completions = ring_->turn({.ns = second});
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_EQ(completions[0].result, 1);
}

TEST_F(Rings, AWatchReportsEveryWriteWithoutBeingRead) {
  const int event = eventfd(0, 0);
  fds_.push_back(event);
  ring_->watch(token(Op::wake, 0), event);
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t once = 1;
    ASSERT_EQ(::write(event, &once, sizeof(once)), 8);
    const auto completions = ring_->turn({.ns = second});
    ASSERT_EQ(completions.size(), 1u);
    EXPECT_TRUE(completions[0].more);
  }
  EXPECT_TRUE(ring_->turn({.ns = 0}).empty());
}

TEST_F(Rings, CancelEndsWhatItNames) {
  pair(0);
  ring_->receive(token(Op::receive, 0), 0);
  EXPECT_TRUE(ring_->turn({.ns = 0}).empty());
  ring_->cancel(token(Op::cancel_receive, 0), token(Op::receive, 0));
  bool received_ended = false;
  bool cancel_ended = false;
  while (!received_ended || !cancel_ended) {
    const auto completions = ring_->turn({.ns = second});
    ASSERT_FALSE(completions.empty());
    for (const Completion& completion : completions) {
      if (completion.token.op == Op::receive) {
        EXPECT_EQ(completion.result, -ECANCELED);
        received_ended = true;
      } else {
        cancel_ended = true;
      }
    }
  }
  ring_->close(token(Op::close, 0), 0);
  const auto completions = ring_->turn({.ns = second});
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_EQ(completions[0].result, 0);
}

TEST(Probe, SucceedsWhereTheOtherTestsOfThisFileDo) {
  const auto done = probe({.files = 1000});
  EXPECT_TRUE(done) << describe(done.error());
}

TEST(Probe, NamesTheFileLimitWhenTheTableIsTooLarge) {
  const auto done = probe({.files = 1u << 24});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().step, ProbeStep::register_files);
  EXPECT_EQ(done.error().cause, ProbeCause::too_many_files);
  EXPECT_NE(describe(done.error()).find("LimitNOFILE"), std::string::npos);
}

TEST(Probe, TellsAContainersFilterFromTheKernelsSwitchAndFromAnOldKernel) {
  struct Case {
    int error_number;
    int sysctl;
    bool new_enough;
    ProbeCause cause;
  };
  for (const Case& c :
       {Case{EPERM, 0, true, ProbeCause::seccomp}, Case{EPERM, -1, true, ProbeCause::seccomp},
        Case{EPERM, 1, true, ProbeCause::sysctl}, Case{EPERM, 2, true, ProbeCause::sysctl},
        Case{ENOSYS, 0, true, ProbeCause::seccomp},
        Case{ENOSYS, -1, false, ProbeCause::kernel_too_old},
        Case{EINVAL, -1, false, ProbeCause::kernel_too_old},
        Case{ENOMEM, 0, true, ProbeCause::locked_memory},
        Case{EMFILE, 0, true, ProbeCause::out_of_descriptors}}) {
    const ProbeCause cause = likely_cause(ProbeStep::setup, c.error_number, c.sysctl, c.new_enough);
    EXPECT_EQ(cause, c.cause) << c.error_number << " " << c.sysctl;
    EXPECT_FALSE(
        describe({.step = ProbeStep::setup, .error_number = c.error_number, .cause = cause})
            .empty());
  }
}

}  // namespace
}  // namespace ringroom::engine
