#include "realtime/session/membership.h"

#include <utility>
#include <vector>

#include "proto/deflate_offer.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

// Raw listeners are nobody to the others: the dialect has no way to say who is there.
std::string_view member_of(const Session& session, WireForm form) {
  return !is_raw(form) && session.user != nullptr ? session.user->id() : std::string_view();
}

// The room has been asked for something that it said in the past.
bool awaits_answer(const Subscription& subscription) {
  return !subscription.joined || subscription.comes_by_name ||
         subscription.audience->listeners[std::size_t(subscription.form)][subscription.position]
             .is_lagging;
}

}  // namespace

// Compressed batches are made for the whole window and for no context; a peer that keeps less of
// the one hears plain ones, and for one that keeps the other they are compressed at its core.
WireForm Membership::form_of(const Session& session, WireForm dialect) const {
  return !session.keeps_context && session.deflate_window_bits == proto::whole_window_bits
             ? deflated(dialect)
             : dialect;
}

Membership::Join Membership::join(Session& session, const Request& request) {
  const RoomId room = shard_.node.room_id(request.room);
  Subscription* known = session.find(room);
  // One that came by a pattern can be asked for by name as well. It cannot look back: what it has
  // heard already would come again.
  if (known != nullptr && (!known->by_pattern || known->comes_by_name || request.recover))
    return Join::already_joined;
  if (known == nullptr && session.subscriptions.size() >= shard_.config().rooms_per_connection_max)
    return Join::too_many_rooms;
  const CoreId home = shard_.node.home_of(room);
  if (!shard_.accepts_mail(home, request.room.text().size() + request.info.size()))
    return Join::unavailable;

  const bool says_nothing = request.info.empty();
  const proto::Position recover = request.recover.value_or(proto::Position{});
  const std::uint32_t ticket = session.next_ticket++;
  const WireForm form = form_of(session, request.dialect);
  if (known != nullptr) {
    if (known->has_place) shard_.room_places.leave(session);
    known->has_place = false;  // it asks for one anew
    known->ticket = ticket;
    known->comes_by_name = true;
  } else {
    shard_.subscribers.begin(session, room, request.room, form, ticket, request.actions).by_server =
        request.by_server;
    shard_.counters.subscriptions.add();
  }
  shard_.room_places.join(
      session, JoinRoom{.room = room,
                        .room_name = request.room,
                        .connection = shard_.connection_id(session),
                        .user_id = member_of(session, form),
                        .correlation_id = request.correlation_id,
                        .ticket = ticket,
                        .form = form,
                        .wants_members = request.wants_members,
                        .recover_sequence = recover.sequence,
                        .recover_epoch = recover.epoch,
                        .history_limit = request.history_limit,
                        .info = says_nothing ? shard_.sessions.info_of(session) : request.info,
                        .info_is_default = says_nothing,
                        .greets = request.greets,
                        .zone = request.zone,
                        .permissions = session.grants.permissions().bytes()});
  return Join::asked;
}

void Membership::end(Session& session, Subscription& subscription, Ends ends) {
  const RoomId room = subscription.audience->room;
  const LeaveRoom leave{.room = room,
                        .connection = shard_.connection_id(session),
                        .user_id = subscription.by_pattern ? std::string_view()
                                                           : member_of(session, subscription.form),
                        .ticket = subscription.ticket,
                        .form = subscription.form,
                        .is_broken = ends == Ends::for_now,
                        .by_pattern = subscription.by_pattern};
  const bool is_counted = subscription.joined;
  shard_.room_tokens.forget(session, room);
  if (subscription.has_place) shard_.room_places.leave(session);
  shard_.subscribers.end(session, subscription);
  shard_.counters.subscriptions.subtract();
  // One that is still on its way is undone when its answer finds nobody.
  if (is_counted) shard_.send(shard_.node.home_of(room), leave);
}

bool Membership::leave(Session& session, RoomId room) {
  Subscription* subscription = session.find(room);
  if (subscription == nullptr) return false;
  end(session, *subscription, Ends::for_good);
  return true;
}

void Membership::expel(Session& session, RoomId room, std::string_view reason) {
  Subscription* subscription = session.find(room);
  if (subscription == nullptr) return;
  const std::string name(subscription->audience->name.shown());  // the audience may end with it
  end(session, *subscription, Ends::for_good);
  if (session.kind == SessionKind::native) return shard_.commands.left(session, name, reason);
  // The raw dialect has no words for it.
  shard_.lifecycle.close(session, proto::CloseCode::going_away, reason);
}

std::uint32_t Membership::review(Session& session, const GrantsRef& before,
                                 std::string_view reason) {
  std::vector<RoomId> lost;
  const bool hears_other = before.permission_set() != session.grants.permission_set();
  for (Subscription& subscription : session.subscriptions) {
    const std::string_view name = subscription.audience->name.shown();
    Actions actions = shard_.room_tokens.in(session, name);
    // What a backend has joined for the client needs no grant, but is not above what it denies.
    if (subscription.by_server)
      actions.add(Actions{Action::join}.without(session.grants->denied_in(name)));
    if (!actions.has(Action::join)) {
      lost.push_back(subscription.audience->room);
      continue;
    }
    if (awaits_answer(subscription) && (hears_other || !actions.has_all(subscription.actions)))
      subscription.is_outdated = true;
    shard_.subscribers.regrant(session, subscription, actions);
  }
  for (const RoomId room : lost) expel(session, room, reason);
  shard_.counters.expelled_total.add(lost.size());
  return static_cast<std::uint32_t>(lost.size());
}

void Membership::leave_all(Session& session, Ends ends) {
  while (!session.subscriptions.empty()) end(session, session.subscriptions.back(), ends);
}

void Membership::undo(const Joined& joined, bool is_broken) {
  shard_.send(shard_.node.home_of(joined.room), LeaveRoom{.room = joined.room,
                                                          .connection = joined.to,
                                                          .user_id = joined.user_id,
                                                          .ticket = joined.ticket,
                                                          .form = joined.form,
                                                          .is_broken = is_broken,
                                                          .by_pattern = !joined.room_name.empty()});
}

void Membership::receive(const Joined& joined) {
  if (!joined.room_name.empty()) return enter_by_pattern(joined);
  Session* session =
      shard_.sessions.find({.slot = joined.to.slot, .generation = joined.to.generation});
  Subscription* subscription = session == nullptr ? nullptr : session->find(joined.room);
  if (subscription == nullptr || subscription->ticket != joined.ticket) {
    shard_.orders.settled(joined.to, joined.ticket, false);
    return undo(joined, session == nullptr);
  }
  if (subscription->is_outdated) {
    shard_.orders.settled(joined.to, joined.ticket, false);
    return withdraw(*session, joined);
  }
  if (subscription->comes_by_name) {
    // It listens already, and is counted twice by the room now.
    subscription->comes_by_name = subscription->by_pattern = false;
    shard_.subscribers.complete(*subscription->audience);
    shard_.send(shard_.node.home_of(joined.room), LeaveRoom{.room = joined.room,
                                                            .connection = joined.to,
                                                            .user_id = {},
                                                            .ticket = 0,
                                                            .form = joined.form,
                                                            .is_broken = false,
                                                            .by_pattern = true});
  } else {
    shard_.subscribers.join(*session, *subscription, joined);
  }
  shard_.orders.settled(joined.to, joined.ticket, true);
  if (joined.greets) return shard_.greetings.receive(*session, joined);
  if (joined.frame.empty()) return;
  const auto said = shard_.dialects.say(*session, joined.frame, joined.room_number);
  if (said && shard_.subscribers.write_behind(*session, *said, subscription->place) ==
                  engine::Outbox::Send::over_limit)
    shard_.lifecycle.drop_slow(session->socket);
}

void Membership::withdraw(Session& session, const Joined& joined) {
  undo(joined, false);
  if (!joined.greets) return expel(session, joined.room, "changed");
  shard_.lifecycle.close(session, proto::CloseCode::try_later,
                         "your rights changed while you came; connect again");
}

void Membership::enter_by_pattern(const Joined& joined) {
  Session* session =
      shard_.sessions.find({.slot = joined.to.slot, .generation = joined.to.generation});
  // Left meanwhile; or in the room already, by its name or by another pattern.
  if (session == nullptr || !shard_.patterns.holds(*session, joined.ticket) ||
      session->find(joined.room) != nullptr)
    return undo(joined, session == nullptr);
  const Actions actions = actions_in(*session, joined.room_name.shown());
  if (!actions.has(Action::join)) return undo(joined, false);  // taken from what the pattern covers
  if (session->subscriptions.size() >= shard_.config().rooms_per_connection_max) {
    undo(joined, false);
    return shard_.patterns.end_at_limit(*session, joined.room_name.shown());
  }
  const std::uint32_t ticket = session->next_ticket++;
  Subscription& subscription = shard_.subscribers.begin(*session, joined.room, joined.room_name,
                                                        joined.form, ticket, actions);
  subscription.by_pattern = true;
  shard_.counters.subscriptions.add();
  shard_.subscribers.join(*session, subscription, joined);
  // Not closed here: its room may be in the middle of being made.
  const auto said = shard_.dialects.say(*session, joined.frame, joined.room_number);
  if (said && shard_.subscribers.write_behind(*session, *said, subscription.place) ==
                  engine::Outbox::Send::over_limit)
    shard_.subscribers.too_slow().push_back(session->socket);
  if (session->state == SessionState::authenticated)
    shard_.room_places.ask(*session, joined.room, ticket);
}

void Membership::receive(const Refused& refused) {
  shard_.orders.settled(refused.to, refused.ticket, false);
  Session* session =
      shard_.sessions.find({.slot = refused.to.slot, .generation = refused.to.generation});
  Subscription* subscription = session == nullptr ? nullptr : session->find(refused.room);
  if (subscription == nullptr || subscription->ticket != refused.ticket) return;
  if (subscription->comes_by_name) {
    // It is still here by its pattern, unless that was left meanwhile.
    subscription->comes_by_name = false;
    if (!shard_.patterns.covers(*session, subscription->audience->name.shown()))
      end(*session, *subscription, Ends::for_good);
    return;
  }
  if (subscription->has_place) shard_.room_places.leave(*session);
  shard_.room_tokens.forget(*session, refused.room);
  shard_.subscribers.end(*session, *subscription);
  shard_.counters.subscriptions.subtract();
}

void Membership::receive(const Unseat& unseat) {
  Session* session =
      shard_.sessions.find({.slot = unseat.to.slot, .generation = unseat.to.generation});
  Subscription* subscription = session == nullptr ? nullptr : session->find(unseat.room);
  if (subscription != nullptr && subscription->ticket == unseat.ticket)
    expel(*session, unseat.room, "replaced");
}

}  // namespace ringroom::realtime
