#pragma once

#include <atomic>

namespace ringroom::engine {

// Wakes a sleeping core, and only a sleeping one: waking costs the waker about 6 us, so nobody
// rings for a core that will look at its mailboxes anyway.
//
//   sleeper                                  waker
//   about_to_sleep()   sleeping = 1, fence   publish letters
//   all mailboxes empty? else awake()        fence, was it sleeping? then ring once
//   wait in the ring; awake()
//
// The two fences make one of them see the other: either the sleeper finds the letter or the waker
// finds the sleeper.
//
// Owner:  about_to_sleep and awake: the core it belongs to; the rest: any thread.
class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  bool valid() const { return event_fd_ >= 0; }
  int event_fd() const { return event_fd_; }  // watched on edges by the core's ring, never read

  void about_to_sleep() {
    sleeping_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  void awake() { sleeping_.store(false, std::memory_order_relaxed); }

  // True when it woke the core. The caller has issued fence() after publishing.
  bool ring_if_asleep() {
    if (!sleeping_.load(std::memory_order_relaxed)) return false;
    if (!sleeping_.exchange(false, std::memory_order_relaxed)) return false;
    ring();
    return true;
  }
  static void fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }

  void ring();

 private:
  alignas(128) std::atomic<bool> sleeping_{false};
  int event_fd_;
};

}  // namespace ringroom::engine
