#include "engine/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/bounds.h"

namespace ringroom::engine {
namespace {

int option_of(int fd, int option) {
  int value = -1;
  socklen_t value_bytes = sizeof(value);
  EXPECT_EQ(getsockopt(fd, IPPROTO_TCP, option, &value, &value_bytes), 0);
  return value;
}

int connected_to(std::uint16_t port) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  return client;
}

bool has_one_to_accept(int listener, int within_ms) {
  pollfd poll{.fd = listener, .events = POLLIN, .revents = 0};
  return ::poll(&poll, 1, within_ms) == 1;
}

// Connections never see a setsockopt: the ring accepts them, and what matters they inherit.
TEST(Listener, HandsItsOptionsOnToWhatItAccepts) {
  const auto group = listen_on({.address = "127.0.0.1", .port = 0}, 1, 0);
  ASSERT_TRUE(group);
  const int client = connected_to(group->port);
  const int accepted = ::accept4(group->sockets[0], nullptr, nullptr, SOCK_CLOEXEC);
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(option_of(accepted, TCP_NODELAY), 1);
  EXPECT_EQ(option_of(accepted, TCP_NOTSENT_LOWAT), bounds::unsent_bytes_max);
  ::close(accepted);
  ::close(client);
  ::close(group->sockets[0]);
}

TEST(Listener, LeavesTheSilentToTheKernelOnlyForAMoment) {
  const auto group =
      listen_on({.address = "127.0.0.1", .port = 0, .clients_speak_first = true}, 1, 0);
  ASSERT_TRUE(group);
  const int client = connected_to(group->port);
  EXPECT_FALSE(has_one_to_accept(group->sockets[0], 50));
  EXPECT_TRUE(has_one_to_accept(group->sockets[0], 10'000)) << "it says nothing, and is seen";
  const int speaker = connected_to(group->port);
  ::close(::accept4(group->sockets[0], nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_EQ(::send(speaker, "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_TRUE(has_one_to_accept(group->sockets[0], 10'000));
  ::close(::accept4(group->sockets[0], nullptr, nullptr, SOCK_CLOEXEC));
  ::close(client);
  ::close(speaker);
  ::close(group->sockets[0]);
}

}  // namespace
}  // namespace ringroom::engine
