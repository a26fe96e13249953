#include "realtime/room/idempotency.h"

#include "base/check.h"

namespace ringroom::realtime {

const Idempotency::Known* Idempotency::find(std::uint64_t key, std::uint64_t now_ms) {
  expire(now_ms);
  if (entries_.empty()) return nullptr;
  for (std::size_t at = home_of(key); index_[at] != vacant; at = (at + 1) & (index_.size() - 1)) {
    const Known& known = entries_.in_slot(index_[at] - 1);
    if (known.key == key) return &known;
  }
  return nullptr;
}

void Idempotency::add(const Known& known) {
  if (count_max_ == 0) return;
  while (entries_.size() >= count_max_) forget_oldest();
  const std::size_t capacity = entries_.capacity();
  entries_.push_back(known);
  if (entries_.capacity() != capacity) return rebuild();
  std::size_t at = home_of(known.key);
  while (index_[at] != vacant) at = (at + 1) & (index_.size() - 1);
  index_[at] = static_cast<std::uint32_t>(entries_.slot_of(entries_.size() - 1)) + 1;
}

void Idempotency::expire(std::uint64_t now_ms) {
  while (!entries_.empty() && entries_.front().at_ms + age_ms_ <= now_ms) forget_oldest();
}

// Takes the oldest out of the index; what was pushed on by it moves up, so that no mark of a
// deleted place is needed and the table never has to be cleaned.
void Idempotency::forget_oldest() {
  const std::size_t mask = index_.size() - 1;
  const auto position = static_cast<std::uint32_t>(entries_.slot_of(0)) + 1;
  std::size_t hole = home_of(entries_.front().key);
  while (index_[hole] != position) hole = (hole + 1) & mask;
  for (std::size_t at = (hole + 1) & mask; index_[at] != vacant; at = (at + 1) & mask) {
    const std::size_t home = home_of(entries_.in_slot(index_[at] - 1).key);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;  // the hole is before its home
    index_[hole] = index_[at];
    hole = at;
  }
  index_[hole] = vacant;
  entries_.pop_front();
}

void Idempotency::rebuild() {
  index_.assign(entries_.capacity() * 2, vacant);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = home_of(entries_[i].key);
    while (index_[at] != vacant) at = (at + 1) & (index_.size() - 1);
    index_[at] = static_cast<std::uint32_t>(entries_.slot_of(i)) + 1;
  }
}

void Idempotency::clear() {
  entries_.clear();
  index_.assign(index_.size(), vacant);
}

}  // namespace ringroom::realtime
