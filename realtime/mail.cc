#include "realtime/mail.h"

#include <algorithm>
#include <utility>

namespace ringroom::realtime {

void Mail::take_back(Lane& lane) {
  while (!lane.posted.empty() && lane.posted.front()->is_handed_back()) {
    lane.posted_bytes -= lane.posted.front()->text_bytes();
    lane.posted.front()->clear();
    lane.spare.push_back(std::move(lane.posted.front()));
    lane.posted.pop_front();
  }
}

Letter& Mail::open_letter(CoreId to) {
  Lane& lane = lanes_[to.value];
  if (!lane.open) {
    if (lane.spare.empty()) {
      lane.open = std::make_unique<Letter>();
    } else {
      lane.open = std::move(lane.spare.back());
      lane.spare.pop_back();
    }
  }
  return *lane.open;
}

std::size_t Mail::waiting_bytes_max() const {
  std::size_t most = 0;
  for (const Lane& lane : lanes_)
    most = std::max(most, lane.posted_bytes + (lane.open ? lane.open->text_bytes() : 0));
  return most;
}

void Mail::post(engine::Outbox& outbox) {
  for (std::uint16_t core = 0; core < lanes_.size(); ++core) {
    Lane& lane = lanes_[core];
    take_back(lane);  // also with nothing to send, or who is refused for it would always be
    if (!lane.open || lane.open->empty()) continue;
    lane.open->from = outbox.core();
    if (!outbox.post(CoreId{core}, *lane.open)) continue;  // full: it goes with the next turn
    lane.posted_bytes += lane.open->text_bytes();
    lane.posted.push_back(std::move(lane.open));
  }
}

bool Mail::is_idle() {
  for (Lane& lane : lanes_) {
    take_back(lane);
    if ((lane.open && !lane.open->empty()) || !lane.posted.empty()) return false;
  }
  return true;
}

}  // namespace ringroom::realtime
