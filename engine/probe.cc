#include "engine/probe.h"

#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

namespace ringroom::engine {

namespace {

constexpr std::string_view ping = "ringroom";
constexpr std::uint64_t receive_wait_ns = 1'000'000'000;

int io_uring_disabled() {
  std::FILE* file = std::fopen("/proc/sys/kernel/io_uring_disabled", "re");
  if (file == nullptr) return -1;
  int value = -1;
  if (std::fscanf(file, "%d", &value) != 1) value = -1;
  std::fclose(file);
  return value;
}

bool kernel_is_new_enough() {
  utsname name{};
  int major = 0;
  int minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return true;
  return major > 6 || (major == 6 && minor >= 1);
}

ProbeStep step_of(UringStep step) {
  switch (step) {
    case UringStep::setup:
      return ProbeStep::setup;
    case UringStep::map:
      return ProbeStep::map;
    case UringStep::register_files:
      return ProbeStep::register_files;
    case UringStep::register_buffers:
      return ProbeStep::register_buffers;
  }
  return ProbeStep::setup;
}

ProbeFailure failure(ProbeStep step, int error_number) {
  return {.step = step,
          .error_number = error_number,
          .cause = likely_cause(step, error_number, io_uring_disabled(), kernel_is_new_enough())};
}

// 0, or the errno of what went wrong.
int receive_once(Uring& ring) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  const auto adopted = ring.adopt(0, ends[0]);
  ::close(ends[0]);
  const bool written = ::write(ends[1], ping.data(), ping.size()) == ssize_t{ping.size()};
  int error_number = adopted ? EIO : adopted.error().error_number;
  if (adopted && written) {
    ring.receive({.op = Op::receive, .generation = 0, .slot = 0}, 0);
    for (const Completion& completion : ring.turn({.ns = receive_wait_ns})) {
      const bool whole = completion.result == ssize_t{ping.size()} && completion.more;
      error_number = whole ? 0 : (completion.result < 0 ? -completion.result : EIO);
      if (completion.has_buffer) {
        const auto bytes = ring.received(completion);
        if (std::memcmp(bytes.data(), ping.data(), bytes.size()) != 0) error_number = EIO;
        ring.give_back(completion.buffer);
      }
    }
  }
  ::close(ends[1]);
  return error_number;
}

}  // namespace

Outcome<ProbeFailure> probe(const UringOptions& options) {
  EngineCounters counters;
  auto ring = Uring::open(options, counters);
  if (!ring) return fail(explain(ring.error()));
  if (const int error_number = receive_once(**ring); error_number != 0) {
    return fail(failure(ProbeStep::receive, error_number));
  }
  return Done{};
}

ProbeFailure explain(const UringError& error) {
  return failure(step_of(error.step), error.error_number);
}

ProbeCause likely_cause(ProbeStep step, int error_number, int sysctl, bool new_enough) {
  switch (error_number) {
    case EPERM:
    case EACCES:
      return sysctl > 0 ? ProbeCause::sysctl : ProbeCause::seccomp;
    case ENOSYS:  // some container engines answer this instead of EPERM
      return new_enough ? ProbeCause::seccomp : ProbeCause::kernel_too_old;
    case EINVAL:
    case EOPNOTSUPP:
      return new_enough ? ProbeCause::unknown : ProbeCause::kernel_too_old;
    case ENOMEM:
      return ProbeCause::locked_memory;
    case EMFILE:
      return step == ProbeStep::register_files ? ProbeCause::too_many_files
                                               : ProbeCause::out_of_descriptors;
    case ENFILE:
      return ProbeCause::out_of_descriptors;
    default:
      return ProbeCause::unknown;
  }
}

std::string describe(const ProbeFailure& failure) {
  static constexpr std::string_view steps[] = {
      "setting up a ring", "mapping its memory", "registering a file table",
      "registering receive buffers", "receiving a message"};
  const std::string what = "io_uring cannot be used here: " +
                           std::string(steps[static_cast<std::size_t>(failure.step)]) +
                           " failed with \"" + std::strerror(failure.error_number) + "\"; ";
  switch (failure.cause) {
    case ProbeCause::seccomp:
      return what +
             "most likely a seccomp filter (the default of Docker from 25 and containerd from "
             "2.0): "
             "run with a profile that allows io_uring_setup, io_uring_enter and io_uring_register, "
             "such as `docker run --security-opt seccomp=<profile.json>`.";
    case ProbeCause::sysctl:
      return what + "the kernel forbids it: `sysctl -w kernel.io_uring_disabled=0`.";
    case ProbeCause::kernel_too_old:
      return what + "the kernel is too old: Linux 6.1 is the oldest that works.";
    case ProbeCause::locked_memory:
      return what +
             "most likely the limit of locked memory: raise it with `ulimit -l unlimited` or "
             "LimitMEMLOCK=infinity in the unit file.";
    case ProbeCause::too_many_files:
      return what +
             "the table of sockets is larger than the limit of open files: raise it with "
             "`ulimit -n` or LimitNOFILE= in the unit file, or ask for fewer connections.";
    case ProbeCause::out_of_descriptors:
      return what + "out of file descriptors: raise `ulimit -n` or LimitNOFILE= in the unit file.";
    case ProbeCause::unknown:
      break;
  }
  return what + "run on Linux 6.1 or later, outside of sandboxes that do not know io_uring.";
}

}  // namespace ringroom::engine
