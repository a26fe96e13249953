#include "tools/load/link.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "tools/load/bounds.h"

namespace ringroom::load {

std::string_view reason_of(int error) {
  const char* text = strerrordesc_np(error);  // unlike strerror, safe on any thread
  return text != nullptr ? text : "unknown error";
}

Link::Link(Link&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      unsent_(std::move(other.unsent_)),
      kept_(std::move(other.kept_)) {}

Outcome<int> Link::open(const sockaddr_in& server, in_addr_t source, int receive_bytes) {
  RR_CHECK(!is_open());
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail(errno);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_bytes != 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  }
  if (source != 0) {
    // The port is chosen by connect(), so that each server address has the whole port range.
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = source;
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) return fail(errno);
  }
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0 &&
      errno != EINPROGRESS) {
    return fail(errno);
  }
  return Done{};
}

Outcome<int> Link::finish_connect() {
  int error = 0;
  socklen_t bytes = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &bytes);
  if (error != 0) return fail(error);
  return Done{};
}

void Link::close() {
  if (is_open()) ::close(std::exchange(fd_, -1));
  unsent_.clear();
  kept_.clear();
}

Outcome<int> Link::send(std::span<const std::byte> bytes) {
  if (unsent_.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return fail(errno);
    bytes = bytes.subspan(sent < 0 ? 0 : static_cast<std::size_t>(sent));
  }
  unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
  return Done{};
}

Outcome<int> Link::send_rest() {
  if (unsent_.empty()) return Done{};
  const ssize_t sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno == EAGAIN) return Done{};
    return fail(errno);
  }
  unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
  return Done{};
}

Result<Link::Received, int> Link::receive(ReceiveBuffer& buffer) {
  if (buffer.size() < kept_.size() + receive_grow_bytes) {
    buffer.resize(2 * (kept_.size() + receive_grow_bytes));
  }
  if (!kept_.empty()) std::memcpy(buffer.data(), kept_.data(), kept_.size());
  const std::size_t room = buffer.size() - kept_.size();
  const ssize_t got = recv(fd_, buffer.data() + kept_.size(), room, 0);
  if (got < 0) {
    if (errno == EAGAIN) return Received{};
    return fail(errno);
  }
  const std::size_t bytes = kept_.size() + static_cast<std::size_t>(got);
  kept_.clear();
  return Received{.bytes = {buffer.data(), bytes},
                  .more = static_cast<std::size_t>(got) == room,
                  .end = got == 0};
}

void Link::keep(std::span<const std::byte> unfinished) {
  kept_.assign(unfinished.begin(), unfinished.end());
}

}  // namespace ringroom::load
