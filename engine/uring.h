#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "alloc/buffer_ring.h"
#include "base/result.h"
#include "engine/bounds.h"
#include "engine/counters.h"
#include "engine/ring.h"

namespace ringroom::engine {

struct UringOptions {
  std::uint32_t submissions = bounds::submissions;  // power of two
  std::uint32_t completions = bounds::completions;  // power of two, >= submissions
  std::uint32_t files;                              // sockets it can hold
  std::uint32_t receive_buffers = bounds::receive_buffers;
  std::size_t receive_buffer_bytes = bounds::receive_buffer_bytes;
};

enum class UringStep : std::uint8_t { setup, map, register_files, register_buffers };
struct UringError {
  UringStep step;
  int error_number;
};

// The Ring on io_uring: one system call per turn begins everything and brings everything back.
//
//   SQ  |tail ... we write|  --enter-->  kernel  -->  CQ |head ... we copy out|
//
// Set up by hand, because liburing 2.3 computes wrong offsets for a ring without index array; its
// header still names the structures. Completions run only inside our own enter (DEFER_TASKRUN), so
// nothing interrupts a turn.
class Uring final : public Ring {
 public:
  static Result<std::unique_ptr<Uring>, UringError> open(const UringOptions& options,
                                                         EngineCounters& counters);
  ~Uring() override;
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  // Puts a descriptor of the process into the file table; the caller may close its own. For the
  // start-up probe and tests: sockets of the service arrive by accept.
  Outcome<UringError> adopt(File file, int fd);

  void accept(Token token, int listener, Shots shots) override;
  void peer_name(Token token, File file, void* name, std::uint32_t name_bytes) override;
  void receive(Token token, File file) override;
  void readable(Token token, File file) override;
  void send(Token token, File file, std::span<const std::byte> bytes, Patience patience) override;
  void send_gathered(Token token, File file, const msghdr& message, Patience patience) override;
  void shutdown_writing(Token token, File file) override;
  void reset_on_close(Token token, File file) override;
  void close(Token token, File file) override;
  void cancel(Token token, Token target) override;
  void watch(Token token, int event_fd) override;

  std::span<const Completion> turn(const Wait& wait) override;
  bool ready() override;
  bool can_gather() const override { return can_gather_; }
  std::span<std::byte> received(const Completion& completion) override;
  void give_back(std::uint16_t buffer) override;

 private:
  // The two queues as the kernel shares them.
  struct Queues {
    unsigned* sq_head = nullptr;
    unsigned* sq_tail = nullptr;
    unsigned* sq_flags = nullptr;
    unsigned* cq_head = nullptr;
    unsigned* cq_tail = nullptr;
    io_uring_sqe* submissions = nullptr;
    io_uring_cqe* completions = nullptr;
    unsigned sq_entries = 0;
    unsigned cq_entries = 0;
  };
  struct Mapping {
    void* start = nullptr;
    std::size_t bytes = 0;
  };

  Uring(const UringOptions& options, EngineCounters& counters, alloc::BufferRing buffers);
  Outcome<UringError> set_up(const UringOptions& options);
  Outcome<UringError> map_queues(const io_uring_params& params);
  Outcome<UringError> register_files(std::uint32_t files);
  Outcome<UringError> register_buffers();
  void register_self();
  void limit_workers();

  io_uring_sqe& next(Token token);
  io_uring_sqe& next(Token token, File file);
  void socket_option(Token token, File file, std::uint32_t socket_op, int option, void* value,
                     std::uint32_t value_bytes);
  // Submits what is queued.
  void enter(unsigned flags, Wait wait);
  void reap(std::vector<Completion>& into);

  EngineCounters& counters_;
  alloc::BufferRing buffers_;
  std::vector<Completion> batch_;
  std::vector<Completion> early_;  // reaped between turns to make room; part of the next batch
  Queues queues_;
  Mapping rings_;
  Mapping entries_;
  unsigned sq_tail_ = 0;  // ours; published by enter
  int ring_fd_ = -1;      // to close
  int enter_fd_ = -1;     // the registered index, or ring_fd_
  unsigned enter_flags_ = 0;
  bool can_gather_ = false;
};

}  // namespace ringroom::engine
