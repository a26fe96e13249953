#include "engine/doorbell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace ringroom::engine {

Doorbell::Doorbell() : event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Doorbell::~Doorbell() {
  if (event_fd_ >= 0) ::close(event_fd_);
}

void Doorbell::ring() {
  // Nobody reads the count; it would take 2^64 rings to fill it.
  const std::uint64_t once = 1;
  RR_CHECK(::write(event_fd_, &once, sizeof(once)) == sizeof(once));
}

}  // namespace ringroom::engine
