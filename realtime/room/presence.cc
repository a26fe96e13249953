#include "realtime/room/presence.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "realtime/bounds.h"

namespace ringroom::realtime {

namespace {

// Up to here a look at every slot takes eight cache lines at most, one behind the other, and most
// rooms stay below it: an index would be a fifth of what a user of theirs costs.
constexpr std::size_t unindexed_max = 16;
// A table that has become this empty is laid out anew, unless it is small anyway.
constexpr std::size_t sparse_factor = 4;
constexpr std::size_t sparse_slots_min = 16;
static_assert(bounds::user_id_bytes_max <= 255, "a member holds the length in one byte");
static_assert(Presence::info_bytes_max <= 65'535, "a member holds the length in two bytes");

}  // namespace

Presence::Presence(const Namespace& rules, alloc::CoreHeap& heap, std::uint64_t seed)
    : options_(&rules), heap_(heap), seed_(seed), members_(heap) {}

Presence::~Presence() {
  for (std::size_t slot = 0; slot < members_.size(); ++slot)
    if (members_[slot].is(used)) heap_.release(members_[slot].text);
}

void Presence::enter(std::string_view user_id, std::string_view info, std::uint64_t now_ms) {
  now_ms_ = now_ms;
  const std::uint32_t hash = hash_of(user_id);
  std::uint32_t slot = find(user_id, hash);
  if (slot == none) slot = add(user_id, hash);
  Member& member = members_[slot];
  ++connections_;
  ++member.connections;
  // Whoever comes is taken for the one that broke.
  stop_awaiting(slot);
  if (!member.is(here)) {
    member.set(here);
    ++users_;
    note(slot, now_ms);
    // Who has left and comes again says anew what it is, or nothing.
    set_info(slot, info, now_ms);
  } else if (!info.empty()) {
    set_info(slot, info, now_ms);
  }
}

void Presence::leave(std::string_view user_id, Why why, std::uint64_t now_ms) {
  now_ms_ = now_ms;
  const std::uint32_t slot = find(user_id, hash_of(user_id));
  RR_CHECK(slot != none);
  Member& member = members_[slot];
  RR_CHECK(member.connections > 0);
  --connections_;
  --member.connections;
  if (why == Why::broken && grace_ms() > 0) await(slot, now_ms);
  if (member.connections == 0 && !member.is(awaited)) go(slot, now_ms);
}

bool Presence::update(std::string_view user_id, std::string_view info, std::uint64_t now_ms) {
  now_ms_ = now_ms;
  const std::uint32_t slot = find(user_id, hash_of(user_id));
  if (slot == none || !members_[slot].is(here)) return false;
  set_info(slot, info, now_ms);
  return true;
}

void Presence::advance(std::uint64_t now_ms) {
  now_ms_ = now_ms;
  while (first_awaited_ != none && whole(members_[first_awaited_].until_ms) <= now_ms) {
    const std::uint32_t slot = first_awaited_;
    stop_awaiting(slot);
    if (members_[slot].connections == 0) go(slot, now_ms);
  }
}

std::optional<std::uint64_t> Presence::next_ms() const {
  std::optional<std::uint64_t> out;
  if (!changed_.empty()) out = due_ms_;
  if (first_awaited_ != none) {
    const std::uint64_t over_ms = whole(members_[first_awaited_].until_ms);
    if (!out || over_ms < *out) out = over_ms;
  }
  return out;
}

std::optional<Presence::Difference> Presence::difference(const Member& member) {
  if (!member.is(known)) {
    if (!member.is(here)) return std::nullopt;  // came and went
    return Difference::joined;
  }
  if (!member.is(here)) return Difference::left;
  if (member.is(info_changed)) return Difference::updated;
  return std::nullopt;  // went and came back
}

void Presence::told() {
  for (const std::uint32_t slot : changed_) {
    Member& member = members_[slot];
    member.clear(changed);
    member.clear(info_changed);
    if (member.is(here)) {
      member.set(known);
    } else {
      remove(slot);
    }
  }
  if (changed_.capacity() > sparse_slots_min) {
    changed_ = std::vector<std::uint32_t>();  // a crowd went through it
  } else {
    changed_.clear();
  }
  if (members_.size() > sparse_slots_min && used_count_ < members_.size() / sparse_factor)
    compact();
}

std::optional<std::uint32_t> Presence::connections_of(std::string_view user_id) const {
  const std::uint32_t slot = find(user_id, hash_of(user_id));
  if (slot == none || !members_[slot].is(here)) return std::nullopt;
  return members_[slot].connections;
}

// ---- members -----------------------------------------------------------------------------------

std::uint32_t Presence::hash_of(std::string_view user_id) const {
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(user_id.data(), user_id.size(), seed_) >>
                                    32);
}

std::uint32_t Presence::add(std::string_view user_id, std::uint32_t hash) {
  RR_CHECK(!user_id.empty() && user_id.size() <= bounds::user_id_bytes_max);
  std::uint32_t slot = first_free_;
  if (slot == none) {
    slot = static_cast<std::uint32_t>(members_.size());
    members_.push_back(Member{});
  } else {
    first_free_ = members_[slot].next;
  }
  Member& member = members_[slot];
  member = Member{};
  member.hash = hash;
  member.set(used);
  write_texts(member, user_id, {});
  ++used_count_;
  index_add(slot);
  return slot;
}

void Presence::remove(std::uint32_t slot) {
  Member& member = members_[slot];
  RR_CHECK(member.connections == 0 && !member.is(here) && !member.is(awaited));
  index_remove(slot);
  text_bytes_ -= std::size_t(member.user_id_bytes) + member.info_bytes;
  heap_.release(member.text);
  member = Member{};
  member.next = std::exchange(first_free_, slot);
  --used_count_;
}

void Presence::set_info(std::uint32_t slot, std::string_view info, std::uint64_t now_ms) {
  RR_CHECK(info.size() <= info_bytes_max);
  Member& member = members_[slot];
  if (member.info() == info) return;
  write_texts(member, member.user_id(), info);
  member.set(info_changed);
  note(slot, now_ms);
}

// `user_id` may be the member's own.
void Presence::write_texts(Member& member, std::string_view user_id, std::string_view info) {
  auto* text = static_cast<char*>(heap_.allocate(user_id.size() + info.size()));
  user_id.copy(text, user_id.size());
  info.copy(text + user_id.size(), info.size());
  text_bytes_ += user_id.size() + info.size();
  text_bytes_ -= std::size_t(member.user_id_bytes) + member.info_bytes;
  if (member.text != nullptr) heap_.release(member.text);
  member.text = text;
  member.user_id_bytes = static_cast<std::uint8_t>(user_id.size());
  member.info_bytes = static_cast<std::uint16_t>(info.size());
}

// Something about it may now differ from what was told.
void Presence::note(std::uint32_t slot, std::uint64_t now_ms) {
  if (changed_.empty()) {
    is_batch_ = is_large();
    due_ms_ = is_batch_ ? now_ms + options_->presence_interval_ms : now_ms;
  }
  Member& member = members_[slot];
  if (member.is(changed)) return;
  member.set(changed);
  changed_.push_back(slot);
}

void Presence::go(std::uint32_t slot, std::uint64_t now_ms) {
  note(slot, now_ms);  // while it still counts: the last one beyond the bound leaves a large room
  members_[slot].clear(here);
  --users_;
}

// ---- graces ------------------------------------------------------------------------------------

// All graces are equally long, so the list is in the order of their ends when it is in the order of
// their beginnings.
void Presence::await(std::uint32_t slot, std::uint64_t now_ms) {
  stop_awaiting(slot);
  Member& member = members_[slot];
  member.set(awaited);
  member.until_ms = static_cast<std::uint32_t>(now_ms + grace_ms());
  member.previous = last_awaited_;
  member.next = none;
  (last_awaited_ == none ? first_awaited_ : members_[last_awaited_].next) = slot;
  last_awaited_ = slot;
}

void Presence::stop_awaiting(std::uint32_t slot) {
  Member& member = members_[slot];
  if (!member.is(awaited)) return;
  member.clear(awaited);
  (member.previous == none ? first_awaited_ : members_[member.previous].next) = member.next;
  (member.next == none ? last_awaited_ : members_[member.next].previous) = member.previous;
  member.previous = member.next = none;
}

std::uint64_t Presence::whole(std::uint32_t until_ms) const {
  const auto ahead_ms = static_cast<std::int32_t>(until_ms - static_cast<std::uint32_t>(now_ms_));
  return now_ms_ + static_cast<std::uint64_t>(static_cast<std::int64_t>(ahead_ms));
}

// ---- the index ---------------------------------------------------------------------------------

std::uint32_t Presence::find(std::string_view user_id, std::uint32_t hash) const {
  const auto is_it = [&](const Member& member) {
    return member.hash == hash && member.is(used) && member.user_id() == user_id;
  };
  if (index_.empty()) {
    for (std::uint32_t slot = 0; slot < members_.size(); ++slot)
      if (is_it(members_[slot])) return slot;
    return none;
  }
  const std::size_t mask = index_.size() - 1;
  for (std::size_t at = hash & mask; index_[at] != none; at = (at + 1) & mask)
    if (is_it(members_[index_[at]])) return index_[at];
  return none;
}

void Presence::index_add(std::uint32_t slot) {
  if (index_.empty() && members_.size() <= unindexed_max) return;
  // At most three quarters full: a hit then looks at two or three places, a miss at eight.
  if (used_count_ * 4 > index_.size() * 3)
    return rebuild_index(std::max(index_.size() * 2, 2 * unindexed_max));
  const std::size_t mask = index_.size() - 1;
  std::size_t at = members_[slot].hash & mask;
  while (index_[at] != none) at = (at + 1) & mask;
  index_[at] = slot;
}

void Presence::index_remove(std::uint32_t slot) {
  if (index_.empty()) return;
  const std::size_t mask = index_.size() - 1;
  std::size_t hole = members_[slot].hash & mask;
  while (index_[hole] != slot) hole = (hole + 1) & mask;
  // What stands behind the hole and would not be found across it moves into it.
  for (std::size_t at = (hole + 1) & mask; index_[at] != none; at = (at + 1) & mask) {
    const std::size_t wanted = members_[index_[at]].hash & mask;
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    index_[hole] = index_[at];
    hole = at;
  }
  index_[hole] = none;
}

void Presence::rebuild_index(std::size_t places) {
  index_ = std::vector<std::uint32_t>(places, none);
  const std::size_t mask = places - 1;
  for (std::uint32_t slot = 0; slot < members_.size(); ++slot) {
    if (!members_[slot].is(used)) continue;
    std::size_t at = members_[slot].hash & mask;
    while (index_[at] != none) at = (at + 1) & mask;
    index_[at] = slot;
  }
}

// Gives back what a crowd has left behind. Nothing is noted as changed when this is called.
void Presence::compact() {
  std::vector<std::uint32_t> now_at(members_.size(), none);
  alloc::ChunkList<Member> packed(heap_);
  for (std::uint32_t slot = 0; slot < members_.size(); ++slot) {
    if (!members_[slot].is(used)) continue;
    now_at[slot] = static_cast<std::uint32_t>(packed.size());
    packed.push_back(members_[slot]);
  }
  const auto follow = [&](std::uint32_t& slot) {
    if (slot != none) slot = now_at[slot];
  };
  for (std::size_t slot = 0; slot < packed.size(); ++slot) {
    follow(packed[slot].previous);
    follow(packed[slot].next);
  }
  follow(first_awaited_);
  follow(last_awaited_);
  first_free_ = none;
  members_ = std::move(packed);
  if (members_.size() <= unindexed_max) {
    index_ = std::vector<std::uint32_t>();
    return;
  }
  std::size_t places = 2 * unindexed_max;
  while (used_count_ * 4 > places * 3) places *= 2;
  rebuild_index(places);
}

}  // namespace ringroom::realtime
