#include "engine/core.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "engine/bounds.h"

namespace ringroom::engine {

namespace {

constexpr std::uint64_t finish_cookie = ~std::uint64_t{0};  // no socket: a generation has 24 bits
constexpr std::uint64_t never = ~std::uint64_t{0};

PeerAddress peer_address(const sockaddr_in6& name) {
  PeerAddress out{};
  if (name.sin6_family == AF_INET6) {
    std::memcpy(out.ip, &name.sin6_addr, sizeof(out.ip));
    out.port = ntohs(name.sin6_port);
  } else if (name.sin6_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
    out.ip[10] = out.ip[11] = 0xff;
    std::memcpy(out.ip + 12, &v4.sin_addr, sizeof(v4.sin_addr));
    out.port = ntohs(v4.sin_port);
  }
  return out;
}

// Leaves the processor's shared parts to its sibling for a moment.
void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Core::Core(const CoreOptions& options, std::unique_ptr<Ring> ring, PostOffice& office,
           EngineCounters& counters)
    : id_(options.id),
      office_(office),
      counters_(counters),
      now_ms_(monotonic_ms()),
      ring_(std::move(ring)),
      waiting_(options.waiting, ring_->can_gather() ? WaitPolicy::Gathering::supported
                                                    : WaitPolicy::Gathering::unsupported),
      sockets_(options.ring.files, counters),
      timers_(now_ms_),
      deadlines_(now_ms_),
      receiver_(*ring_, sockets_, options.rest_after_ms, counters),
      sends_(*ring_, sockets_, options.queue_bytes_max, counters),
      closer_(*ring_, sockets_, sends_, deadlines_),
      acceptor_(*ring_, sockets_, counters, options.listeners),
      posted_to_(office.cores()) {}

void Core::run(const HandlerFactory& factory) {
  begin(factory);
  while (turn()) {
  }
}

void Core::begin(const HandlerFactory& factory) {
  handler_ = factory(id_, outbox_);
  ring_->watch({.op = Op::wake, .generation = 0, .slot = 0}, office_.bell(id_).event_fd());
  acceptor_.tend(now_ms_);
  deliver_letters();
}

bool Core::turn() {
  if (finished_ && sockets_.open_count() == 0) {
    handler_.reset();
    return false;
  }
  reap();
  handler_->on_turn(inbox(), outbox_);
  flush();
  give_back();
  counters_.turns.add();
  return true;
}

// Reap: completions -> Inbox.

void Core::reap() {
  const std::span<const Completion> completions = wait();
  now_ns_ = monotonic_ns();
  now_ms_ = now_ns_ / 1'000'000u;
  stop_seen_ = office_.stopping();

  // Names first: a socket is introduced before its first bytes, also if both came in one turn.
  if (opening_ > 0) {
    for (const Completion& completion : completions) {
      if (completion.token.op == Op::peer_name) dispatch(completion);
    }
  }
  for (const Completion& completion : completions) {
    if (completion.token.op != Op::peer_name) dispatch(completion);
  }

  sends_.settle();
  for (const std::uint32_t slot : sends_.broken()) break_off(slot);
  for (const std::uint32_t slot : sends_.drained()) drained(slot);
  timers_.advance(now_ms_, fired_);
  run_deadlines();
  collect_letters();
  learn(completions.size());
}

void Core::dispatch(const Completion& completion) {
  const Token token = completion.token;
  switch (token.op) {
    case Op::accept:
      return accepted(completion);
    case Op::cancel_accept:
      return acceptor_.cancel_completed(token.slot);
    case Op::wake:
      // An edge-triggered watch ends only when the completion queue overflowed.
      if (!completion.more) ring_->watch(token, office_.bell(id_).event_fd());
      return;
    default:
      break;
  }

  if (sockets_.find(token.slot, token.generation) == nullptr) {
    counters_.uring_stale_completions.add();
    if (completion.has_buffer) receiver_.discard(completion);
    return;
  }
  switch (token.op) {
    case Op::receive:
      return received(token.slot, completion);
    case Op::send:
      return sends_.at_once_completed(token.slot, completion.result);
    default:
      return ended(token.slot, completion);
  }
}

void Core::accepted(const Completion& completion) {
  const std::uint32_t listener = completion.token.slot;
  acceptor_.completed(listener, completion, now_ms_);
  if (completion.result < 0) return;

  const auto slot = static_cast<std::uint32_t>(completion.result);
  // The kernel gave the slot away in the turn in which we closed it, and says so first.
  if (sockets_.at(slot).state == SocketState::leaving) {
    sockets_.at(slot).in_flight.remove(Op::close);
    free(slot);
  }
  Socket& socket = sockets_.open(slot, static_cast<std::uint16_t>(listener));
  ++opening_;
  sockaddr_in6& name = sockets_.lend_peer_name(slot);
  ring_->peer_name(socket.begin(Op::peer_name, slot), slot, &name, acceptor_.name_bytes(listener));
  receiver_.arm(slot);
}

void Core::introduce(std::uint32_t slot, const PeerAddress& peer) {
  Socket& socket = sockets_.at(slot);
  if (socket.state != SocketState::opening) return;
  socket.state = SocketState::open;
  --opening_;
  accepted_.push_back(
      {.socket = {slot, socket.generation}, .listener = socket.listener, .peer = peer});
}

void Core::received(std::uint32_t slot, const Completion& completion) {
  waiting_.received(slot);
  introduce(slot, PeerAddress{});  // had the kernel not told its name by now
  switch (receiver_.completed(slot, completion)) {
    case Receiver::Outcome::nothing:
      break;
    case Receiver::Outcome::peer_finished:
      if (sockets_.at(slot).state == SocketState::open) {
        say_closed(slot, CloseCause::peer);
        finished_by_peer_.push_back(slot);
      }
      closer_.peer_finished(slot);
      break;
    case Receiver::Outcome::broken:
      break_off(slot);
      break;
  }
  closer_.completed(slot, Op::receive, completion.result);
  say_if_left(slot);
}

// The last completion of an operation other than receive.
void Core::ended(std::uint32_t slot, const Completion& completion) {
  const Op op = completion.token.op;
  Socket& socket = sockets_.at(slot);
  socket.in_flight.remove(op);
  if (op == Op::peer_name) {
    introduce(slot, completion.result < 0 ? PeerAddress{} : peer_address(sockets_.peer_name(slot)));
    sockets_.give_back_peer_name(slot);
  } else if (op == Op::send_parked) {
    sends_.parked_completed(slot, completion.result);
  } else if (op == Op::readable) {
    receiver_.readable(slot);
  }
  if (closer_.completed(slot, op, completion.result)) return free(slot);
  say_if_left(slot);
}

void Core::say_closed(std::uint32_t slot, CloseCause cause) {
  Socket& socket = sockets_.at(slot);
  if (std::exchange(socket.told_closed, true)) return;
  closed_.push_back({.socket = {slot, socket.generation}, .cause = cause});
}

// A turn before the kernel can give the slot to another connection: a handler that keeps its own
// table by slot never meets the next one while it still has the last.
void Core::say_if_left(std::uint32_t slot) {
  if (sockets_.at(slot).state == SocketState::leaving) say_closed(slot, CloseCause::local);
}

void Core::break_off(std::uint32_t slot) {
  const Socket& socket = sockets_.at(slot);
  if (socket.state == SocketState::open) say_closed(slot, CloseCause::reset);
  closer_.broken(slot);
  say_if_left(slot);
}

void Core::drained(std::uint32_t slot) {
  Socket& socket = sockets_.at(slot);
  if (std::exchange(socket.tell_drained, false) && socket.state == SocketState::open) {
    drained_.push_back({slot, socket.generation});
  }
  if (socket.state == SocketState::flushing) closer_.drained(slot, now_ms_);
  say_if_left(slot);
}

void Core::free(std::uint32_t slot) {
  RR_CHECK(sockets_.at(slot).told_closed);
  sockets_.free(slot);
  acceptor_.slot_freed();
}

void Core::run_deadlines() {
  deadlines_.advance(now_ms_, expired_);
  for (const Fired& expired : expired_) {
    if (expired.cookie != finish_cookie) {
      closer_.expired(expired.cookie);
      continue;
    }
    for (std::uint32_t slot = 0; slot < sockets_.sockets_max(); ++slot) {
      if (sockets_.at(slot).state == SocketState::free) continue;
      introduce(slot, PeerAddress{});
      closer_.abort(slot);
    }
  }
  expired_.clear();
}

void Core::collect_letters() {
  for (std::uint16_t from = 0; from < office_.cores(); ++from) {
    if (from != id_.value) office_.box(CoreId{from}, id_).drain(letters_);
  }
  counters_.letters_received.add(letters_.size());
}

Inbox Core::inbox() {
  return {.now_ns = now_ns_,
          .now_ms = now_ms_,
          .stopping = stop_seen_,
          .accepted = accepted_,
          .received = receiver_.received(),
          .letters = letters_,
          .fired = fired_,
          .drained = drained_,
          .closed = closed_};
}

// Flush: Outbox -> submissions.

void Core::flush() {
  // Only now: an answer to the peer's last bytes may have been queued in this turn.
  for (const std::uint32_t slot : finished_by_peer_) {
    if (sockets_.at(slot).state == SocketState::open) closer_.close(slot, now_ms_);
  }
  finished_by_peer_.clear();
  sends_.flush();
  deliver_letters();
}

void Core::deliver_letters() {
  bool any = false;
  for (std::uint16_t to = 0; to < office_.cores(); ++to) {
    if (!posted_to_[to]) continue;
    office_.box(id_, CoreId{to}).publish();
    any = true;
  }
  if (!any) return;
  Doorbell::fence();
  for (std::uint16_t to = 0; to < office_.cores(); ++to) {
    if (!posted_to_[to]) continue;
    posted_to_[to] = false;
    if (office_.bell(CoreId{to}).ring_if_asleep()) counters_.wakes.add();
  }
}

// Give back: everything lent in `reap` ends here.

void Core::give_back() {
  accepted_.clear();
  letters_.clear();
  fired_.clear();
  drained_.clear();
  closed_.clear();
  receiver_.give_back();
  receiver_.tend(now_ms_);
  acceptor_.tend(now_ms_);
}

// Waiting: for the next completion, letter or deadline; not at all while something is due.

std::uint64_t Core::next_event_ms() const {
  std::uint64_t next = never;
  next = std::min(next, timers_.next_ms().value_or(never));
  next = std::min(next, deadlines_.next_ms().value_or(never));
  next = std::min(next, acceptor_.retry_ms().value_or(never));
  next = std::min(next, receiver_.tend_ms().value_or(never));
  if (mailbox_was_full_) next = std::min(next, now_ms_ + bounds::mailbox_retry_ms);
  return next;
}

bool Core::anything_arrived() {
  if (office_.stopping() != stop_seen_) return true;
  for (std::uint16_t from = 0; from < office_.cores(); ++from) {
    if (from != id_.value && !office_.box(CoreId{from}, id_).empty()) return true;
  }
  return false;
}

std::span<const Completion> Core::wait() {
  const std::uint64_t next_ms = next_event_ms();
  const std::uint32_t gather_us = std::exchange(gather_us_, 0);
  mailbox_was_full_ = false;
  if (sends_.settle_soon() || next_ms <= now_ms_) return ring_->turn({.ns = 0});
  const std::uint64_t due_ns = next_ms == never ? never : next_ms * 1'000'000u;
  if (gather_us != 0)
    return sleep({.spin_ns = 0, .completions_min = gather_completions_, .min_wait_us = gather_us},
                 std::min(due_ns, monotonic_ns() + gather_us * 1'000u));

  const WaitPlan plan = waiting_.plan();
  const std::uint64_t spin_ns = plan.spin_ns;
  if (spin_ns == 0) return sleep(plan, due_ns);
  // What was asked for has to be on its way before we look for answers.
  const std::span<const Completion> completions = ring_->turn({.ns = 0});
  if (!completions.empty()) return completions;
  const std::uint64_t now_ns = monotonic_ns();
  const bool hit = spin(spin_ns < due_ns - std::min(due_ns, now_ns) ? now_ns + spin_ns : due_ns);
  waiting_.spun(hit);
  counters_.spins.add();
  if (!hit) return sleep(plan, due_ns);
  counters_.spin_hits.add();
  return ring_->turn({.ns = 0});
}

// Looks for completions and letters without a system call, and without being marked as asleep:
// nobody pays for waking us.
bool Core::spin(std::uint64_t until_ns) {
  constexpr int looks = 16;  // for each look at the clock
  do {
    for (int look = 0; look < looks; ++look) {
      if (ring_->ready() || anything_arrived()) return true;
      relax();
    }
  } while (monotonic_ns() < until_ns);
  return false;
}

std::span<const Completion> Core::sleep(const WaitPlan& plan, std::uint64_t due_ns) {
  Doorbell& bell = office_.bell(id_);
  bell.about_to_sleep();
  if (anything_arrived()) {
    bell.awake();
    return ring_->turn({.ns = 0});
  }
  Wait wait{.ns = Ring::wait_forever,
            .completions_min = plan.completions_min,
            .min_wait_us = plan.min_wait_us};
  if (due_ns != never) {
    const std::uint64_t now_ns = monotonic_ns();
    wait.ns = due_ns > now_ns ? due_ns - now_ns : 0;
  }
  if (wait.ns > 0) {
    waiting_.slept();
    counters_.sleeps.add();
    if (plan.min_wait_us > 0) counters_.min_waits.add();
  }
  const std::span<const Completion> completions = ring_->turn(wait);
  bell.awake();
  return completions;
}

// What the last wait brought; the clocks of this thread are read only where a window ends.
void Core::learn(std::size_t completions) {
  waiting_.turned(completions + letters_.size());
  if (!waiting_.edge_due(now_ns_)) return;
  waiting_.edge(now_ns_, processor_.read());
  if (waiting_.contended()) counters_.contended_windows.add();
}

// What an Outbox asks for.

Socket* Core::open_socket(SocketId id) {
  Socket* socket = sockets_.find(id.slot, id.generation);
  return socket != nullptr && socket->state == SocketState::open ? socket : nullptr;
}

void Core::finish() {
  if (std::exchange(finished_, true)) return;
  acceptor_.stop();
  deadlines_.arm(now_ms_ + bounds::close_deadline_ms, finish_cookie);
}

}  // namespace ringroom::engine
