#include "realtime/room/subscribers.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

constexpr std::uint32_t index_mask = 0x1'ffff;
constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

}  // namespace

Subscription& Subscribers::begin(Session& session, RoomId room, ScopedName name, WireForm form,
                                 std::uint32_t ticket, Actions actions) {
  std::unique_ptr<Audience>& audience = audiences_[room.value];
  if (!audience) {
    audience = std::make_unique<Audience>();
    audience->room = room;
    audience->name = OwnedName(name);
    const Namespace* rules = shard_.namespaces().find(name.shown());
    audience->is_personal = rules != nullptr && rules == shard_.namespaces().personal();
    audience->is_lossy = rules != nullptr && rules->slow_consumer != SlowPolicy::close;
  }
  ++audience->subscriptions;
  return session.subscriptions.push_back({.audience = audience.get(),
                                          .position = 0,
                                          .ticket = ticket,
                                          .form = form,
                                          .joined = false,
                                          .actions = actions});
}

void Subscribers::join(Session& session, Subscription& subscription, const Joined& joined) {
  RR_CHECK(!subscription.joined);
  Audience& audience = *subscription.audience;
  complete(audience);
  audience.number = joined.room_number;
  // Letters keep their order, so those who are here have heard the same.
  if (audience.joined++ == 0) {
    audience.last_sequence = joined.sequence;
  } else if (audience.last_sequence != joined.sequence) {
    give_up(audience);
  }
  auto& listeners = audience.listeners[std::size_t(subscription.form)];
  subscription.joined = true;
  subscription.position = static_cast<std::uint32_t>(listeners.size());
  shard_.record(Happened::joined, session, audience.room, joined.sequence);
  listeners.push_back(
      {.socket = session.socket,
       .subscription =
           static_cast<std::uint32_t>(&subscription - session.subscriptions.data()) & index_mask,
       .permissions = permissions_of(session) & permissions_of_session,
       .keeps_context = session.keeps_context,
       .sees_presence = subscription.actions.has(Action::presence),
       .is_lagging = 0});
}

void Subscribers::regrant(const Session& session, Subscription& subscription, Actions actions) {
  subscription.actions = actions;
  if (!subscription.joined) return;
  Audience& audience = *subscription.audience;
  complete(audience);  // what is under way is for those who could see it when it was made
  Listener& listener = audience.listeners[std::size_t(subscription.form)][subscription.position];
  listener.sees_presence = actions.has(Action::presence);
  listener.permissions = permissions_of(session) & permissions_of_session;
}

std::uint32_t Subscribers::permissions_of(const Session& session) const {
  return std::min(session.grants.permission_set(), permissions_of_session);
}

PermissionView Subscribers::permissions_of(const Listener& listener) const {
  return listener.permissions == permissions_of_session
             ? shard_.sessions.at(listener.socket).grants.permissions()
             : shard_.permission_sets.view(listener.permissions);
}

void Subscribers::end(Session& session, Subscription& subscription) {
  Audience& audience = *subscription.audience;
  if (subscription.joined) {
    complete(audience);
    shard_.record(Happened::left, session, audience.room);
    --audience.joined;
    auto& listeners = audience.listeners[std::size_t(subscription.form)];
    RR_CHECK(listeners[subscription.position].socket == session.socket);
    // The last listener takes the free place, and its session is told.
    const Listener moved = listeners.back();
    listeners[subscription.position] = moved;
    listeners.pop_back();
    if (subscription.position < listeners.size()) {
      Session& other = shard_.sessions.at(moved.socket);
      other.subscriptions[moved.subscription].position = subscription.position;
    }
  }
  if (--audience.subscriptions == 0) audiences_.erase(audience.room.value);

  // The same within the session's list.
  auto& list = session.subscriptions;
  const auto index = static_cast<std::uint32_t>(&subscription - list.data());
  list[index] = list.back();
  list.pop_back();
  if (index < list.size() && list[index].joined) {
    const Subscription& moved = list[index];
    moved.audience->listeners[std::size_t(moved.form)][moved.position].subscription =
        index & index_mask;
  }
}

void Subscribers::begin_turn() {
  // With a backlog the last turn did all that it might, and this one did not wait to begin.
  if (!backlog_.empty()) {
    const std::uint64_t took_us = std::max<std::uint64_t>(shard_.now_us - turn_us_, 1);
    const std::size_t fair = sends_per_turn_ * bounds::fanout_us_per_turn / took_us;
    sends_per_turn_ =
        std::clamp((3 * sends_per_turn_ + fair) / 4, bounds::fanout_sends_per_turn_min,
                   bounds::fanout_sends_per_turn_max);
  }
  turn_us_ = shard_.now_us;
  sends_left_ = sends_per_turn_;
  has_lanes_ = shard_.outbox.any_has_lanes();
}

void Subscribers::deliver(const Deliver& deliver) {
  Delivery delivery;
  delivery.publications = deliver.publications;
  delivery.since = deliver.since;
  delivery.last = static_cast<std::uint32_t>(deliver.last_sequence);
  delivery.lane = deliver.lane;
  const auto* batches = reinterpret_cast<const FormBatch*>(deliver.batches.data());
  for (const FormBatch& each : std::span(batches, deliver.batches.size() / sizeof(FormBatch))) {
    const auto form = std::size_t(each.form);
    delivery.ephemeral_begin[form] = each.ephemeral_begin;
    delivery.batch[form] = each.block->heap == &shard_.heap ? alloc::BlockRef::adopt(*each.block)
                                                            : shard_.heap.borrow(*each.block);
  }
  const auto found = audiences_.find(deliver.room.value);
  if (found == audiences_.end()) return;  // all have left since
  const auto* exclusions = reinterpret_cast<const Exclusion*>(deliver.exclusions.data());
  delivery.exclusions.assign(exclusions,
                             exclusions + deliver.exclusions.size() / sizeof(Exclusion));
  delivery.is_restricted =
      !delivery.exclusions.empty() && std::ranges::all_of(delivery.exclusions, is_about_permission);
  Audience& audience = *found->second;
  const auto* events = reinterpret_cast<const EventMark*>(deliver.events.data());
  if (!audience.is_personal)
    delivery.events.assign(events, events + deliver.events.size() / sizeof(EventMark));

  delivery.before = audience.last_sequence;
  if (deliver.starts_anew) audience.last_sequence = 0;
  if (deliver.first_sequence != 0 && audience.joined > 0) {
    // Nobody hears what is behind the hole: each is told to recover from before it.
    if (deliver.first_sequence != audience.last_sequence + 1) return give_up(audience);
    audience.last_sequence = deliver.last_sequence;
  }
  audience.deliveries.push_back(std::move(delivery));
  if (audience.deliveries.size() == 1)
    sends_left_ -= std::min(sends_left_, serve(audience, sends_left_));
  if (audience.deliveries.empty()) return;
  if (audience.deliveries.size() > 1) tell_home(audience, true);
  if (!std::exchange(audience.is_in_backlog, true)) backlog_.push_back(audience.room.value);
}

void Subscribers::serve_backlog() {
  // Rooms in turn: each gets a share, whatever the others still have to send.
  const std::size_t waiting = backlog_.size();
  std::size_t visited = 0;
  for (; visited < waiting && sends_left_ > 0; ++visited) {
    const std::uint64_t room = backlog_[visited];
    const auto found = audiences_.find(room);
    if (found == audiences_.end()) continue;
    Audience& audience = *found->second;
    const std::size_t share = std::min(sends_left_, std::max(bounds::fanout_sends_per_room_min,
                                                             sends_left_ / (waiting - visited)));
    if (!audience.deliveries.empty()) sends_left_ -= std::min(sends_left_, serve(audience, share));
    if (audience.deliveries.empty()) {
      audience.is_in_backlog = false;
      tell_home(audience, false);
    } else {
      backlog_.push_back(room);
    }
  }
  backlog_.erase(backlog_.begin(), backlog_.begin() + static_cast<std::ptrdiff_t>(visited));
}

void Subscribers::compare(const AuditPosition& audit) {
  const auto found = audiences_.find(audit.room.value);
  if (found == audiences_.end() || found->second->joined == 0) return;
  if (found->second->last_sequence != audit.sequence) give_up(*found->second);
}

bool Subscribers::leaves_out(Listener& listener, const Delivery& delivery) {
  if (listener.is_lagging) return true;
  if (delivery.form != std::size_t(WireForm::json) || !shard_.outbox.is_blocked(listener.socket))
    return false;
  listener.is_lagging = 1;
  shard_.sessions.at(listener.socket).subscriptions[listener.subscription].lagging_since =
      static_cast<std::uint32_t>(delivery.before);
  shard_.outbox.tell_when_drained(listener.socket);
  shard_.counters.lagging_total.add();
  shard_.record(Happened::lagging, shard_.sessions.at(listener.socket), RoomId{0}, delivery.before);
  return true;
}

void Subscribers::drained(engine::SocketId socket) {
  Session* session = shard_.sessions.find(socket);
  if (session == nullptr || session->state == SessionState::draining) return;
  for (const Subscription& subscription : session->subscriptions) {
    if (!subscription.joined) continue;
    const Audience& audience = *subscription.audience;
    const Listener& listener =
        audience.listeners[std::size_t(subscription.form)][subscription.position];
    if (!listener.is_lagging) continue;
    catch_up(*session, subscription);
  }
}

void Subscribers::catch_up(const Session& session, const Subscription& subscription) {
  const Audience& audience = *subscription.audience;
  const std::uint64_t last = audience.last_sequence;
  const std::uint32_t missed = static_cast<std::uint32_t>(last) - subscription.lagging_since;
  shard_.send(shard_.node.home_of(audience.room),
              CatchUp{.room = audience.room,
                      .to = shard_.connection_id(session),
                      .ticket = subscription.ticket,
                      .since = last - missed,
                      .permissions = session.grants.permissions().bytes()});
}

void Subscribers::receive(const CaughtUp& caught_up) {
  Session* session =
      shard_.sessions.find({.slot = caught_up.to.slot, .generation = caught_up.to.generation});
  if (session == nullptr || session->state == SessionState::draining) return;
  Subscription* subscription = session->find(caught_up.room);
  if (subscription == nullptr || subscription->ticket != caught_up.ticket) return;
  Audience& audience = *subscription->audience;
  if (subscription->is_outdated) {
    subscription->is_outdated = false;
    return catch_up(*session, *subscription);
  }
  // What is still being handed out here is in the answer already, or was meant to be left out.
  complete(audience);
  RR_CHECK(audience.last_sequence == caught_up.sequence);  // letters keep their order
  audience.listeners[std::size_t(subscription->form)][subscription->position].is_lagging = 0;
  if (write_behind(*session, caught_up.frames, subscription->place) ==
      engine::Outbox::Send::over_limit)
    too_slow_.push_back(session->socket);
}

void Subscribers::disperse(const RoomGone& gone) {
  const auto found = audiences_.find(gone.room.value);
  if (found == audiences_.end()) return;
  complete(*found->second);
  // A copy: the audience shrinks with each, and ends with the last.
  std::vector<engine::SocketId> sockets;
  for (const auto& listeners : found->second->listeners)
    for (const Listener& listener : listeners) sockets.push_back(listener.socket);
  const std::string reason(gone.reason);
  for (const engine::SocketId socket : sockets)
    if (Session* session = shard_.sessions.find(socket))
      shard_.membership.expel(*session, gone.room, reason);
}

void Subscribers::give_up(const Audience& audience) {
  shard_.counters.position_gaps_total.add();
  for (const auto& listeners : audience.listeners)
    for (const Listener& listener : listeners) lost_.push_back(listener.socket);
}

ScopedName Subscribers::name_of(RoomId room) const {
  const auto found = audiences_.find(room.value);
  return found == audiences_.end() ? ScopedName() : ScopedName(found->second->name);
}

bool Subscribers::is_busy(RoomId room) const {
  const auto found = audiences_.find(room.value);
  return found != audiences_.end() && !found->second->deliveries.empty();
}

std::size_t Subscribers::serve(Audience& audience, std::size_t sends_max) {
  const Pace pace = sends_max == all ? Pace::at_once : Pace::shared;
  std::size_t sends = 0, served = 0;
  Delivery& delivery = audience.deliveries.front();
  for (; delivery.form < wire_forms; ++delivery.form, delivery.next = 0) {
    if (!delivery.batch[delivery.form]) continue;
    if (delivery.next == 0) delivery.parts.clear();
    const std::span<Listener> listeners(audience.listeners[delivery.form]);
    const std::size_t begin = delivery.next;
    for (; delivery.next < listeners.size() && sends < sends_max; ++delivery.next) {
      if (audience.is_lossy && leaves_out(listeners[delivery.next], delivery)) continue;
      sends += send(listeners[delivery.next], delivery, pace);
    }
    if (!delivery.is_filtered()) served += delivery.next - begin;
    if (delivery.next < listeners.size()) break;
  }
  const std::uint64_t withheld = std::exchange(withheld_, 0);
  const std::uint64_t heard = served * delivery.publications - withheld;
  shard_.counters.withheld_total.add(withheld);
  shard_.counters.deliveries_total.add(heard);
  shard_.counters.messages_sent_total.add(heard);
  shard_.stages.sent(delivery.since, heard);
  if (delivery.form == wire_forms) {
    shard_.stages.sent_to_all(delivery.since);
    shard_.recorder.add(Happened::handed_out, no_connection, 0, audience.room.value, delivery.last);
    audience.deliveries.erase(audience.deliveries.begin());
  }
  return sends;
}

// Before listeners come or go: a delivery is for those who were there when it was made.
void Subscribers::complete(Audience& audience) {
  while (!audience.deliveries.empty()) serve(audience, all);
  tell_home(audience, false);
}

void Subscribers::tell_home(Audience& audience, bool busy) {
  const CoreId home = shard_.node.home_of(audience.room);
  // The home's own core looks for itself.
  if (home == shard_.core || std::exchange(audience.said_busy, busy) == busy) return;
  shard_.send(home, RoomBusy{.room = audience.room, .busy = busy});
}

engine::Outbox::Send Subscribers::write_behind(const Session& session, std::string_view frame,
                                               engine::LanePlace& place) {
  const auto bytes = std::as_bytes(std::span(frame));
  if (session.keeps_context || !shard_.outbox.has_lanes(session.socket))
    return shard_.outbox.write(session.socket, bytes);
  return shard_.outbox.send(session.socket, shard_.heap.copy(bytes), engine::Lane::low, place);
}

std::size_t Subscribers::send(const Listener& listener, Delivery& delivery, Pace pace) {
  // Who was refused something gets nothing more before it is closed at the end of the turn: a
  // shorter message might fit, and would be heard behind a hole.
  if (std::ranges::find(too_slow_, listener.socket) != too_slow_.end()) return 0;
  const alloc::BlockRef& batch = delivery.batch[delivery.form];
  if (!listener.keeps_context && delivery.exclusions.empty() && !delivery.has_ephemerals() &&
      (delivery.events.empty() || !delivery.is_filtered())) {
    const engine::Outbox::Send sent = has_lanes_
                                          ? hand_over(listener, batch.share(), delivery.lane)
                                          : shard_.outbox.send(listener.socket, batch.share());
    if (sent == engine::Outbox::Send::over_limit) too_slow_.push_back(listener.socket);
    return 1;
  }
  return send_own(listener, delivery, pace);
}

}  // namespace ringroom::realtime
