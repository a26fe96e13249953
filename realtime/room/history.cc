#include "realtime/room/history.h"

#include <algorithm>
#include <unordered_set>

#include "base/check.h"

namespace ringroom::realtime {

void History::charge(const alloc::Block& block) {
  const std::size_t bytes = alloc::BlockHeap::memory_bytes(block);
  bytes_ += bytes;
  account_.of_namespace.bytes += bytes;
  account_.of_core.bytes += bytes;
  account_.memory.add(bytes);
}

// Before they are appended: what is kept so far, and all that went, was for everybody.
void History::restrict(std::span<const Mark> marks) {
  for (const Mark& mark : marks) {
    if (mark.permission == no_permission) continue;
    if (!restricted_) {
      restricted_ = std::make_unique<Restricted>();
      const std::uint64_t first =
          entries_.empty() ? marks.front().sequence : entries_.front().sequence;
      restricted_->gone = first - 1;
    }
    restricted_->kept.push_back({.sequence = mark.sequence, .permission = mark.permission});
  }
}

void History::note_gone(std::uint64_t sequence) {
  if (!restricted_) return;
  Restricted& all = *restricted_;
  if (all.kept.empty() || all.kept.front().sequence != sequence) {
    all.gone = sequence;
    return;
  }
  const std::uint64_t permission = all.kept.front().permission;
  all.kept.pop_front();
  if (all.gone_by_permission.size() < permissions_max ||
      all.gone_by_permission.contains(permission)) {
    all.gone_by_permission[permission] = sequence;
  } else {
    all.gone = sequence;
  }
}

std::uint64_t History::permission_at(std::uint64_t sequence) const {
  if (!restricted_) return no_permission;
  const RingBuffer<Restricted::Entry>& kept = restricted_->kept;
  std::size_t begin = 0, end = kept.size();
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    kept[middle].sequence < sequence ? begin = middle + 1 : end = middle;
  }
  return begin < kept.size() && kept[begin].sequence == sequence ? kept[begin].permission
                                                                 : no_permission;
}

bool History::has_lost(std::uint64_t sequence, PermissionView reader) const {
  if (!restricted_) return entries_.empty() || entries_.front().sequence > sequence + 1;
  if (restricted_->gone > sequence) return true;
  for (const auto& [permission, gone] : restricted_->gone_by_permission)
    if (gone > sequence && reader.has(permission)) return true;
  return false;
}

void History::pop_front() {
  note_gone(entries_.front().sequence);
  const alloc::Block* block = entries_.front().block.get();
  // A block is paid for until its last entry goes; entries of one block lie side by side.
  if (entries_.size() == 1 || entries_[1].block.get() != block) {
    const std::size_t bytes = alloc::BlockHeap::memory_bytes(*block);
    bytes_ -= bytes;
    account_.of_namespace.bytes -= bytes;
    account_.of_core.bytes -= bytes;
    account_.memory.subtract(bytes);
  }
  entries_.pop_front();
}

std::size_t History::append(const alloc::BlockRef& block, std::span<const Mark> marks,
                            std::uint64_t now_ms) {
  if (marks.empty()) return 0;
  RR_CHECK(entries_.empty() || marks.front().sequence == entries_.back().sequence + 1);
  charge(*block.get());
  restrict(marks);
  for (const Mark& mark : marks) {
    RR_CHECK(mark.begin <= mark.end && mark.end <= block.bytes().size());
    entries_.push_back({.block = block.share(),
                        .sequence = mark.sequence,
                        .at_ms = now_ms,
                        .key = mark.key,
                        .begin = mark.begin,
                        .end = mark.end});
  }
  while (entries_.size() > limits_.count) pop_front();
  while (!entries_.empty() && bytes_ > limits_.bytes) pop_front();
  expire(now_ms);
  // What many rooms may keep together: who speaks now gives way, oldest first.
  std::size_t squeezed = 0;
  while (!entries_.empty() &&
         (account_.of_namespace.is_exceeded() || account_.of_core.is_exceeded())) {
    pop_front();
    ++squeezed;
  }
  return squeezed;
}

void History::expire(std::uint64_t now_ms) {
  while (!entries_.empty() && entries_.front().at_ms + limits_.age_ms <= now_ms) pop_front();
}

void History::forget_until(std::uint64_t sequence) {
  while (!entries_.empty() && entries_.front().sequence <= sequence) pop_front();
}

void History::clear() {
  while (!entries_.empty()) pop_front();
  restricted_.reset();
}

std::optional<std::uint64_t> History::oldest() const {
  return entries_.empty() ? std::nullopt : std::optional(entries_.front().sequence);
}

std::string_view History::text(const Entry& entry) const {
  return {reinterpret_cast<const char*>(entry.block.bytes().data()) + entry.begin,
          entry.end - entry.begin};
}

History::Recovery History::since(std::uint64_t sequence, std::uint64_t last, std::size_t count_max,
                                 std::size_t bytes_max, std::vector<std::string_view>& out,
                                 PermissionView reader) const {
  out.clear();
  if (sequence == last) return Recovery::complete;
  // A position ahead of the room is none of ours.
  if (sequence > last || has_lost(sequence, reader)) return Recovery::incomplete;
  RR_CHECK(entries_.empty() || entries_.back().sequence == last);
  std::size_t bytes = 0;
  for (std::size_t i = entries_.size() - std::min<std::uint64_t>(entries_.size(), last - sequence);
       i < entries_.size(); ++i) {
    if (!reader.has(permission_at(entries_[i].sequence))) continue;
    const std::string_view message = text(entries_[i]);
    bytes += message.size() + 1;
    if (bytes > bytes_max || out.size() == count_max) {
      out.clear();
      return Recovery::incomplete;
    }
    out.push_back(message);
  }
  return Recovery::complete;
}

void History::newest(std::uint64_t sequence, Pick pick, std::size_t count_max,
                     std::size_t bytes_max, std::vector<std::string_view>& out,
                     PermissionView reader) const {
  out.clear();
  std::unordered_set<std::uint64_t> seen;
  std::size_t bytes = 0;
  for (std::size_t i = entries_.size(); i-- > 0 && out.size() < count_max;) {
    const Entry& entry = entries_[i];
    if (entry.sequence <= sequence) break;
    if (!reader.has(permission_at(entry.sequence))) continue;
    if (pick == Pick::last_of_key && !seen.insert(entry.key).second) continue;
    bytes += entry.end - entry.begin;
    if (bytes > bytes_max && !out.empty()) break;
    out.push_back(text(entry));
  }
  std::ranges::reverse(out);
}

void History::read(std::uint64_t from, bool reverse, std::size_t limit, std::size_t bytes_max,
                   std::vector<std::string_view>& out, PermissionView reader) const {
  out.clear();
  if (entries_.empty()) return;
  const std::uint64_t first = entries_.front().sequence;
  // Entries before `at` have a sequence of at most `from` (reversed: below it).
  std::size_t at = 0;
  if (const std::uint64_t bound = reverse ? from : from + 1; bound > first)
    at = std::min<std::uint64_t>(entries_.size(), bound - first);
  std::size_t bytes = 0;
  while (out.size() < limit && (reverse ? at > 0 : at < entries_.size())) {
    const Entry& entry = entries_[reverse ? --at : at++];
    if (!reader.has(permission_at(entry.sequence))) continue;
    const std::string_view message = text(entry);
    bytes += message.size() + 1;
    if (bytes > bytes_max && !out.empty()) return;
    out.push_back(message);
  }
}

}  // namespace ringroom::realtime
