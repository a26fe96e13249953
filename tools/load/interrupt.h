#pragma once

#include <csignal>

namespace ringroom::load {

// SIGINT and SIGTERM as something to wait for, while it lives: an interrupted run still has a
// report.
//
// Owner: the thread that made it, before it starts others: they inherit that these are blocked.
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  // Sleeps for `ms`, or until one of them comes, and returns its number; 0: none came.
  int wait(int ms) const;

 private:
  sigset_t before_{};
  int fd_ = -1;
};

}  // namespace ringroom::load
