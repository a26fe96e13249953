#include "engine/uring.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "engine/uring_abi.h"

namespace ringroom::engine {

namespace {

constexpr std::uint16_t buffer_group = 0;

// SUBMIT_ALL: one refused operation must not hold up those behind it.
constexpr unsigned setup_flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;

// A wait without end cannot have a minimum in the kernel; once a day is as good as never.
constexpr std::uint64_t day_ns = 86'400'000'000'000u;

int ring_setup(unsigned entries, io_uring_params& params) {
  return static_cast<int>(syscall(__NR_io_uring_setup, entries, &params));
}

int ring_register(int fd, unsigned what, const void* argument, unsigned count) {
  return static_cast<int>(syscall(__NR_io_uring_register, fd, what, argument, count));
}

unsigned load_acquire(unsigned* shared) {
  return std::atomic_ref(*shared).load(std::memory_order_acquire);
}

void store_release(unsigned* shared, unsigned value) {
  std::atomic_ref(*shared).store(value, std::memory_order_release);
}

// WAITALL makes a partial send visible: without it, a skipped completion would hide the missing
// bytes. DONTWAIT makes the send end inside the enter that submits it.
void be_patient(io_uring_sqe& sqe, Patience patience) {
  sqe.msg_flags = MSG_WAITALL | MSG_NOSIGNAL;
  if (patience == Patience::parked) return;
  sqe.msg_flags |= MSG_DONTWAIT;
  sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
}

}  // namespace

Result<std::unique_ptr<Uring>, UringError> Uring::open(const UringOptions& options,
                                                       EngineCounters& counters) {
  RR_CHECK(options.completions >= options.submissions);
  auto buffers = alloc::BufferRing::make(options.receive_buffers, options.receive_buffer_bytes);
  if (!buffers) return fail(UringError{UringStep::map, buffers.error().error_number});
  std::unique_ptr<Uring> ring(new Uring(options, counters, std::move(*buffers)));
  if (auto done = ring->set_up(options); !done) return fail(done.error());
  if (auto done = ring->register_files(options.files); !done) return fail(done.error());
  if (auto done = ring->register_buffers(); !done) return fail(done.error());
  ring->register_self();
  ring->limit_workers();
  return ring;
}

Uring::Uring(const UringOptions& options, EngineCounters& counters, alloc::BufferRing buffers)
    : counters_(counters), buffers_(std::move(buffers)) {
  batch_.reserve(options.completions);
}

Uring::~Uring() {
  // Closing first: the kernel lets go of the buffers before they are unmapped.
  if (ring_fd_ >= 0) ::close(ring_fd_);
  if (entries_.start != nullptr) munmap(entries_.start, entries_.bytes);
  if (rings_.start != nullptr) munmap(rings_.start, rings_.bytes);
}

Outcome<UringError> Uring::set_up(const UringOptions& options) {
  // Kernels before 6.6 do not know NO_SQARRAY; nothing else is given up, because without deferred
  // completions io_uring is slower here than epoll.
  io_uring_params params{};
  for (const unsigned extra : {abi::setup_no_sqarray, 0u}) {
    params = {};
    params.flags = setup_flags | extra;
    params.cq_entries = options.completions;
    ring_fd_ = ring_setup(options.submissions, params);
    if (ring_fd_ >= 0 || errno != EINVAL) break;
  }
  if (ring_fd_ < 0) return fail(UringError{UringStep::setup, errno});
  RR_CHECK((params.features & IORING_FEAT_SINGLE_MMAP) != 0);  // 5.4, older than our flags
  RR_CHECK((params.features & IORING_FEAT_NODROP) != 0);
  RR_CHECK((params.features & IORING_FEAT_EXT_ARG) != 0);
  enter_fd_ = ring_fd_;
  can_gather_ = (params.features & abi::feature_min_timeout) != 0;
  return map_queues(params);
}

Outcome<UringError> Uring::map_queues(const io_uring_params& params) {
  const auto map = [this](std::size_t bytes, off_t offset, Mapping& out) {
    void* start =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_fd_, offset);
    if (start == MAP_FAILED) return false;
    out = {start, bytes};
    return true;
  };
  const std::size_t sq_bytes = params.sq_off.array + params.sq_entries * sizeof(unsigned);
  const std::size_t cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
  if (!map(std::max(sq_bytes, cq_bytes), IORING_OFF_SQ_RING, rings_) ||
      !map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES, entries_)) {
    return fail(UringError{UringStep::map, errno});
  }

  const auto at = [this](std::uint32_t offset) {
    return reinterpret_cast<unsigned*>(static_cast<std::byte*>(rings_.start) + offset);
  };
  queues_ = {.sq_head = at(params.sq_off.head),
             .sq_tail = at(params.sq_off.tail),
             .sq_flags = at(params.sq_off.flags),
             .cq_head = at(params.cq_off.head),
             .cq_tail = at(params.cq_off.tail),
             .submissions = static_cast<io_uring_sqe*>(entries_.start),
             .completions = reinterpret_cast<io_uring_cqe*>(at(params.cq_off.cqes)),
             .sq_entries = params.sq_entries,
             .cq_entries = params.cq_entries};
  if ((params.flags & abi::setup_no_sqarray) == 0) {
    for (unsigned i = 0; i < params.sq_entries; ++i) at(params.sq_off.array)[i] = i;
  }
  return Done{};
}

Outcome<UringError> Uring::register_files(std::uint32_t files) {
  io_uring_rsrc_register table{};
  table.nr = files;
  table.flags = IORING_RSRC_REGISTER_SPARSE;
  if (ring_register(ring_fd_, IORING_REGISTER_FILES2, &table, sizeof(table)) < 0) {
    return fail(UringError{UringStep::register_files, errno});
  }
  return Done{};
}

Outcome<UringError> Uring::register_buffers() {
  io_uring_buf_reg ring{};
  ring.ring_addr = reinterpret_cast<std::uint64_t>(buffers_.entries());
  ring.ring_entries = buffers_.count();
  ring.bgid = buffer_group;
  if (ring_register(ring_fd_, IORING_REGISTER_PBUF_RING, &ring, 1) < 0) {
    return fail(UringError{UringStep::register_buffers, errno});
  }
  return Done{};
}

Outcome<UringError> Uring::adopt(File file, int fd) {
  io_uring_files_update update{};
  update.offset = file;
  update.fds = reinterpret_cast<std::uint64_t>(&fd);
  if (ring_register(ring_fd_, IORING_REGISTER_FILES_UPDATE, &update, 1) != 1) {
    return fail(UringError{UringStep::register_files, errno});
  }
  return Done{};
}

// Saves the descriptor look-up of every enter, about 25 ns. Without it everything works the same.
void Uring::register_self() {
  io_uring_rsrc_update update{};
  update.offset = ~0u;  // the kernel picks the index
  update.data = static_cast<std::uint64_t>(ring_fd_);
  if (ring_register(ring_fd_, IORING_REGISTER_RING_FDS, &update, 1) != 1) return;
  enter_fd_ = static_cast<int>(update.offset);
  enter_flags_ = IORING_ENTER_REGISTERED_RING;
}

// Only shutdowns go to the kernel's worker threads; one is enough, and more would leave our core.
void Uring::limit_workers() {
  unsigned workers[2] = {1, 1};  // bounded, unbounded
  ring_register(ring_fd_, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2);
}

io_uring_sqe& Uring::next(Token token) {
  // A full queue costs one extra system call, never a lost operation.
  while (sq_tail_ - load_acquire(queues_.sq_head) == queues_.sq_entries) enter(0, {.ns = 0});
  io_uring_sqe& sqe = queues_.submissions[sq_tail_ & (queues_.sq_entries - 1)];
  ++sq_tail_;
  std::memset(&sqe, 0, sizeof(sqe));
  sqe.user_data = token.pack();
  return sqe;
}

io_uring_sqe& Uring::next(Token token, File file) {
  io_uring_sqe& sqe = next(token);
  sqe.fd = static_cast<int>(file);
  sqe.flags = IOSQE_FIXED_FILE;
  return sqe;
}

void Uring::accept(Token token, int listener, Shots shots) {
  io_uring_sqe& sqe = next(token);
  sqe.opcode = IORING_OP_ACCEPT;
  sqe.fd = listener;
  sqe.file_index = IORING_FILE_INDEX_ALLOC;
  if (shots == Shots::many) sqe.ioprio = IORING_ACCEPT_MULTISHOT;
}

void Uring::socket_option(Token token, File file, std::uint32_t socket_op, int option, void* value,
                          std::uint32_t value_bytes) {
  io_uring_sqe& sqe = next(token, file);
  sqe.opcode = IORING_OP_URING_CMD;
  sqe.cmd_op = socket_op;
  sqe.addr = std::uint64_t{SOL_SOCKET} | static_cast<std::uint64_t>(option) << 32;
  sqe.addr3 = reinterpret_cast<std::uint64_t>(value);
  sqe.file_index = value_bytes;
}

void Uring::peer_name(Token token, File file, void* name, std::uint32_t name_bytes) {
  socket_option(token, file, abi::socket_op_getsockopt, SO_PEERNAME, name, name_bytes);
}

void Uring::reset_on_close(Token token, File file) {
  static linger at_once{.l_onoff = 1, .l_linger = 0};  // the kernel reads it
  socket_option(token, file, abi::socket_op_setsockopt, SO_LINGER, &at_once, sizeof(at_once));
}

void Uring::receive(Token token, File file) {
  io_uring_sqe& sqe = next(token, file);
  sqe.opcode = IORING_OP_RECV;
  sqe.ioprio = IORING_RECV_MULTISHOT;
  sqe.flags |= IOSQE_BUFFER_SELECT;
  sqe.buf_group = buffer_group;
}

void Uring::readable(Token token, File file) {
  io_uring_sqe& sqe = next(token, file);
  sqe.opcode = IORING_OP_POLL_ADD;
  sqe.poll32_events = static_cast<std::uint32_t>(POLLIN | POLLRDHUP);
}

void Uring::send(Token token, File file, std::span<const std::byte> bytes, Patience patience) {
  io_uring_sqe& sqe = next(token, file);
  sqe.opcode = IORING_OP_SEND;
  sqe.addr = reinterpret_cast<std::uint64_t>(bytes.data());
  sqe.len = static_cast<std::uint32_t>(bytes.size());
  be_patient(sqe, patience);
}

void Uring::send_gathered(Token token, File file, const msghdr& message, Patience patience) {
  io_uring_sqe& sqe = next(token, file);
  sqe.opcode = IORING_OP_SENDMSG;
  sqe.addr = reinterpret_cast<std::uint64_t>(&message);
  sqe.len = 1;
  be_patient(sqe, patience);
}

void Uring::shutdown_writing(Token token, File file) {
  io_uring_sqe& sqe = next(token, file);
  sqe.opcode = IORING_OP_SHUTDOWN;
  sqe.len = SHUT_WR;
}

void Uring::close(Token token, File file) {
  io_uring_sqe& sqe = next(token);
  sqe.opcode = IORING_OP_CLOSE;
  sqe.file_index = file + 1;  // 0 would mean an ordinary descriptor
}

void Uring::cancel(Token token, Token target) {
  io_uring_sqe& sqe = next(token);
  sqe.opcode = IORING_OP_ASYNC_CANCEL;
  sqe.fd = -1;
  sqe.addr = target.pack();
}

void Uring::watch(Token token, int event_fd) {
  io_uring_sqe& sqe = next(token);
  sqe.opcode = IORING_OP_POLL_ADD;
  sqe.fd = event_fd;
  sqe.len = IORING_POLL_ADD_MULTI;
  sqe.poll32_events = static_cast<std::uint32_t>(POLLIN) | EPOLLET;  // never read, so on edges
}

std::span<const Completion> Uring::turn(const Wait& wait) {
  buffers_.publish();
  enter(IORING_ENTER_GETEVENTS, early_.empty() ? wait : Wait{.ns = 0});
  batch_.assign(early_.begin(), early_.end());
  early_.clear();
  reap(batch_);
  // What did not fit waits inside the kernel; nothing is lost, so it is all still of this turn.
  while ((load_acquire(queues_.sq_flags) & IORING_SQ_CQ_OVERFLOW) != 0) {
    counters_.uring_cq_overflows.add();
    enter(IORING_ENTER_GETEVENTS, {.ns = 0});
    reap(batch_);
  }
  counters_.uring_completions.add(batch_.size());
  return batch_;
}

bool Uring::ready() {
  return !early_.empty() || load_acquire(queues_.cq_tail) != *queues_.cq_head ||
         (load_acquire(queues_.sq_flags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

void Uring::enter(unsigned flags, Wait wait) {
  store_release(queues_.sq_tail, sq_tail_);
  const bool gather = can_gather_ && wait.min_wait_us > 0;
  if (gather) wait.ns = std::min(wait.ns, day_ns);
  unsigned completions_min = wait.ns == 0 ? 0 : gather ? wait.completions_min : 1;
  __kernel_timespec timeout{.tv_sec = static_cast<long long>(wait.ns / 1'000'000'000u),
                            .tv_nsec = static_cast<long long>(wait.ns % 1'000'000'000u)};
  io_uring_getevents_arg argument{};
  const void* extra = nullptr;
  std::size_t extra_bytes = 0;
  if (completions_min > 0 && wait.ns != wait_forever) {
    argument.ts = reinterpret_cast<std::uint64_t>(&timeout);
    argument.pad = gather ? wait.min_wait_us : 0;
    flags |= IORING_ENTER_EXT_ARG;
    extra = &argument;
    extra_bytes = sizeof(argument);
  }

  // Everything queued is begun before this returns: memory of at-once sends is free afterwards.
  // The kernel stops early only when it is out of memory for a moment, or interrupted.
  for (;;) {
    const unsigned queued = sq_tail_ - load_acquire(queues_.sq_head);
    const long submitted = syscall(__NR_io_uring_enter, enter_fd_, queued, completions_min,
                                   flags | enter_flags_, extra, extra_bytes);
    counters_.uring_enters.add();
    if (submitted < 0) {
      // EBADR (the kernel lost a completion) and everything unknown: this core cannot go on.
      RR_CHECK(errno == ETIME || errno == EINTR || errno == EAGAIN || errno == EBUSY);
      if (errno == EBUSY) reap(early_);
    }
    if (sq_tail_ == load_acquire(queues_.sq_head)) return;
    completions_min = 0;
  }
}

void Uring::reap(std::vector<Completion>& into) {
  unsigned head = *queues_.cq_head;
  const unsigned tail = load_acquire(queues_.cq_tail);
  for (; head != tail; ++head) {
    const io_uring_cqe& cqe = queues_.completions[head & (queues_.cq_entries - 1)];
    into.push_back({.token = Token::unpack(cqe.user_data),
                    .result = cqe.res,
                    .more = (cqe.flags & IORING_CQE_F_MORE) != 0,
                    .has_buffer = (cqe.flags & IORING_CQE_F_BUFFER) != 0,
                    .buffer = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT)});
  }
  store_release(queues_.cq_head, head);
}

std::span<std::byte> Uring::received(const Completion& completion) {
  RR_CHECK(completion.has_buffer);
  return buffers_.take(completion.buffer, completion.result > 0
                                              ? static_cast<std::size_t>(completion.result)
                                              : std::size_t{0});
}

void Uring::give_back(std::uint16_t buffer) { buffers_.give_back(buffer); }

}  // namespace ringroom::engine
