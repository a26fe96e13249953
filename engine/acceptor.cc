#include "engine/acceptor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "engine/bounds.h"

namespace ringroom::engine {

Acceptor::Acceptor(Ring& ring, SocketTable& sockets, EngineCounters& counters,
                   std::vector<int> listeners)
    : ring_(ring), sockets_(sockets), counters_(counters) {
  for (const int fd : listeners) {
    // The kernel wants exactly as many bytes as the family's name has.
    sockaddr_storage own{};
    socklen_t name_bytes = sizeof(own);
    RR_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&own), &name_bytes) == 0);
    listeners_.push_back({.fd = fd, .name_bytes = static_cast<std::uint32_t>(name_bytes)});
  }
}

Acceptor::~Acceptor() {
  for (const Listener& listener : listeners_) {
    if (listener.fd >= 0) ::close(listener.fd);
  }
}

Acceptor::Armed Acceptor::wanted(std::uint64_t now_ms) {
  if (stopped_) return Armed::nothing;
  if (retry_at_ms_ > now_ms) return Armed::nothing;
  retry_at_ms_ = 0;
  const std::uint32_t free = sockets_.sockets_max() - sockets_.open_count();
  // Each listener may have one accept on its way.
  const bool full = free < listeners_.size();
  if (full && !full_) counters_.accept_pauses.add();
  full_ = full;
  if (full) return Armed::nothing;
  return free <= bounds::accept_singly_below ? Armed::one : Armed::many;
}

void Acceptor::tend(std::uint64_t now_ms) {
  const Armed armed = wanted(now_ms);
  for (std::uint32_t i = 0; i < listeners_.size(); ++i) tend(i, armed);
}

void Acceptor::tend(std::uint32_t index, Armed wanted) {
  Listener& listener = listeners_[index];
  if (listener.fd < 0) return;
  if (listener.armed == Armed::nothing && !listener.cancelling) {
    if (stopped_) {
      // Only now: an armed accept would hold the listener open behind our back.
      ::close(std::exchange(listener.fd, -1));
    } else if (wanted != Armed::nothing) {
      ring_.accept({.op = Op::accept, .generation = 0, .slot = index}, listener.fd,
                   wanted == Armed::many ? Shots::many : Shots::one);
      listener.armed = wanted;
    }
  } else if (listener.armed > wanted && !listener.cancelling) {
    ring_.cancel({.op = Op::cancel_accept, .generation = 0, .slot = index},
                 {.op = Op::accept, .generation = 0, .slot = index});
    listener.cancelling = true;
  }
}

std::optional<std::uint64_t> Acceptor::retry_ms() const {
  if (retry_at_ms_ == 0 || stopped_) return std::nullopt;
  return retry_at_ms_;
}

void Acceptor::completed(std::uint32_t index, const Completion& completion, std::uint64_t now_ms) {
  RR_CHECK(index < listeners_.size());
  if (!completion.more) listeners_[index].armed = Armed::nothing;
  if (completion.result >= 0) {
    counters_.accepts.add();
    return;
  }
  switch (-completion.result) {
    case ECANCELED:
      break;
    case ECONNABORTED:  // that connection is gone; the next is not affected
    case EINTR:
      counters_.accept_errors.add();
      break;
    default:
      counters_.accept_errors.add();
      retry_at_ms_ = now_ms + bounds::accept_retry_ms;
  }
}

std::uint32_t Acceptor::name_bytes(std::uint32_t index) const {
  RR_CHECK(index < listeners_.size());
  return listeners_[index].name_bytes;
}

void Acceptor::cancel_completed(std::uint32_t index) {
  RR_CHECK(index < listeners_.size());
  listeners_[index].cancelling = false;
}

}  // namespace ringroom::engine
