#include "tools/load/bench.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ringroom::load {
namespace {

// Message sizes of the tcp dialect for an echo of 32 bytes: a client frame's header and the
// payload.
constexpr std::size_t message_bytes = 6 + 32;

enum class Fault { none, lose, repeat, swap, corrupt, hang_up, silent };

// A TCP echo on a thread of its own that makes one mistake, at the `fault_at`-th message it
// handles.
class Echo {
 public:
  Echo(Fault fault, int fault_at) : fault_(fault), fault_at_(fault_at) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 128), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    where_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    EXPECT_EQ(pipe(stop_), 0);
    thread_ = std::thread([this] { serve(); });
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  ~Echo() {
    close(stop_[1]);
    thread_.join();
    close(stop_[0]);
    close(listener_);
  }

  const std::string& where() const { return where_; }

 private:
  struct Peer {
    int fd;
    std::vector<char> unfinished;
  };

  void serve() {
    std::vector<Peer> peers;
    for (;;) {
      std::vector<pollfd> watched{{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const Peer& peer : peers) watched.push_back({peer.fd, POLLIN, 0});
      poll(watched.data(), watched.size(), -1);
      if (watched[0].revents != 0) break;
      std::vector<Peer> staying;
      for (std::size_t i = 0; i < peers.size(); ++i) {
        if (watched[i + 2].revents == 0 || answer(peers[i])) {
          staying.push_back(std::move(peers[i]));
        } else {
          close(peers[i].fd);
        }
      }
      peers = std::move(staying);
      if (watched[1].revents != 0) peers.push_back({accept(listener_, nullptr, nullptr), {}});
    }
    for (const Peer& peer : peers) close(peer.fd);
  }

  bool answer(Peer& peer) {
    char bytes[4096];
    const ssize_t got = recv(peer.fd, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    std::vector<char>& all = peer.unfinished;
    all.insert(all.end(), bytes, bytes + got);
    std::vector<char> out;
    while (all.size() >= message_bytes) {
      std::vector<char> message(all.begin(), all.begin() + message_bytes);
      all.erase(all.begin(), all.begin() + message_bytes);
      if (++handled_ != fault_at_) {
        out.insert(out.end(), message.begin(), message.end());
        continue;
      }
      if (fault_ == Fault::hang_up) return false;
      if (fault_ == Fault::corrupt) message.back() = '!';
      if (fault_ == Fault::swap && all.size() >= message_bytes) {
        out.insert(out.end(), all.begin(), all.begin() + message_bytes);
        all.erase(all.begin(), all.begin() + message_bytes);
      }
      if (fault_ != Fault::lose) out.insert(out.end(), message.begin(), message.end());
      if (fault_ == Fault::repeat) out.insert(out.end(), message.begin(), message.end());
    }
    if (fault_ == Fault::silent) return true;
    return send(peer.fd, out.data(), out.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(out.size());
  }

  const Fault fault_;
  const int fault_at_;
  int handled_ = 0;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  std::string where_;
  std::thread thread_;
};

int bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "bench");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return run_bench(static_cast<int>(pointers.size()), pointers.data());
}

// 2,000 messages, two of them under way on each of 4 connections, and one claim.
int bench_echo(const Echo& echo, const std::string& claim) {
  return bench({"--protocol", "tcp", "--server", echo.where(), "--connections", "4", "--depth", "2",
                "--payload-bytes", "32", "--messages", "2000", "--drain-s", "1", "--must", claim});
}

TEST(Bench, FindsNothingWrongWithAnEcho) {
  const Echo echo(Fault::none, 0);
  EXPECT_EQ(bench_echo(echo,
                       "messages = 2000, deliveries = 2000, lost = 0, duplicated = 0, "
                       "misordered = 0, corrupt = 0, disconnected = 0"),
            0);
}

TEST(Bench, FailsWhenAClaimDoesNotHoldOrWasNotMeasured) {
  const Echo echo(Fault::none, 0);
  EXPECT_EQ(bench_echo(echo, "messages > 2000"), 1);
  EXPECT_EQ(bench_echo(echo, "server-cpu-us < 1000000"), 1);
}

TEST(Bench, FindsOneMistakeAmongManyMessages) {
  struct Row {
    Fault fault;
    const char* finding;
  };
  // What is lost, and what cannot be recognised, never arrived.
  const Row rows[] = {
      {Fault::lose, "lost = 1, duplicated = 0, misordered = 0, corrupt = 0"},
      {Fault::repeat, "lost = 0, duplicated = 1, misordered = 0, corrupt = 0"},
      {Fault::corrupt, "lost = 1, duplicated = 0, misordered = 0, corrupt = 1"},
      {Fault::hang_up, "lost > 0, duplicated = 0, corrupt = 0, disconnected = 1"},
  };
  for (const Row& row : rows) {
    const Echo echo(row.fault, 1000);
    EXPECT_EQ(bench_echo(echo, row.finding), 0) << row.finding;
  }
}

TEST(Bench, FindsTwoMessagesThatChangedPlaces) {
  const Echo echo(Fault::swap, 1);  // the first connection's first two come in one send
  EXPECT_EQ(bench_echo(echo, "lost = 0, duplicated = 0, misordered = 1, corrupt = 0"), 0);
}

TEST(Bench, GivesUpOnASilentServerAtItsDeadline) {
  const Echo echo(Fault::silent, 0);
  EXPECT_EQ(bench({"--protocol", "tcp", "--server", echo.where(), "--connections", "4", "--depth",
                   "2", "--payload-bytes", "32", "--duration-s", "1", "--warmup-ms", "0",
                   "--drain-s", "1", "--must", "deliveries = 0, lost = 8"}),
            0);
}

TEST(Bench, MeasuresAnOpenLoopAndAStorm) {
  const Echo echo(Fault::none, 0);
  EXPECT_EQ(bench({"--protocol=tcp", "--server", echo.where(), "--connections=4", "--rate=1000",
                   "--messages=500", "--payload-bytes=32", "--must", "deliveries = 500, lost = 0"}),
            0);
  EXPECT_EQ(bench({"--work=storm", "--protocol=tcp", "--server", echo.where(), "--in-flight=8",
                   "--messages=200", "--payload-bytes=32", "--must",
                   "handshakes = 200, lost = 0, unfinished = 0"}),
            0);
}

TEST(Bench, SplitsItsConnectionsAmongThreads) {
  const Echo echo(Fault::none, 0);
  EXPECT_EQ(bench({"--protocol=tcp", "--server", echo.where(), "--connections=5", "--threads=2",
                   "--messages=500", "--payload-bytes=32", "--must", "connections = 5, lost = 0"}),
            0);
}

TEST(Bench, TellsUsageFromFailure) {
  EXPECT_EQ(bench({"--connections", "0"}), 2);
  EXPECT_EQ(bench({"--connections", "1", "--colour", "red"}), 2);
  EXPECT_EQ(bench({"--connections", "1", "--server", "nowhere"}), 2);
  EXPECT_EQ(bench({"no-such-file.conf"}), 2);
  EXPECT_EQ(bench({"--connections"}), 2);
  EXPECT_EQ(bench({"--help"}), 0);
  EXPECT_EQ(bench({"--connections", "1", "--server", "127.0.0.1:1"}), 1);  // nobody listens there
}

}  // namespace
}  // namespace ringroom::load
