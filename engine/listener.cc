#include "engine/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <optional>

#include "base/clock.h"
#include "engine/bounds.h"

namespace ringroom::engine {

namespace {

struct Address {
  sockaddr_storage name;
  socklen_t name_bytes;
};

Address v6(const in6_addr& ip, std::uint16_t port) {
  Address out{};
  auto& name = reinterpret_cast<sockaddr_in6&>(out.name);
  name.sin6_family = AF_INET6;
  name.sin6_addr = ip;
  name.sin6_port = htons(port);
  out.name_bytes = sizeof(name);
  return out;
}

Address v4(const in_addr& ip, std::uint16_t port) {
  Address out{};
  auto& name = reinterpret_cast<sockaddr_in&>(out.name);
  name.sin_family = AF_INET;
  name.sin_addr = ip;
  name.sin_port = htons(port);
  out.name_bytes = sizeof(name);
  return out;
}

bool has_ipv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  ::close(fd);
  return true;
}

std::optional<Address> parse(const ListenerOptions& options) {
  if (options.address.empty() || options.address == "*") {
    return has_ipv6() ? v6(in6addr_any, options.port) : v4({htonl(INADDR_ANY)}, options.port);
  }
  in_addr ip4{};
  if (inet_pton(AF_INET, options.address.c_str(), &ip4) == 1) return v4(ip4, options.port);
  in6_addr ip6{};
  if (inet_pton(AF_INET6, options.address.c_str(), &ip6) == 1) return v6(ip6, options.port);
  return std::nullopt;
}

void set_port(Address& address, std::uint16_t port) {
  // The port lies at the same place in both families.
  reinterpret_cast<sockaddr_in&>(address.name).sin_port = htons(port);
}

enum class Share : std::uint8_t { alone, with_other_cores };

Result<int, ListenError> bind_one(const ListenerOptions& options, const Address& address,
                                  Share share) {
  const int fd = ::socket(address.name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(ListenError{ListenStep::socket, errno});
  const int on = 1;
  const int off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const int unsent_bytes_max = bounds::unsent_bytes_max;
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes_max, sizeof(unsent_bytes_max));
  if (options.clients_speak_first) {
    const int defer_s = bounds::defer_accept_s;
    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer_s, sizeof(defer_s));
  }
  if (address.name.ss_family == AF_INET6) {
    // Every address means IPv4 too; a given IPv6 address does not.
    const auto& name = reinterpret_cast<const sockaddr_in6&>(address.name);
    const bool any = IN6_IS_ADDR_UNSPECIFIED(&name.sin6_addr);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof(int));
  }
  if (share == Share::with_other_cores) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  }
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.name), address.name_bytes) < 0) {
    const int error_number = errno;
    ::close(fd);
    return fail(ListenError{ListenStep::bind, error_number});
  }
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage name{};
  socklen_t name_bytes = sizeof(name);
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &name_bytes);
  return ntohs(reinterpret_cast<sockaddr_in&>(name).sin_port);
}

Result<ListenGroup, ListenError> try_listen(const ListenerOptions& options, Address address,
                                            std::uint32_t sockets) {
  if (options.port != 0) {
    const Result<int, ListenError> alone = bind_one(options, address, Share::alone);
    if (!alone) return fail(alone.error());
    ::close(*alone);
  }
  ListenGroup group{.sockets = {}, .port = options.port};
  const auto give_up = [&group](ListenError error) {
    for (const int fd : group.sockets) ::close(fd);
    return fail(error);
  };
  while (group.sockets.size() < sockets) {
    set_port(address, group.port);
    const Result<int, ListenError> fd = bind_one(options, address, Share::with_other_cores);
    if (!fd) return give_up(fd.error());
    group.sockets.push_back(*fd);
    group.port = port_of(*fd);
  }
  // All are bound before the first listens: none gets the connections meant for the others.
  for (const int fd : group.sockets) {
    if (::listen(fd, bounds::listen_backlog) < 0) {
      return give_up({ListenStep::listen, errno});
    }
  }
  return group;
}

void pause_ms(std::uint64_t ms) {
  timespec pause{.tv_sec = static_cast<time_t>(ms / 1000),
                 .tv_nsec = static_cast<long>(ms % 1000) * 1'000'000};
  nanosleep(&pause, nullptr);
}

}  // namespace

Result<ListenGroup, ListenError> listen_on(const ListenerOptions& options, std::uint32_t sockets,
                                           std::uint64_t retry_ms) {
  RR_CHECK(sockets > 0);
  const std::optional<Address> address = parse(options);
  if (!address) return fail(ListenError{ListenStep::address, EINVAL});

  const std::uint64_t deadline_ms = monotonic_ms() + retry_ms;
  for (std::uint64_t wait_ms = 10;; wait_ms = std::min<std::uint64_t>(wait_ms * 2, 500)) {
    Result<ListenGroup, ListenError> group = try_listen(options, *address, sockets);
    const bool in_use = !group && group.error().error_number == EADDRINUSE;
    const std::uint64_t now_ms = monotonic_ms();
    if (!in_use || now_ms >= deadline_ms) return group;
    pause_ms(std::min(wait_ms, deadline_ms - now_ms));
  }
}

}  // namespace ringroom::engine
