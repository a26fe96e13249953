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

void History::pop_front() {
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
}

std::optional<std::uint64_t> History::oldest() const {
  return entries_.empty() ? std::nullopt : std::optional(entries_.front().sequence);
}

std::string_view History::text(const Entry& entry) const {
  return {reinterpret_cast<const char*>(entry.block.bytes().data()) + entry.begin,
          entry.end - entry.begin};
}

History::Recovery History::since(std::uint64_t sequence, std::uint64_t last, std::size_t count_max,
                                 std::size_t bytes_max, std::vector<std::string_view>& out) const {
  out.clear();
  if (sequence == last) return Recovery::complete;
  // A position ahead of the room is none of ours.
  if (sequence > last || last - sequence > count_max) return Recovery::incomplete;
  if (entries_.empty() || entries_.front().sequence > sequence + 1) return Recovery::incomplete;
  RR_CHECK(entries_.back().sequence == last);
  std::size_t bytes = 0;
  for (std::size_t i = entries_.size() - (last - sequence); i < entries_.size(); ++i) {
    const std::string_view message = text(entries_[i]);
    bytes += message.size() + 1;
    if (bytes > bytes_max) {
      out.clear();
      return Recovery::incomplete;
    }
    out.push_back(message);
  }
  return Recovery::complete;
}

void History::newest(std::uint64_t sequence, Pick pick, std::size_t count_max,
                     std::size_t bytes_max, std::vector<std::string_view>& out) const {
  out.clear();
  std::unordered_set<std::uint64_t> seen;
  std::size_t bytes = 0;
  for (std::size_t i = entries_.size(); i-- > 0 && out.size() < count_max;) {
    const Entry& entry = entries_[i];
    if (entry.sequence <= sequence) break;
    if (pick == Pick::last_of_key && !seen.insert(entry.key).second) continue;
    bytes += entry.end - entry.begin;
    if (bytes > bytes_max && !out.empty()) break;
    out.push_back(text(entry));
  }
  std::ranges::reverse(out);
}

void History::read(std::uint64_t from, bool reverse, std::size_t limit, std::size_t bytes_max,
                   std::vector<std::string_view>& out) const {
  out.clear();
  if (entries_.empty()) return;
  const std::uint64_t first = entries_.front().sequence;
  // Entries before `at` have a sequence of at most `from` (reversed: below it).
  std::size_t at = 0;
  if (const std::uint64_t bound = reverse ? from : from + 1; bound > first)
    at = std::min<std::uint64_t>(entries_.size(), bound - first);
  std::size_t bytes = 0;
  while (out.size() < limit && (reverse ? at > 0 : at < entries_.size())) {
    const std::string_view message = text(entries_[reverse ? --at : at++]);
    bytes += message.size() + 1;
    if (bytes > bytes_max && !out.empty()) return;
    out.push_back(message);
  }
}

}  // namespace ringroom::realtime
