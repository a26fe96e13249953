#include "tools/load/interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"

namespace ringroom::load {

Interrupt::Interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, &before_);
  fd_ = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  RR_CHECK(fd_ >= 0);
}

Interrupt::~Interrupt() {
  while (wait(0) != 0) {  // what came since must not end the process now, its report unwritten
  }
  close(fd_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Interrupt::wait(int ms) const {
  pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
  if (poll(&watched, 1, ms) <= 0) return 0;
  signalfd_siginfo came{};
  if (read(fd_, &came, sizeof came) != sizeof came) return 0;
  return static_cast<int>(came.ssi_signo);
}

}  // namespace ringroom::load
