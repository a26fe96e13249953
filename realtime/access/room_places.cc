#include "realtime/access/room_places.h"

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "realtime/letters/refusal.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

std::size_t RoomPlaces::bytes_max() const { return shard_.config().queue_bytes_max; }

std::uint64_t RoomPlaces::key_of_user(const Session& session) const {
  return shard_.node.hash(std::string("r").append(session.user->name().text()));
}

void RoomPlaces::join(Session& session, const JoinRoom& join) {
  // The user's own room is the server's choice, and comes with every connection.
  if (shard_.config().rooms_per_user_max == 0 || session.user == nullptr || join.greets)
    return shard_.send(shard_.node.home_of(join.room), join);
  std::unique_ptr<Waiting>& waiting = waiting_[key_of(session.socket)];
  if (!waiting) waiting = std::make_unique<Waiting>();
  session.awaits_place = true;
  waiting->items.add(join);
  ask(session, join.room, join.ticket);  // last: the answer may come at once
}

void RoomPlaces::ask(const Session& session, RoomId room, std::uint32_t ticket) {
  const std::uint64_t limit = shard_.config().rooms_per_user_max;
  if (limit == 0) return;
  const std::uint64_t key = key_of_user(session);
  shard_.send(shard_.node.home_of(key), AcquireQuota{.key = key,
                                                     .to = shard_.connection_id(session),
                                                     .limit = static_cast<std::uint32_t>(limit),
                                                     .room = room,
                                                     .ticket = ticket});
}

void RoomPlaces::leave(const Session& session) {
  const std::uint64_t key = key_of_user(session);
  shard_.send(shard_.node.home_of(key), ReleaseQuota{.key = key});
}

void RoomPlaces::receive(const QuotaAnswer& answer) {
  Session* session =
      shard_.sessions.find({.slot = answer.to.slot, .generation = answer.to.generation});
  Subscription* subscription = session == nullptr ? nullptr : session->find(answer.room);
  if (subscription != nullptr && subscription->ticket != answer.ticket) subscription = nullptr;
  if (subscription != nullptr) subscription->has_place = answer.granted;
  if (subscription == nullptr && answer.granted)
    shard_.send(shard_.node.home_of(answer.key), ReleaseQuota{.key = answer.key});

  const std::uint64_t key = key_of({.slot = answer.to.slot, .generation = answer.to.generation});
  if (subscription != nullptr && subscription->by_pattern && !subscription->comes_by_name) {
    if (!answer.granted) expel(*session, answer.room);
    return;
  }
  const auto found = waiting_.find(key);
  if (found == waiting_.end() || found->second == nullptr) return;
  // One that came by a pattern and is gone had no join.
  const Waiting& asked = *found->second;
  if (std::get<JoinRoom>(asked.items.items()[asked.next]).ticket != answer.ticket) return;
  // Out of the table: what is sent from it may end the session, and must not end under its reader.
  std::unique_ptr<Waiting> waiting = std::move(found->second);
  // Answers come in the order of the questions, so the next join is the one that this is about.
  const JoinRoom& join = std::get<JoinRoom>(waiting->items.items()[waiting->next++]);
  if (subscription != nullptr) decide(join, answer.granted);
  go_on(answer.to, *waiting);
  const auto again = waiting_.find(key);
  if (again == waiting_.end()) return;
  if (waiting->next < waiting->items.items().size()) {
    again->second = std::move(waiting);
  } else {
    forget(*session);
  }
}

void RoomPlaces::expel(Session& session, RoomId room) {
  const std::string name(
      session.find(room)->audience->name.shown());  // it may end with the subscription
  shard_.membership.expel(session, room, "limit");
  shard_.patterns.end_at_limit(session, name);
}

void RoomPlaces::decide(const JoinRoom& join, bool granted) {
  if (granted) return shard_.send(shard_.node.home_of(join.room), join);
  shard_.counters.refused_limit_total.add();
  shard_.answer(refusal_of(join, RefusedBecause::user_in_too_many_rooms));
}

// What was said behind the join, up to the next one that waits.
void RoomPlaces::go_on(const ConnectionId& speaker, Waiting& waiting) {
  for (; waiting.next < waiting.items.items().size(); ++waiting.next) {
    const LetterItem& item = waiting.items.items()[waiting.next];
    if (std::holds_alternative<JoinRoom>(item)) return;
    // The last answer may have been more than the client's queue takes.
    Session* session =
        shard_.sessions.find({.slot = speaker.slot, .generation = speaker.generation});
    if (session == nullptr) return;
    if (const auto* publish = std::get_if<Publish>(&item)) {
      pass_on(*session, *publish);
    } else {
      pass_on(*session, std::get<UpdatePresence>(item));
    }
  }
}

template <class Item>
void RoomPlaces::pass_on(Session& session, const Item& item) {
  if (session.find(item.room) != nullptr) return shard_.send(shard_.node.home_of(item.room), item);
  const Refused refused = refusal_of(item, RefusedBecause::not_a_member);
  if (!refused.correlation_id.empty()) shard_.answer(refused);
}

}  // namespace ringroom::realtime
