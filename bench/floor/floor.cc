// The least that an epoll server can do for the work of a scenario: the same bytes, no protocol.
// What a WebSocket server costs above it is its own; what it costs below it, it saves in system
// calls.
//
//   echo     what one recv brings goes back in one send
//   fanout   the first five bytes of a connection are P (publishes), S (subscribes) or B (both) and
//            the number of a room; the letter comes back. What one recv of a publisher brings goes
//            to each subscriber of the room in one send
//
// One thread, no queues: when a socket takes nothing more, everybody waits for it.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int events_per_turn = 512;
constexpr std::size_t receive_bytes = 256 * 1024;

constexpr std::size_t join_bytes = 5;
constexpr std::uint32_t rooms_max = 1'000'000;

// What a connection may do in its room.
struct Seat {
  bool joined = false;
  bool publishes = false;
  bool subscribes = false;
  std::uint32_t room = 0;
};

[[noreturn]] void stop(const std::string& sentence) {
  std::fprintf(stderr, "floor: %s\n", sentence.c_str());
  std::exit(1);
}

int listen_on(const std::string& where) {
  const std::size_t colon = where.rfind(':');
  const char* const end = where.data() + where.size();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::uint16_t port = 0;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, where.substr(0, colon).c_str(), &address.sin_addr) != 1 ||
      std::from_chars(where.data() + colon + 1, end, port).ptr != end || port == 0) {
    stop("--listen: expected an IPv4 address and port");
  }
  address.sin_port = htons(port);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 4096) != 0) {
    stop("--listen: " + std::string(std::strerror(errno)));
  }
  return fd;
}

// False when the connection is gone; its end is seen by the next read.
bool send_all(int fd, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
    if (!bytes.empty()) {
      pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&writable, 1, -1);
    }
  }
  return true;
}

class Floor {
 public:
  Floor(int listener, bool fanout) : listener_(listener), fanout_(fanout), buffer_(receive_bytes) {
    watch(listener_);
  }

  [[noreturn]] void run() {
    epoll_event events[events_per_turn];
    for (;;) {
      const int count = epoll_wait(epoll_, events, events_per_turn, -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == listener_) {
          accept_all();
        } else {
          serve(events[i].data.fd);
        }
      }
    }
  }

 private:
  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) stop("epoll_ctl failed");
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const auto slot = static_cast<std::size_t>(fd);
      if (seats_.size() <= slot) seats_.resize(slot + 1);
      seats_[slot] = {};
      watch(fd);
    }
  }

  void serve(int fd) {
    const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return leave(fd);
    const std::span<const char> bytes(buffer_.data(), static_cast<std::size_t>(got));
    if (!fanout_) {
      send_all(fd, bytes);
      return;
    }
    Seat& seat = seats_[static_cast<std::size_t>(fd)];
    if (!seat.joined) {
      join(fd, seat, bytes);
    } else if (seat.publishes) {
      for (const int subscriber : rooms_[seat.room]) send_all(subscriber, bytes);
    }
  }

  // Five bytes on a new connection come in one piece.
  void join(int fd, Seat& seat, std::span<const char> bytes) {
    std::uint32_t room = 0;
    if (bytes.size() == join_bytes) std::memcpy(&room, &bytes[1], sizeof room);
    if (bytes.size() != join_bytes || room >= rooms_max) return leave(fd);
    if (rooms_.size() <= room) rooms_.resize(room + 1);
    seat = {
        .joined = true, .publishes = bytes[0] != 'S', .subscribes = bytes[0] != 'P', .room = room};
    if (seat.subscribes) rooms_[room].push_back(fd);
    send_all(fd, bytes.first(1));
  }

  void leave(int fd) {
    const Seat& seat = seats_[static_cast<std::size_t>(fd)];
    if (seat.subscribes) std::erase(rooms_[seat.room], fd);
    close(fd);
  }

  const int listener_;
  const bool fanout_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<char> buffer_;
  std::vector<Seat> seats_;
  std::vector<std::vector<int>> rooms_;  // their subscribers
};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view work = argc == 4 ? argv[3] : "";
  if (argc != 4 || std::string_view(argv[1]) != "--listen" ||
      (work != "echo" && work != "fanout")) {
    std::fprintf(stderr, "usage: floor --listen ADDRESS:PORT echo|fanout\n");
    return 2;
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Floor(listen_on(argv[2]), work == "fanout").run();
}
