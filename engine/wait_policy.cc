#include "engine/wait_policy.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace ringroom::engine {

namespace {

constexpr std::uint64_t forever = ~std::uint64_t{0};

constexpr std::array<WaitPlan, wait_mode_count> plans = {{
    {.spin_ns = 0, .completions_min = 1, .min_wait_us = 0},
    {.spin_ns = bounds::spin_ns, .completions_min = 1, .min_wait_us = 0},
    {.spin_ns = 0, .completions_min = 16, .min_wait_us = bounds::gather_us},
    {.spin_ns = 0, .completions_min = 32, .min_wait_us = bounds::gather_longer_us},
    {.spin_ns = forever, .completions_min = 1, .min_wait_us = 0},
}};

constexpr const WaitPlan& plan_of(WaitMode mode) { return plans[static_cast<std::size_t>(mode)]; }

constexpr std::array challengers = {WaitMode::sleep, WaitMode::spin, WaitMode::gather,
                                    WaitMode::gather_longer};

// a's cost of an event is at most `percent` of b's. Cross-multiplied: at most 2^34 ns, 2^20 events.
bool costs_at_most(const WaitWindow& a, std::uint64_t percent, const WaitWindow& b) {
  return a.cpu_ns * b.events * 100 <= b.cpu_ns * a.events * percent;
}

bool as_many_events(const WaitWindow& a, std::uint64_t percent, const WaitWindow& b) {
  return a.events * b.wall_ns * 100 >= b.events * a.wall_ns * percent;
}

// What a mode has to save against one that waits less.
std::uint64_t saved_percent_to_win(WaitMode mode) {
  return mode == WaitMode::gather_longer ? bounds::wait_saved_percent_longer
                                         : bounds::wait_saved_percent;
}

enum class Verdict : std::uint8_t { worth_it, not_worth_it, open };

// Open: it saves, but fewer events came. A peer that waits for us, or one that is just uneven?
Verdict judge(const WaitWindow& mode, const WaitWindow& plainer, std::uint64_t saved_percent) {
  if (!costs_at_most(mode, 100 - saved_percent, plainer)) return Verdict::not_worth_it;
  if (!as_many_events(mode, 100 - bounds::wait_events_lost_percent, plainer)) return Verdict::open;
  return Verdict::worth_it;
}

}  // namespace

void WaitWindow::add(const WaitWindow& other) {
  wall_ns += other.wall_ns;
  cpu_ns += other.cpu_ns;
  waited_ns += other.waited_ns;
  events += other.events;
  sleeps += other.sleeps;
  spins += other.spins;
  spin_hits += other.spin_hits;
  active_sockets |= other.active_sockets;
}

WaitPolicy::WaitPolicy(Waiting waiting, Gathering gathering)
    : waiting_(waiting),
      gathering_(gathering),
      mode_(waiting == Waiting::low_latency ? WaitMode::poll : WaitMode::sleep),
      champion_(mode_),
      challenger_(WaitMode::sleep),
      pause_windows_(bounds::wait_pause_windows_min),
      pause_left_(pause_windows_) {
  if (waiting_ != Waiting::adaptive) edge_ns_ = forever;
}

WaitPlan WaitPolicy::plan() const { return plan_of(mode_); }

void WaitPolicy::edge(std::uint64_t now_ns, const ProcessorTime& processor) {
  if (waiting_ != Waiting::adaptive) return;
  WaitWindow window = std::exchange(window_, WaitWindow{});
  window.wall_ns = now_ns - std::exchange(start_ns_, now_ns);
  const ProcessorTime start = std::exchange(start_processor_, processor);
  window.cpu_ns = processor.used_ns - start.used_ns;
  window.waited_ns = processor.waited_ns - start.waited_ns;
  edge_ns_ = now_ns + bounds::wait_window_ns;

  watch_contention(window);
  if (!busy(window)) {
    windows_left_ = 0;
    pause_windows_ = pause_left_ = bounds::wait_pause_windows_min;
    use(WaitMode::sleep);
  } else if (contended_ && spins_now()) {
    windows_left_ = 0;
    pause_left_ = pause_windows_;
    use(champion_ == WaitMode::spin ? WaitMode::sleep : champion_);
  } else if (windows_left_ > 0) {
    go_on_with_trial(window);
  } else {
    consider(window);
  }
}

// Smoothed over about eight windows: a short interruption is not contention, and an end of it is
// not believed at once.
void WaitPolicy::watch_contention(const WaitWindow& window) {
  const std::uint64_t wall_ns = std::max<std::uint64_t>(window.wall_ns, 1);
  const std::uint64_t permille = std::min<std::uint64_t>(window.waited_ns * 1'000 / wall_ns, 1'000);
  waited_permille_ = (waited_permille_ * 7 + static_cast<std::uint32_t>(permille)) / 8;
  contended_ = waited_permille_ >=
               (contended_ ? bounds::wait_contended_permille / 2 : bounds::wait_contended_permille);
}

bool WaitPolicy::spins_now() const {
  return champion_ == WaitMode::spin || (windows_left_ > 0 && challenger_ == WaitMode::spin);
}

// Also false for a window that a long sleep or a long turn has stretched: it says nothing.
bool WaitPolicy::busy(const WaitWindow& window) const {
  return window.wall_ns < bounds::wait_window_ns_max &&
         window.events * 1'000'000'000u >= bounds::wait_events_per_s_min * window.wall_ns;
}

bool WaitPolicy::plausible(WaitMode mode, const WaitWindow& window) const {
  switch (mode) {
    case WaitMode::sleep:
      return true;
    case WaitMode::spin:
      if (contended_) return false;
      if (window.spins > 0) return window.spin_hits * 2 >= window.spins;
      return window.sleeps > 0 && window.cpu_ns <= window.wall_ns &&
             window.wall_ns - window.cpu_ns <= window.sleeps * bounds::spin_below_idle_ns;
    case WaitMode::gather_longer:
      if (champion_ != WaitMode::gather && champion_ != mode) return false;  // one step at a time
      [[fallthrough]];
    case WaitMode::gather:
      // At least two to gather on average, from peers that are not just waiting for each answer.
      return gathering_ == Gathering::supported &&
             std::popcount(window.active_sockets) >= bounds::gather_active_sockets_min &&
             window.events * plan_of(mode).min_wait_us * 1'000u >= 2 * window.wall_ns;
    case WaitMode::poll:
      break;
  }
  return false;
}

void WaitPolicy::use(WaitMode mode) { mode_ = champion_ = mode; }

void WaitPolicy::consider(const WaitWindow& window) {
  if (!plausible(champion_, window)) return use(WaitMode::sleep);
  if (--pause_left_ > 0) return;
  pause_left_ = pause_windows_;
  // In a circle from the last one, so that each comes up.
  const auto* last = std::ranges::find(challengers, challenger_);
  for (std::size_t step = 1; step <= challengers.size(); ++step) {
    const auto at = (static_cast<std::size_t>(last - challengers.data()) + step);
    const WaitMode next = challengers[at % challengers.size()];
    if (next != champion_ && plausible(next, window)) return start_trial(next);
  }
}

void WaitPolicy::start_trial(WaitMode mode) {
  challenger_ = mode;
  sides_ = {};
  rounds_left_ = bounds::wait_trial_rounds_max;
  windows_left_ = 2 * bounds::wait_trial_pairs;
}

void WaitPolicy::go_on_with_trial(const WaitWindow& window) {
  sides_[mode_ == champion_ ? champion : challenger].add(window);
  if (--windows_left_ % 2 != 0) {
    mode_ = challenger_;
    return;
  }
  mode_ = champion_;
  const WaitWindow& now = sides_[champion];
  const WaitWindow& then = sides_[challenger];
  if (windows_left_ > 0) {
    // What is far worse at first sight is not looked at again.
    if (!costs_at_most(then, 150, now) || !as_many_events(then, 50, now)) end_trial(false);
    return;
  }

  // To stay takes half of what it takes to win, or noise would make the two change places.
  const bool plainer = challenger_ < champion_;
  const Verdict verdict = plainer ? judge(now, then, saved_percent_to_win(champion_) / 2)
                                  : judge(then, now, saved_percent_to_win(challenger_));
  if (verdict == Verdict::open && --rounds_left_ > 0) {
    windows_left_ = 2 * bounds::wait_trial_pairs;
    return;
  }
  end_trial((verdict == Verdict::worth_it) != plainer);
}

void WaitPolicy::end_trial(bool won) {
  windows_left_ = 0;
  if (won) {
    pause_windows_ = bounds::wait_pause_windows_min;
    use(challenger_);
  } else {
    pause_windows_ = std::min(2 * pause_windows_, bounds::wait_pause_windows_max);
    mode_ = champion_;
  }
  pause_left_ = pause_windows_;
}

}  // namespace ringroom::engine
