#include "realtime/room/quiet_keeper.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "realtime/bounds.h"
#include "realtime/letters/refusal.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

// The clock on the wall may be set, so it is looked at again that often.
constexpr std::uint64_t look_ms_max = 60'000;
// Until what is due and could not go, or not all at once, is tried again.
constexpr std::uint64_t retry_ms = 10;

std::vector<HeldPublications::Limits> limits_of(const Node& node) {
  std::vector<HeldPublications::Limits> limits;
  for (const QuietPolicy& policy : node.quiet_policies)
    limits.push_back({.count = node.share_of_core(policy.held_count),
                      .bytes = node.share_of_core(policy.held_bytes)});
  return limits;
}

}  // namespace

QuietKeeper::QuietKeeper(Shard& shard) : shard_(shard), held_(limits_of(shard.node)) {}

std::uint64_t QuietKeeper::next_ms(const Publish& publish) const {
  const QuietPolicy& policy = shard_.node.quiet_policies[publish.quiet_hours - 1];
  std::optional<TimeZone> recipient;
  if (!policy.zone) {
    const Room* room = shard_.rooms.find(publish.room, publish.room_name);
    if (room != nullptr && room->offline) recipient = room->offline->zone;
  }
  return policy.next_ms(recipient, shard_.wall_ms);
}

bool QuietKeeper::holds(const Publish& publish) {
  const std::uint64_t due_ms = next_ms(publish);
  if (due_ms <= shard_.wall_ms) return false;
  if (shard_.namespaces().find(publish.room_name.shown()) == nullptr) {
    refuse(publish, RefusedBecause::unknown_namespace);
  } else if (!held_.hold(publish, due_ms)) {
    shard_.counters.held_refused_total.add();
    refuse(publish, RefusedBecause::held_full);
  } else {
    shard_.counters.held_total.add();
    show();
    arm();
    if (publish.wants_answer)
      shard_.answer(Published{.to = publish.from,
                              .exchange = publish.exchange,
                              .correlation_id = publish.message_id,
                              .room_name = publish.room_name,
                              .sequence = 0,
                              .epoch = {},
                              .message_id = {},
                              .held_until_ms = due_ms});
  }
  return true;
}

void QuietKeeper::release(const std::function<bool(const Publish&)>& take) {
  if (held_.due_ms().value_or(~std::uint64_t{0}) <= shard_.wall_ms) {
    using Kind = HeldPublications::Fate::Kind;
    held_.release(shard_.wall_ms, bounds::held_releases_per_turn,
                  [&](const Publish& publish) -> HeldPublications::Fate {
                    // The machine may have slept through the hours.
                    const std::uint64_t due_ms = next_ms(publish);
                    if (due_ms > shard_.wall_ms) return {.kind = Kind::later, .due_ms = due_ms};
                    return {.kind = take(publish) ? Kind::gone : Kind::blocked};
                  });
    show();
  }
  arm();
}

void QuietKeeper::show() {
  shard_.counters.held.set(held_.size());
  shard_.footprint.held_bytes.set(held_.bytes());
}

void QuietKeeper::arm() {
  const std::optional<std::uint64_t> due_ms = held_.due_ms();
  if (!due_ms) return;
  const std::uint64_t delay_ms =
      *due_ms <= shard_.wall_ms ? retry_ms : std::min(*due_ms - shard_.wall_ms, look_ms_max);
  const std::uint64_t wanted_ms = shard_.wall_ms + delay_ms;
  if (armed_ms_ != 0 && armed_ms_ <= wanted_ms) return;
  shard_.outbox.cancel(timer_);
  timer_ = shard_.outbox.arm(delay_ms, bounds::quiet_cookie);
  armed_ms_ = wanted_ms;
}

void QuietKeeper::refuse(const Publish& publish, RefusedBecause reason) {
  shard_.counters.refused_limit_total.add();
  if (!(publish.from == nobody)) shard_.answer(refusal_of(publish, reason));
}

}  // namespace ringroom::realtime
