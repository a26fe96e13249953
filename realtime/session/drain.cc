#include "realtime/session/drain.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

std::uint64_t key_of(engine::SocketId socket) {
  return std::uint64_t(socket.generation) << 32 | socket.slot;
}

}  // namespace

void Drain::turn() {
  if (!has_begun_) begin();
  if (shard_.now_ms - began_ms_ >= shard_.config().drain_hard_stop_ms) cut_off();
  announce();
  close_due();
  close_parted();
  arm();
}

void Drain::begin() {
  has_begun_ = true;
  began_ms_ = shard_.now_ms;
  shard_.outbox.stop_accepting();
  order_.reserve(shard_.sessions.size());
  shard_.sessions.for_each([this](Session& session) { order_.push_back(session.socket); });
  // Slots go by arrival: without this the closes would, too.
  for (std::size_t left = order_.size(); left > 1; --left)
    std::swap(order_[left - 1], order_[shard_.message_ids.random() % left]);
  due_ms_ = next_due_ms();
  // Nobody who is to go waits for the turn of a message.
  shard_.rooms.release_all();
}

std::uint64_t Drain::next_due_ms() {
  const std::uint64_t window_ms = shard_.config().drain_ms;
  if (order_.empty() || window_ms == 0) return began_ms_;
  const std::uint64_t window_us = window_ms * 1'000;
  const std::uint64_t from_us = window_us * closed_ / order_.size();
  const std::uint64_t stretch_us = std::max<std::uint64_t>(1, window_us / order_.size());
  return began_ms_ + (from_us + shard_.message_ids.random() % stretch_us) / 1'000;
}

void Drain::announce() {
  const std::size_t end = std::min(order_.size(), announced_ + bounds::drain_sends_per_turn);
  while (announced_ < end) {
    Session* session = shard_.sessions.find(order_[announced_++]);
    if (session == nullptr || session->state == SessionState::draining) continue;
    if (session->kind != SessionKind::native) continue;  // the others have no words for it
    const std::uint64_t delay_ms =
        shard_.message_ids.random() % (shard_.config().drain_reconnect_ms + 1);
    shard_.commands.tell_reconnect(*session, delay_ms, "draining");
  }
}

void Drain::close_due() {
  // As many in one turn as there are announcements in one: the others' messages go in between.
  const std::size_t end = std::min(announced_, closed_ + bounds::drain_sends_per_turn);
  while (closed_ < end && due_ms_ <= shard_.now_ms) {
    say_farewell(order_[closed_++]);
    due_ms_ = next_due_ms();
  }
}

void Drain::say_farewell(engine::SocketId socket) {
  Session* session = shard_.sessions.find(socket);
  if (session == nullptr || session->state == SessionState::draining) return;
  // Its answer is on the way, and ends it.
  if (session->kind == SessionKind::http && session->exchange->is_waiting()) return;
  if (session->subscriptions.empty()) return parted_.push_back(socket);
  // Before the first is asked: rooms at home here answer at once.
  farewells_[key_of(socket)] = session->subscriptions.size();
  const ConnectionId connection = shard_.connection_id(*session);
  for (const Subscription& each : session->subscriptions) {
    const RoomId room = each.audience->room;
    shard_.send(shard_.node.home_of(room), Farewell{.room = room, .connection = connection});
  }
}

void Drain::receive(const FarewellSaid& said) {
  const engine::SocketId socket{.slot = said.to.slot, .generation = said.to.generation};
  const auto found = farewells_.find(key_of(socket));
  RR_CHECK(found != farewells_.end());
  if (--found->second > 0) return;
  farewells_.erase(found);
  parted_.push_back(socket);
}

// At the end of the turn, behind all that the other cores have sent until it began.
void Drain::close_parted() {
  for (const engine::SocketId socket : std::exchange(parted_, {})) {
    Session* session = shard_.sessions.find(socket);
    if (session == nullptr || session->state == SessionState::draining) continue;
    shard_.counters.drain_closes_total.add();
    shard_.lifecycle.close(*session, session->kind == SessionKind::native
                                         ? proto::CloseCode::draining
                                         : proto::CloseCode::going_away);
  }
}

void Drain::cut_off() {
  if (std::exchange(is_cut_off_, true)) return;
  announced_ = closed_ = order_.size();
  shard_.sessions.for_each([this](Session& session) {
    shard_.counters.drain_cut_off_total.add();
    shard_.lifecycle.cut_off(session);
  });
}

void Drain::arm() {
  if (is_armed_ || is_cut_off_) return;
  is_armed_ = true;
  const std::uint64_t hard_stop_ms = began_ms_ + shard_.config().drain_hard_stop_ms;
  std::uint64_t next_ms = hard_stop_ms;
  if (announced_ < order_.size()) next_ms = shard_.now_ms;
  if (closed_ < order_.size()) next_ms = std::min(next_ms, due_ms_);
  shard_.outbox.arm(next_ms - std::min(next_ms, shard_.now_ms), bounds::drain_cookie);
}

}  // namespace ringroom::realtime
