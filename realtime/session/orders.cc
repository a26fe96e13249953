#include "realtime/session/orders.h"

#include <algorithm>

#include "base/check.h"
#include "proto/json_object.h"
#include "realtime/session/identity.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

void Orders::begin(const Asker& asker, const Order& order) {
  const std::uint32_t number = next_++;
  const bool is_for_one = !(order.connection == nobody);
  gatherings_.emplace(number,
                      Gathering{.kind = order.kind, .waiting = is_for_one ? 1 : shard_.node.cores});
  const SessionOrder letter{.asker = asker,
                            .number = number,
                            .kind = order.kind,
                            .close_code = order.close_code,
                            .connection = order.connection,
                            .except = order.except,
                            .workspace = order.workspace,
                            .user_id = order.user_id,
                            .room_name = order.room_name,
                            .reason = order.reason};
  is_for_one ? shard_.send(CoreId{order.connection.core}, letter) : shard_.send_to_all(letter);
}

// Found before the first of them is dealt with, which may be the end of another.
std::vector<engine::SocketId> Orders::meant_by(const SessionOrder& order) {
  if (!(order.connection == nobody))
    return {{.slot = order.connection.slot, .generation = order.connection.generation}};
  std::vector<engine::SocketId> out;
  if (const User* user = shard_.sessions.find_user(NameIn(order.workspace, order.user_id)))
    shard_.sessions.for_each_of(*user, [&](Session& session) {
      if (!(shard_.connection_id(session) == order.except)) out.push_back(session.socket);
    });
  return out;
}

void Orders::receive(const SessionOrder& order) {
  const std::uint32_t number = next_work_++;
  // Held open until all connections are looked at: rooms at home here answer at once.
  works_.emplace(number, Work{.result = {.asker = order.asker,
                                         .number = order.number,
                                         .done = 0,
                                         .already = 0,
                                         .refused = 0},
                              .waiting = 1});
  for (const engine::SocketId socket : meant_by(order)) {
    Session* session = shard_.sessions.find(socket);
    if (session == nullptr || session->kind == SessionKind::http ||
        session->state == SessionState::draining || !(workspace_of(*session) == order.workspace))
      continue;
    obey(*session, order, number);
  }
  --works_.at(number).waiting;
  tell_if_done(number);
}

void Orders::obey(Session& session, const SessionOrder& order, std::uint32_t work) {
  OrderDone& result = works_.at(work).result;
  switch (order.kind) {
    case SessionOrder::Kind::disconnect:
      ++result.done;
      return shard_.lifecycle.close(session, proto::CloseCode{order.close_code}, order.reason);
    case SessionOrder::Kind::leave: {
      const RoomId room = shard_.node.room_id(NameIn(order.workspace, order.room_name));
      const bool is_in = session.find(room) != nullptr;
      ++(is_in ? result.done : result.already);
      return shard_.membership.expel(session, room, "removed");
    }
    case SessionOrder::Kind::join:
      // One that waits for its greeting hears nothing before it.
      if (!session.awaits_greeting) join(session, order, work);
  }
}

void Orders::join(Session& session, const SessionOrder& order, std::uint32_t work) {
  Actions actions = actions_in(session, order.room_name);
  actions.add(Action::join);
  const ConnectionId connection = shard_.connection_id(session);
  const NameIn room(order.workspace, order.room_name);
  // Noted first: the answer may come at once.
  joins_.push_back({.connection = connection, .ticket = session.next_ticket, .work = work});
  ++works_.at(work).waiting;
  const Membership::Join asked = shard_.membership.join(
      session, {.room = room, .dialect = session.dialect, .actions = actions, .by_server = true});
  if (asked == Membership::Join::asked) return;
  joins_.pop_back();
  Work& counted = works_.at(work);
  --counted.waiting;
  const bool is_there = asked == Membership::Join::already_joined;
  ++(is_there ? counted.result.already : counted.result.refused);
  if (!is_there) shard_.counters.refused_limit_total.add();
}

void Orders::settle(const ConnectionId& connection, std::uint32_t ticket, bool is_in) {
  for (std::size_t i = 0; i < joins_.size(); ++i)
    if (joins_[i].connection == connection && joins_[i].ticket == ticket) return end_join(i, is_in);
}

bool Orders::holds(const ConnectionId& connection, std::uint32_t ticket) const {
  return std::ranges::any_of(joins_, [&](const Join& join) {
    return join.connection == connection && join.ticket == ticket;
  });
}

void Orders::forget(const Session& session) {
  if (joins_.empty()) return;
  const ConnectionId connection = shard_.connection_id(session);
  for (std::size_t i = joins_.size(); i-- > 0;)
    if (joins_[i].connection == connection) end_join(i, false);
}

void Orders::end_join(std::size_t place, bool is_in) {
  const std::uint32_t number = joins_[place].work;
  joins_.erase(joins_.begin() + static_cast<std::ptrdiff_t>(place));
  Work& work = works_.at(number);
  --work.waiting;
  ++(is_in ? work.result.done : work.result.refused);
  tell_if_done(number);
}

void Orders::tell_if_done(std::uint32_t number) {
  const auto found = works_.find(number);
  RR_CHECK(found != works_.end());
  if (found->second.waiting > 0) return;
  const OrderDone result = found->second.result;
  works_.erase(found);
  shard_.send(CoreId{result.asker.to.core}, result);
}

void Orders::receive(const OrderDone& done) {
  const auto found = gatherings_.find(done.number);
  RR_CHECK(found != gatherings_.end());  // each core that was asked answers once
  Gathering& gathering = found->second;
  gathering.done += done.done;
  gathering.already += done.already;
  gathering.refused += done.refused;
  if (--gathering.waiting > 0) return;
  const Gathering all = gathering;
  gatherings_.erase(found);
  alloc::BlockBuilder body(shard_.heap);
  proto::JsonObject object(body);
  switch (all.kind) {
    case SessionOrder::Kind::join:
      object.number("joined", all.done);
      object.number("already_joined", all.already);
      object.number("refused", all.refused);
      break;
    case SessionOrder::Kind::leave:
      object.number("left", all.done);
      object.number("not_joined", all.already);
      break;
    case SessionOrder::Kind::disconnect:
      object.number("closed", all.done);
      break;
  }
  object.end();
  body.append('\n');
  shard_.send(CoreId{done.asker.to.core}, Answered{.asker = done.asker, .body = body.text()});
}

}  // namespace ringroom::realtime
