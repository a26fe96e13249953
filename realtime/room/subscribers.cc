#include "realtime/room/subscribers.h"

#include <algorithm>

#include "base/check.h"
#include "realtime/session/session_table.h"

namespace ringroom::realtime {

Subscription& Subscribers::begin(Session& session, RoomId room, std::string_view name,
                                 WireForm form, std::uint32_t ticket, Actions actions) {
  std::unique_ptr<Audience>& audience = audiences_[room.value];
  if (!audience) {
    audience = std::make_unique<Audience>();
    audience->room = room;
    audience->name = name;
  }
  ++audience->subscriptions;
  return session.subscriptions.emplace_back(Subscription{.audience = audience.get(),
                                                         .position = 0,
                                                         .ticket = ticket,
                                                         .form = form,
                                                         .joined = false,
                                                         .actions = actions});
}

void Subscribers::join(Session& session, Subscription& subscription) {
  RR_CHECK(!subscription.joined);
  auto& listeners = subscription.audience->listeners[std::size_t(subscription.form)];
  subscription.joined = true;
  subscription.position = static_cast<std::uint32_t>(listeners.size());
  listeners.push_back(
      {.socket = session.socket,
       .subscription = static_cast<std::uint32_t>(&subscription - session.subscriptions.data())});
}

void Subscribers::end(Session& session, Subscription& subscription) {
  Audience& audience = *subscription.audience;
  if (subscription.joined) {
    auto& listeners = audience.listeners[std::size_t(subscription.form)];
    RR_CHECK(listeners[subscription.position].socket == session.socket);
    // The last listener takes the free place, and its session is told.
    const Listener moved = listeners.back();
    listeners[subscription.position] = moved;
    listeners.pop_back();
    if (subscription.position < listeners.size()) {
      Session& other = sessions_.at(moved.socket);
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
    moved.audience->listeners[std::size_t(moved.form)][moved.position].subscription = index;
  }
}

std::size_t Subscribers::deliver(RoomId room, std::span<const alloc::BlockRef> batch,
                                 std::span<const Exclusion> exclusions, engine::Outbox& outbox,
                                 std::vector<engine::SocketId>& too_slow) {
  const auto found = audiences_.find(room.value);
  if (found == audiences_.end()) return 0;
  std::size_t served = 0;
  for (std::size_t form = 0; form < wire_forms; ++form) {
    if (!batch[form]) continue;
    const auto& listeners = found->second->listeners[form];
    served += listeners.size();
    for (const Listener& listener : listeners) {
      if (!exclusions.empty() && std::ranges::any_of(exclusions, [&](const Exclusion& exclusion) {
            return exclusion.connection.core == core_.value &&
                   exclusion.connection.slot == listener.socket.slot;
          })) {
        deliver_slices(listener, WireForm(form), batch[form], exclusions, outbox, too_slow);
      } else if (outbox.send(listener.socket, batch[form].share()) ==
                 engine::Outbox::Send::over_limit) {
        too_slow.push_back(listener.socket);
      }
    }
  }
  return served;
}

void Subscribers::deliver_slices(const Listener& listener, WireForm form,
                                 const alloc::BlockRef& batch,
                                 std::span<const Exclusion> exclusions, engine::Outbox& outbox,
                                 std::vector<engine::SocketId>& too_slow) {
  // Exclusions are in the order of the batch, so what lies between them is what this one gets.
  std::size_t begin = 0;
  const auto send_until = [&](std::size_t end) {
    if (end == begin) return;
    if (outbox.send(listener.socket, heap_.slice(batch, begin, end - begin)) ==
        engine::Outbox::Send::over_limit)
      too_slow.push_back(listener.socket);
  };
  for (const Exclusion& exclusion : exclusions) {
    const bool is_mine = exclusion.connection.core == core_.value &&
                         exclusion.connection.slot == listener.socket.slot &&
                         exclusion.connection.generation == listener.socket.generation;
    if (!is_mine || exclusion.begin[std::size_t(form)] == exclusion.end[std::size_t(form)])
      continue;
    send_until(exclusion.begin[std::size_t(form)]);
    begin = exclusion.end[std::size_t(form)];
  }
  send_until(batch.bytes().size());
}

}  // namespace ringroom::realtime
