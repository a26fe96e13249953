#include "engine/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

// Connections never see a setsockopt: the ring accepts them, and what matters they inherit.
TEST(Listener, HandsItsOptionsOnToWhatItAccepts) {
  const auto group = listen_on({.address = "127.0.0.1", .port = 0}, 1, 0);
  ASSERT_TRUE(group);
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(group->port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  const int accepted = ::accept4(group->sockets[0], nullptr, nullptr, SOCK_CLOEXEC);
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(option_of(accepted, TCP_NODELAY), 1);
  EXPECT_EQ(option_of(accepted, TCP_NOTSENT_LOWAT), bounds::unsent_bytes_max);
  ::close(accepted);
  ::close(client);
  ::close(group->sockets[0]);
}

}  // namespace
}  // namespace ringroom::engine
