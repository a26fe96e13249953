#include "realtime/room/held_publications.h"

#include <string_view>

#include "base/check.h"

namespace ringroom::realtime {

namespace {

// What a tree adds to an entry.
constexpr std::size_t node_bytes = 48;

}  // namespace

HeldPublications::HeldPublications(const std::vector<Limits>& limits) {
  for (const Limits& each : limits) policies_.push_back({.limits = each});
}

bool HeldPublications::hold(const Publish& publish, std::uint64_t due_ms) {
  Held held{.publish = publish, .texts = nullptr, .bytes = sizeof(Table::value_type) + node_bytes};
  std::size_t text_bytes = 0;
  held.publish.each_text([&](std::string_view& text) { text_bytes += text.size(); });
  held.bytes += text_bytes;
  Policy& policy = policies_[publish.quiet_hours - 1];
  if (policy.count >= policy.limits.count || policy.bytes + held.bytes > policy.limits.bytes)
    return false;
  held.texts = std::make_unique<char[]>(text_bytes);
  char* end = held.texts.get();
  held.publish.each_text([&](std::string_view& text) {
    const std::size_t size = text.copy(end, text.size());
    text = {end, size};
    end += size;
  });
  ++policy.count;
  policy.bytes += held.bytes;
  bytes_ += held.bytes;
  held_.emplace(Key{.due_ms = due_ms, .serial = serial_++}, std::move(held));
  return true;
}

std::optional<std::uint64_t> HeldPublications::due_ms() const {
  return held_.empty() ? std::nullopt : std::optional(held_.begin()->first.due_ms);
}

HeldPublications::Table::iterator HeldPublications::forget(Table::iterator held) {
  Policy& policy = policies_[held->second.publish.quiet_hours - 1];
  RR_CHECK(policy.count > 0);
  --policy.count;
  policy.bytes -= held->second.bytes;
  bytes_ -= held->second.bytes;
  return held_.erase(held);
}

}  // namespace ringroom::realtime
