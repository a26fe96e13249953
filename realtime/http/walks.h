#pragma once

#include <cstddef>
#include <deque>
#include <utility>

namespace ringroom::realtime {

// What others have asked of this core that takes longer than a turn may: each is gone on with, a
// share per turn, the oldest first.
//
// Owner: one core.
template <class Walk>
class Walks {
 public:
  void add(Walk walk) { walks_.push_back(std::move(walk)); }
  bool is_empty() const { return walks_.empty(); }

  // `step(walk, looks)`: looks at what is next and takes that from `looks`; true: it is done, and
  // answered. An answer on this core may ask for more at once, so whoever is being gone on with
  // does not stand in the queue.
  template <class Step>
  void go_on(std::size_t looks, const Step& step) {
    while (!walks_.empty() && looks > 0) {
      Walk walk = std::move(walks_.front());
      walks_.pop_front();
      if (!step(walk, looks)) walks_.push_front(std::move(walk));
    }
  }

 private:
  std::deque<Walk> walks_;
};

}  // namespace ringroom::realtime
