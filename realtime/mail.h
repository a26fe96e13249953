#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engine/outbox.h"
#include "realtime/bounds.h"
#include "realtime/letters.h"

namespace ringroom::realtime {

// The letters of this core: one open letter per other core gathers the turn, post() sends what is
// not empty, and letters come back into the pool of their pair when their reader is done.
//
// Owner: one core.
class Mail {
 public:
  explicit Mail(std::uint32_t cores) : lanes_(cores) {}

  template <class Item>
  void add(CoreId to, const Item& item) {
    open_letter(to).add(item);
  }

  // False while a core does not keep up with its mail and enough is on its way to it.
  bool accepts(CoreId to, std::size_t text_bytes) const {
    const Lane& lane = lanes_[to.value];
    const std::size_t waiting = lane.posted_bytes + (lane.open ? lane.open->text_bytes() : 0);
    return waiting == 0 || waiting + text_bytes <= bounds::mail_bytes_max;
  }

  // Texts on their way to the core that has most of them.
  std::size_t waiting_bytes_max() const;

  void post(engine::Outbox& outbox);
  // Nothing is waiting to be sent and every letter has come back.
  bool is_idle();

 private:
  struct Lane {
    std::unique_ptr<Letter> open;
    std::deque<std::unique_ptr<Letter>> posted;  // oldest first, as they come back
    std::vector<std::unique_ptr<Letter>> spare;
    std::size_t posted_bytes = 0;
  };
  Letter& open_letter(CoreId to);
  static void take_back(Lane& lane);

  std::vector<Lane> lanes_;
};

}  // namespace ringroom::realtime
