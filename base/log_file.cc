#include "base/log_file.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/clock.h"

namespace ringroom {

namespace {

// How soon a writer that waits for its reader notices that it should not.
constexpr int look_up_ms = 50;

bool is_regular(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

LogFile::LogFile(int fd) : fd_(fd), is_lent_(true), is_file_(is_regular(fd)) {}

LogFile::~LogFile() {
  take_next();
  if (!is_lent_ && fd_ >= 0) close(fd_);
}

int LogFile::open() {
  if (path_.empty()) return 0;
  // Not world-readable: who did what is nobody else's business.
  const int fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
  if (fd < 0) return errno;
  const int unused = next_fd_.exchange(fd, std::memory_order_acq_rel);
  if (unused >= 0) close(unused);
  return 0;
}

void LogFile::take_next() {
  const int next = next_fd_.exchange(-1, std::memory_order_acq_rel);
  if (next < 0) return;
  if (fd_ >= 0) close(fd_);
  fd_ = next;
  is_file_ = is_regular(fd_);
  is_torn_ = false;
}

void LogFile::hurry(std::uint64_t patience_ms) {
  give_up_ms_.store(monotonic_ms() + patience_ms, std::memory_order_relaxed);
}

// A descriptor that is not only ours must not be made non-blocking, so it is asked first.
bool LogFile::wait() const {
  if (is_file_) return true;
  for (;;) {
    const bool is_time = monotonic_ms() < give_up_ms_.load(std::memory_order_relaxed);
    pollfd asked{.fd = fd_, .events = POLLOUT, .revents = 0};
    const int ready = poll(&asked, 1, is_time ? look_up_ms : 0);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;  // write() says what is wrong
    if (!is_time) return false;
  }
}

bool LogFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait()) return false;
    // A pipe that is ready takes so much without blocking.
    const std::size_t most =
        is_file_ ? bytes.size() : std::min<std::size_t>(bytes.size(), PIPE_BUF);
    const ssize_t written = ::write(fd_, bytes.data(), most);
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    is_torn_ = !bytes.empty();
  }
  return true;
}

bool LogFile::write(std::string_view line) {
  take_next();
  if (is_torn_ && !append("\n")) return false;
  return append(line);
}

}  // namespace ringroom
