#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ringroom::load {

// The one receive buffer of a client thread. Every link reads into it; what is left of an
// unfinished message is kept by the link and put back in front of its next bytes.
using ReceiveBuffer = std::vector<std::byte>;

// In words, what an errno value says.
std::string_view reason_of(int error);

// One non-blocking TCP connection of the load: sends what the kernel takes and keeps the rest,
// lends what has arrived.
//
// Owner:    one client thread, which also watches fd() (edge-triggered, for reading and writing).
// Lifetime: open() .. close(), then open() again; closes itself when destroyed.
// Errors:   errno values of connect, send and recv.
class Link {
 public:
  struct Received {
    std::span<const std::byte> bytes;  // kept bytes and new ones; lent until the next receive()
    bool more = false;                 // the buffer was filled: ask again
    bool end = false;                  // the peer has finished
  };

  Link() = default;
  Link(Link&& other) noexcept;
  Link& operator=(Link&&) = delete;
  ~Link() { close(); }

  // `source` 0: the kernel chooses. `receive_bytes` 0: as large a buffer as it likes.
  Outcome<int> open(const sockaddr_in& server, in_addr_t source, int receive_bytes = 0);
  Outcome<int> finish_connect();
  void close();

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  Outcome<int> send(std::span<const std::byte> bytes);
  Outcome<int> send_rest();  // the socket can take more
  std::size_t unsent_bytes() const { return unsent_.size(); }

  Result<Received, int> receive(ReceiveBuffer& buffer);
  void keep(std::span<const std::byte> unfinished);

 private:
  int fd_ = -1;
  std::vector<std::byte> unsent_;
  std::vector<std::byte> kept_;
};

}  // namespace ringroom::load
