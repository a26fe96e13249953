#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "engine/acceptor.h"
#include "engine/closer.h"
#include "engine/counters.h"
#include "engine/handler.h"
#include "engine/outbox.h"
#include "engine/post_office.h"
#include "engine/processor_clock.h"
#include "engine/receiver.h"
#include "engine/send_queue.h"
#include "engine/socket_table.h"
#include "engine/timer_wheel.h"
#include "engine/uring.h"
#include "engine/wait_policy.h"

namespace ringroom::engine {

// Called on the pinned thread of that core, before its first turn.
using HandlerFactory = std::function<std::unique_ptr<Handler>(CoreId, Outbox&)>;

struct CoreOptions {
  CoreId id;
  UringOptions ring;
  std::vector<int> listeners;  // of this core; it closes them
  std::uint64_t queue_bytes_max;
  Waiting waiting;
  std::uint64_t rest_after_ms;
};

// One pinned thread's share of the engine: the turn.
//
//   reap       completions -> Inbox            one system call submits the last turn too
//   apply      handler.on_turn(inbox, outbox)  one virtual call
//   flush      Outbox -> submissions           one send per socket, one letter batch per core
//   give back  receive buffers                 everything lent in `reap` ends here
//
// Owner:    the thread that opened it; it opens, runs and destroys it.
// Lifetime: the post office and the counters outlive it.
class Core {
 public:
  // The ring comes from outside: io_uring in service, something else where that is forbidden.
  Core(const CoreOptions& options, std::unique_ptr<Ring> ring, PostOffice& office,
       EngineCounters& counters);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void run(const HandlerFactory& factory);  // returns when the handler has finished

  // The same in steps, for who turns several cores on one thread in an order of its own: begin()
  // once, then turn() until it says false, which is when the handler has finished and is gone.
  void begin(const HandlerFactory& factory);
  bool turn();

 private:
  friend class Outbox;

  void reap();
  void dispatch(const Completion& completion);
  void accepted(const Completion& completion);
  void received(std::uint32_t slot, const Completion& completion);
  void ended(std::uint32_t slot, const Completion& completion);
  void introduce(std::uint32_t slot, const PeerAddress& peer);
  void say_closed(std::uint32_t slot, CloseCause cause);
  void say_if_left(std::uint32_t slot);
  void break_off(std::uint32_t slot);
  void drained(std::uint32_t slot);
  void free(std::uint32_t slot);
  void run_deadlines();
  void collect_letters();

  Inbox inbox();
  void flush();
  void deliver_letters();
  void give_back();

  std::span<const Completion> wait();
  std::span<const Completion> sleep(const WaitPlan& plan, std::uint64_t due_ns);
  bool spin(std::uint64_t until_ns);
  void learn(std::size_t completions);
  std::uint64_t next_event_ms() const;
  bool anything_arrived();

  Socket* open_socket(SocketId id);
  void finish();

  CoreId id_;
  PostOffice& office_;
  EngineCounters& counters_;
  std::uint64_t now_ns_ = 0;
  std::uint64_t now_ms_;
  std::unique_ptr<Ring> ring_;
  WaitPolicy waiting_;
  ProcessorClock processor_;
  SocketTable sockets_;
  TimerWheel timers_;     // the handler's
  TimerWheel deadlines_;  // of closing sockets
  Receiver receiver_;
  SendQueues sends_;
  Closer closer_;
  Acceptor acceptor_;
  Outbox outbox_{*this};

  // The inbox while it is filled.
  std::vector<Accepted> accepted_;
  std::vector<Letter*> letters_;
  std::vector<Fired> fired_;
  std::vector<SocketId> drained_;
  std::vector<Closed> closed_;

  std::vector<Fired> expired_;                   // scratch of run_deadlines
  std::vector<std::uint32_t> finished_by_peer_;  // closed in good order after this turn
  std::vector<bool> posted_to_;                  // by core, in this turn
  std::uint32_t gather_us_ = 0;                  // Outbox::gather in this turn; 0: not
  std::uint32_t gather_completions_ = 0;
  std::uint32_t opening_ = 0;  // sockets whose peer's name is on its way
  bool mailbox_was_full_ = false;
  bool stop_seen_ = false;
  bool finished_ = false;
  std::unique_ptr<Handler> handler_;  // last, so that it goes before what it uses
};

}  // namespace ringroom::engine
