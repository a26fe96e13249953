#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "engine/engine.h"

namespace ringroom::engine {

inline constexpr std::chrono::seconds deadline{10};  // for an event; nothing here waits for time

// What handlers on other threads tell the test, and the test's way to wait for it.
template <class State>
class Shared {
 public:
  void change(const std::function<void(State&)>& step) {
    {
      const std::lock_guard lock(mutex_);
      step(state_);
    }
    changed_.notify_all();
  }
  bool wait(const std::function<bool(const State&)>& reached) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, deadline, [&] { return reached(state_); });
  }
  State now() {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  State state_{};
};

using Turn = std::function<void(const Inbox&, Outbox&)>;

class TurnHandler final : public Handler {
 public:
  explicit TurnHandler(Turn turn) : turn_(std::move(turn)) {}
  void on_turn(const Inbox& inbox, Outbox& outbox) override {
    turn_(inbox, outbox);
    if (inbox.stopping) outbox.finished();
  }

 private:
  Turn turn_;
};

inline void echo(const Inbox& inbox, Outbox& outbox) {
  for (const Received& received : inbox.received) outbox.write(received.socket, received.bytes);
}

inline EngineOptions on_loopback() {
  EngineOptions options;
  options.listeners = {{"127.0.0.1", 0}};
  options.sockets_per_core_max = 1000;
  options.queue_bytes_max = 64u << 20;
  return options;
}

// A whole engine on real sockets, one turn function for all cores.
class LiveEngine {
 public:
  LiveEngine(const EngineOptions& options, Turn turn) {
    auto engine = Engine::start(
        options, [turn](CoreId, Outbox&) { return std::make_unique<TurnHandler>(turn); });
    EXPECT_TRUE(engine) << describe(engine.error(), options);
    engine_ = std::move(*engine);
  }
  std::uint16_t port() const { return engine_->ports()[0]; }
  Engine& operator*() { return *engine_; }
  Engine* operator->() { return engine_.get(); }

 private:
  std::unique_ptr<Engine> engine_;
};

// A plain blocking client. Every call ends by the deadline.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer_bytes = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer_bytes > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
    }
    const timeval patience{.tv_sec = deadline.count(), .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client& operator=(Client&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }

  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0) << "errno " << errno;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // Exactly so many bytes, or what came until the end.
  std::string receive(std::size_t bytes) {
    std::string out(bytes, '\0');
    std::size_t filled = 0;
    while (filled < bytes) {
      const ssize_t got = ::recv(fd_, out.data() + filled, bytes - filled, 0);
      if (got <= 0) break;
      filled += static_cast<std::size_t>(got);
    }
    out.resize(filled);
    return out;
  }
  // 0 for FIN, else the errno that ended the connection.
  int receive_end() {
    char byte = 0;
    const ssize_t got = ::recv(fd_, &byte, 1, 0);
    EXPECT_LE(got, 0) << "bytes where the end was expected";
    return got == 0 ? 0 : errno;
  }
  bool nothing_to_receive() {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
  }
  void finish_writing() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    ::close(std::exchange(fd_, -1));
  }
  std::uint16_t own_port() const {
    sockaddr_in name{};
    socklen_t name_bytes = sizeof(name);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &name_bytes);
    return ntohs(name.sin_port);
  }

 private:
  int fd_ = -1;
};

// Bytes in which every place can be told from every other nearby.
inline std::string pattern(std::size_t bytes, std::uint32_t seed = 1) {
  std::string out(bytes, '\0');
  std::uint32_t state = seed * 2'654'435'761u + 1;
  for (char& c : out) {
    state = state * 1'664'525u + 1'013'904'223u;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace ringroom::engine
