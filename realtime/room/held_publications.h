#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "realtime/letters/publication.h"

namespace ringroom::realtime {

// Publications that wait for their hours (R14), with their texts, in the order in which they are
// due and, of one instant, in which they came.
//
// Owner:  one core. The clock is the caller's: milliseconds since 1970.
// Bounds: by count and bytes, of each policy (Publish::quiet_hours - 1).
class HeldPublications {
 public:
  struct Limits {
    std::uint64_t count, bytes;
  };
  explicit HeldPublications(const std::vector<Limits>& limits);

  // False: as many wait for these hours as may.
  bool hold(const Publish& publish, std::uint64_t due_ms);
  std::optional<std::uint64_t> due_ms() const;

  // What becomes of one that is due.
  struct Fate {
    enum class Kind : std::uint8_t {
      gone,
      blocked,  // stays; what waits behind it for the same room is not asked about
      later     // waits until due_ms
    };
    Kind kind;
    std::uint64_t due_ms = 0;
  };
  // Asks `decide(const Publish&)` about those that are due, at most `count_max` of them.
  template <class Decide>
  void release(std::uint64_t now_ms, std::size_t count_max, Decide decide);

  std::size_t size() const { return held_.size(); }
  std::size_t bytes() const { return bytes_; }  // of memory

 private:
  struct Key {
    std::uint64_t due_ms;
    std::uint64_t serial;
    auto operator<=>(const Key&) const = default;
  };
  struct Held {
    Publish publish;  // its texts lie in `texts`
    std::unique_ptr<char[]> texts;
    std::size_t bytes;
  };
  struct Policy {
    Limits limits;
    std::uint64_t count = 0, bytes = 0;
  };
  using Table = std::map<Key, Held>;
  Table::iterator forget(Table::iterator held);

  std::vector<Policy> policies_;
  Table held_;
  std::uint64_t serial_ = 0;
  std::size_t bytes_ = 0;
};

template <class Decide>
void HeldPublications::release(std::uint64_t now_ms, std::size_t count_max, Decide decide) {
  std::vector<RoomId> blocked;
  for (auto held = held_.begin(); held != held_.end() && held->first.due_ms <= now_ms;) {
    const Publish& publish = held->second.publish;
    if (std::ranges::find(blocked, publish.room) != blocked.end()) {
      ++held;
      continue;
    }
    if (count_max-- == 0) return;
    const Fate fate = decide(publish);
    switch (fate.kind) {
      case Fate::Kind::gone:
        held = forget(held);
        break;
      case Fate::Kind::blocked:
        blocked.push_back(publish.room);
        ++held;
        break;
      case Fate::Kind::later: {
        auto moved = held_.extract(held++);
        moved.key().due_ms = fate.due_ms;
        held_.insert(std::move(moved));
        break;
      }
    }
  }
}

}  // namespace ringroom::realtime
