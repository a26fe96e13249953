#include <algorithm>
#include <span>
#include <utility>

#include "realtime/bounds.h"
#include "realtime/room/subscribers.h"
#include "realtime/shard.h"

// What a listener gets of a batch of which it does not hear everything.

namespace ringroom::realtime {

namespace {

// Parts of one delivery that are shared: each is looked for among the others, and takes memory.
constexpr std::size_t shared_parts_max = 16;

}  // namespace

engine::Outbox::Send Subscribers::hand_over(const Listener& listener, alloc::BlockRef block,
                                            engine::Lane lane) {
  // What goes through a compression context is readable in one order only.
  if (listener.keeps_context || !shard_.outbox.has_lanes(listener.socket))
    return shard_.outbox.send(listener.socket, std::move(block));
  Session& session = shard_.sessions.at(listener.socket);
  return shard_.outbox.send(listener.socket, std::move(block), lane,
                            session.subscriptions[listener.subscription].place);
}

std::size_t Subscribers::send_own(const Listener& listener, Delivery& delivery, Pace pace) {
  const bool can_share = delivery.is_restricted && !listener.keeps_context &&
                         listener.permissions != permissions_of_session &&
                         !delivery.has_ephemerals() && !delivery.is_filtered();
  return can_share ? send_shared_part(listener, delivery) : send_parts(listener, delivery, pace);
}

std::size_t Subscribers::send_shared_part(const Listener& listener, Delivery& delivery) {
  const Part* part = part_of(listener, delivery);
  if (part == nullptr) return send_parts(listener, delivery, Pace::shared);
  withheld_ += part->withheld;
  if (!part->block) return 0;
  if (hand_over(listener, part->block.share(), delivery.lane) == engine::Outbox::Send::over_limit)
    too_slow_.push_back(listener.socket);
  return 1;
}

const Part* Subscribers::part_of(const Listener& listener, Delivery& delivery) {
  const auto found = std::ranges::find(delivery.parts, listener.permissions, &Part::permissions);
  if (found != delivery.parts.end()) return &*found;
  if (delivery.parts.size() == shared_parts_max) return nullptr;
  return &delivery.parts.emplace_back(make_part(listener, delivery));
}

Part Subscribers::make_part(const Listener& listener, const Delivery& delivery) {
  const alloc::BlockRef& batch = delivery.batch[delivery.form];
  const PermissionView held = permissions_of(listener);
  Part part{.permissions = listener.permissions, .withheld = 0, .block = {}};
  // Most often what is heard is one run of the batch, and no byte is copied.
  alloc::BlockBuilder runs(shard_.heap);
  std::size_t begin = 0, run_begin = 0, run_bytes = 0;
  const auto add = [&](std::size_t from, std::size_t to) {
    if (from >= to) return;
    if (run_bytes > 0 && runs.empty()) runs.append(batch.bytes().subspan(run_begin, run_bytes));
    if (!runs.empty()) runs.append(batch.bytes().subspan(from, to - from));
    run_begin = from;
    run_bytes = to - from;
  };
  for (const Exclusion& exclusion : delivery.exclusions) {
    if (held.has(permission_of(exclusion))) continue;
    ++part.withheld;
    add(begin, exclusion.begin[delivery.form]);
    begin = exclusion.end[delivery.form];
  }
  add(begin, batch.bytes().size());
  if (!runs.empty())
    part.block = runs.finish();
  else if (run_bytes > 0)
    part.block = cut(batch, run_begin, run_bytes);
  return part;
}

alloc::BlockRef Subscribers::cut(const alloc::BlockRef& batch, std::size_t begin,
                                 std::size_t bytes) {
  return bytes == batch.bytes().size() ? batch.share() : shard_.heap.slice(batch, begin, bytes);
}

bool Subscribers::concerns(const Exclusion& exclusion, const Listener& listener) const {
  if (exclusion.connection == presence_blind) return !listener.sees_presence;
  if (is_about_permission(exclusion))
    return !permissions_of(listener).has(permission_of(exclusion));
  return exclusion.connection.slot == listener.socket.slot &&
         exclusion.connection.generation == listener.socket.generation &&
         exclusion.connection.core == shard_.core.value;
}

// They are in the order of the batch, so what lies between them is what this one gets.
void Subscribers::each_exclusion(const Listener& listener, const Delivery& delivery,
                                 const auto& leave_out) {
  for (const Exclusion& exclusion : delivery.exclusions) {
    if (!concerns(exclusion, listener)) continue;
    leave_out(exclusion.begin[delivery.form], exclusion.end[delivery.form]);
    withheld_ += is_about_permission(exclusion) ? 1 : 0;
  }
}

void Subscribers::each_unheard_event(const Listener& listener, const Delivery& delivery,
                                     const auto& leave_out) {
  const EventFilter& filter = shard_.event_filters.of(listener.socket.slot);
  const std::size_t coding = delivery.form == std::size_t(WireForm::event) ? 0 : 1;
  const std::size_t batch_bytes = delivery.batch[delivery.form].bytes().size();
  const std::span<const Exclusion> exclusions(delivery.exclusions);
  std::size_t next = 0, heard = 0;
  for (std::size_t i = 0; i < delivery.events.size(); ++i) {
    const EventMark& event = delivery.events[i];
    const std::size_t begin = event.begin[coding];
    const std::size_t end =
        i + 1 < delivery.events.size() ? delivery.events[i + 1].begin[coding] : batch_bytes;
    bool is_heard = filter.hears(event.type);
    for (; next < exclusions.size() && exclusions[next].begin[delivery.form] <= begin; ++next)
      if (exclusions[next].begin[delivery.form] == begin && concerns(exclusions[next], listener))
        is_heard = false;
    if (is_heard) {
      ++heard;
    } else {
      leave_out(begin, end);
    }
  }
  shard_.counters.deliveries_total.add(heard);
  shard_.counters.messages_sent_total.add(heard);
  shard_.counters.events_unheard_total.add(delivery.events.size() - heard);
}

std::size_t Subscribers::send_parts(const Listener& listener, const Delivery& delivery, Pace pace) {
  const alloc::BlockRef& batch = delivery.batch[delivery.form];
  const std::size_t batch_bytes = batch.bytes().size();
  // A message that is not compressed leaves the context as it is, so it need not be each time.
  const bool compresses = listener.keeps_context && pace == Pace::shared &&
                          batch_bytes <= bounds::context_batch_bytes_max;
  bool is_refused = false;
  const auto send_part = [&](std::size_t begin, std::size_t bytes) {
    if (bytes == 0 || is_refused) return;
    const engine::Outbox::Send sent =
        compresses ? shard_.deflate_contexts.send_batch(listener.socket,
                                                        batch.bytes().subspan(begin, bytes))
                   : hand_over(listener, cut(batch, begin, bytes), delivery.lane);
    is_refused = sent == engine::Outbox::Send::over_limit;
    if (is_refused) too_slow_.push_back(listener.socket);
  };
  // What is true only now is not for those who would hear it later.
  std::size_t end_of_all = batch_bytes;
  if (delivery.has_ephemerals() && shard_.outbox.is_blocked(listener.socket)) {
    end_of_all = delivery.ephemeral_begin[delivery.form];
    shard_.counters.ephemerals_skipped_total.add();
  }
  std::size_t begin = 0;
  const auto leave_out = [&](std::size_t from, std::size_t to) {
    from = std::min(from, end_of_all);
    if (from > begin) send_part(begin, from - begin);
    begin = std::max(begin, to);  // one publication may exclude the same connection twice
  };
  if (delivery.is_filtered()) {
    each_unheard_event(listener, delivery, leave_out);
  } else {
    each_exclusion(listener, delivery, leave_out);
  }
  if (end_of_all > begin) send_part(begin, end_of_all - begin);
  return compresses ? 1 + batch_bytes / bounds::context_bytes_per_send : 1;
}

}  // namespace ringroom::realtime
