#include "tools/load/traffic.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tools/load/bounds.h"

namespace ringroom::load {
namespace {

// A thread's part of a total, by the rooms it has.
double part(std::uint64_t total, const Seating& share, const Seating& all) {
  return static_cast<double>(total) * share.rooms / all.rooms;
}

std::uint32_t order_window_of(const Scenario& scenario, const Seating& share) {
  if (scenario.slow_percent == 0) return order_window;
  const std::uint32_t fair = std::bit_floor(order_entries_max / share.rooms);
  return std::clamp(fair, order_window, order_window_slow);
}

}  // namespace

void Pace::start(double per_second, std::uint64_t start_ns, std::uint64_t until_ns) {
  interval_ns_ = 1e9 / per_second;
  start_ns_ = start_ns;
  until_ns_ = until_ns;
  due_ns_ = start_ns;
}

std::uint64_t Pace::take() {
  const std::uint64_t taken = due_ns_;
  // Multiplied, not added up: a rounded interval would drift.
  const double offset = static_cast<double>(++taken_) * interval_ns_;
  const std::uint64_t next = start_ns_ + static_cast<std::uint64_t>(offset);
  due_ns_ = next < until_ns_ ? next : never_ns;
  return taken;
}

void Pace::end_early(std::uint64_t now_ns) {
  until_ns_ = std::min(until_ns_, now_ns);
  if (due_ns_ >= until_ns_) due_ns_ = never_ns;
}

Traffic::Traffic(const Scenario& scenario, const Seating& share, std::uint32_t first_room,
                 Findings& findings)
    : share_(share),
      first_publisher_(first_room * share.senders()),
      depth_(scenario.depth),
      burst_(scenario.burst),
      rate_(part(scenario.rate, share, scenario.seating())),
      storm_(scenario.work == Work::storm),
      findings_(findings),
      left_(scenario.messages == 0 ? never_ns
                                   : static_cast<std::uint64_t>(std::ceil(
                                         part(scenario.messages, share, scenario.seating())))),
      rooms_(share.rooms),
      sent_(std::size_t{share.rooms} * share.senders()),
      listeners_(std::size_t{share.rooms} * share.listeners()),
      trails_(share.pairs()) {
  // Only the native protocol numbers the messages of a room.
  if (scenario.protocol == Protocol::json && share.senders() > 0) {
    orders_.assign(share.rooms, RoomOrder(order_window_of(scenario, share)));
  }
  for (std::uint32_t room = 0; room < share.rooms; ++room) {
    rooms_[room].slow = share.slow_listeners(first_room + room);
    rooms_[room].listening = share.listeners();
  }
}

void Traffic::start(const Times& times) {
  times_ = times;
  if (open_loop()) pace_.start(rate_, times.start_ns, times.until_ns);
}

void Traffic::end_early(std::uint64_t now_ns) {
  times_.until_ns = std::min(times_.until_ns, now_ns);
  if (open_loop()) pace_.end_early(now_ns);
}

std::uint32_t Traffic::wanted(std::uint32_t room) const {
  if (open_loop() || share_.senders() == 0) return 0;
  const std::uint64_t outstanding = rooms_[room].outstanding;
  const std::uint32_t prompt_listeners = prompt(rooms_[room]);
  if (burst_ > 0) return static_cast<std::uint32_t>(outstanding == 0 ? burst_ : 0);
  const std::uint64_t messages = (outstanding + prompt_listeners - 1) / prompt_listeners;
  return static_cast<std::uint32_t>(messages < depth_ ? depth_ - messages : 0);
}

Post Traffic::post(std::uint32_t room, std::uint64_t intended_ns) {
  Room& in = rooms_[room];
  const std::uint32_t place = in.next_sender;
  in.next_sender = place + 1 == share_.senders() ? 0 : place + 1;
  in.outstanding += prompt(in);
  outstanding_ += in.listening;
  if (!storm_) --left_;
  ++findings_.sent;
  const std::uint32_t sender = room * share_.senders() + place;
  return {.room = room,
          .place = place,
          .stamp = {.publisher = first_publisher_ + sender,
                    .sequence = sent_[sender]++,
                    .intended_ns = intended_ns}};
}

std::uint64_t Traffic::begin_handshake(std::uint64_t now_ns) {
  --left_;
  if (!open_loop()) return now_ns;
  const std::uint64_t intended_ns = pace_.take();
  if (measured(intended_ns)) findings_.lateness.record(now_ns - intended_ns);
  return intended_ns;
}

Post Traffic::post_due(std::uint64_t now_ns) {
  const std::uint64_t intended_ns = pace_.take();
  if (measured(intended_ns)) findings_.lateness.record(now_ns - intended_ns);
  const std::uint32_t room = next_room_;
  next_room_ = room + 1 == share_.rooms ? 0 : room + 1;
  return post(room, intended_ns);
}

void Traffic::take(std::uint32_t room, std::uint32_t place, const Stamp& stamp,
                   std::uint64_t room_sequence, std::uint64_t now_ns) {
  const std::uint32_t sender = stamp.publisher - first_publisher_;
  const std::uint32_t first_sender = room * share_.senders();
  const bool of_this_room = share_.hears(place) && stamp.publisher >= first_publisher_ &&
                            sender >= first_sender && sender < first_sender + share_.senders();
  if (!of_this_room || stamp.sequence >= sent_[sender]) {
    ++findings_.corrupt;
    return findings_.complain("a message arrived where nobody sent it");
  }
  const std::uint32_t listener = listener_of(room, place);
  Trail& trail = trails_[std::size_t{listener} * share_.senders() + (sender - first_sender)];
  const Delivery delivery = trail.take(stamp.sequence, overtaken_);
  if (delivery == Delivery::repeated) {
    ++findings_.duplicated;
    return;
  }
  if (delivery == Delivery::late) ++findings_.misordered;
  ++findings_.delivered;
  const bool prompt_listener = !slow(room, place);
  if (prompt_listener) --rooms_[room].outstanding;
  --outstanding_;
  if (room_sequence != 0 && !orders_.empty()) {
    check_room_order(room, listener, {room_sequence, stamp.publisher, stamp.sequence});
  }
  // What a slow listener makes of its own latency says nothing about the server.
  if (prompt_listener && measured(stamp.intended_ns)) {
    findings_.latency.record(now_ns - stamp.intended_ns);
  }
}

void Traffic::excuse(std::uint32_t room, std::uint32_t place) {
  const std::uint32_t listener = listener_of(room, place);
  listeners_[listener].excused = true;
  --rooms_[room].listening;
  ++findings_.slow_closed;
  for (std::uint32_t sender = 0; sender < share_.senders(); ++sender) {
    const Trail& trail = trails_[std::size_t{listener} * share_.senders() + sender];
    outstanding_ -= sent_[std::size_t{room} * share_.senders() + sender] - trail.unique();
  }
}

void Traffic::check_room_order(std::uint32_t room, std::uint32_t listener,
                               const RoomOrder::Entry& heard) {
  Listener& at = listeners_[listener];
  const bool next = at.room_sequence == 0 || heard.sequence == at.room_sequence + 1;
  at.room_sequence = heard.sequence;
  switch (orders_[room].compare(heard)) {
    case RoomOrder::Verdict::same:
      if (!next) ++findings_.misordered;
      break;
    case RoomOrder::Verdict::different:
      ++findings_.misordered;
      break;
    case RoomOrder::Verdict::unknown:
      ++findings_.order_unchecked;
      break;
  }
}

void Traffic::close_books() {
  for (std::size_t pair = 0; pair < trails_.size(); ++pair) {
    const std::size_t room = pair / (std::size_t{share_.listeners()} * share_.senders());
    const std::size_t sender = room * share_.senders() + pair % share_.senders();
    const bool excused = listeners_[pair / share_.senders()].excused;
    findings_.lost += excused ? trails_[pair].missing() : sent_[sender] - trails_[pair].unique();
  }
}

}  // namespace ringroom::load
