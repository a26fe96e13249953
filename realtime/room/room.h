#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/id.h"
#include "realtime/letters.h"
#include "realtime/namespace.h"
#include "realtime/room/state.h"

namespace ringroom::realtime {

struct Batch;  // fanout.h

// The home side of a room: the one place that orders its publications and knows its members and on
// which cores somebody listens. Who listens there is kept by Subscribers on each core.
//
//   Publish --next()--> Sequence --Fanout--> one Deliver per listening core
//
// Epoch: names one unbroken numbering. A room that is forgotten and made again gets another.
// Not thread-safe: lives and dies on core home_of(id).
class Room {
 public:
  Room(RoomId id, std::string_view name, const Namespace& options, std::uint32_t epoch,
       std::uint32_t cores)
      : id_(id), name_(name), options_(options), listeners_(cores) {
    for (std::size_t digit = 0; digit < epoch_.size(); ++digit)
      epoch_[digit] = "0123456789abcdef"[epoch >> (28 - 4 * digit) & 0xf];
    if (options.state_keys > 0) state = std::make_unique<State>(options);
  }

  RoomId id() const { return id_; }
  const std::string& name() const { return name_; }
  const Namespace& options() const { return options_; }
  std::string_view epoch() const { return {epoch_.data(), epoch_.size()}; }
  Sequence last() const { return last_; }
  Sequence next() { return last_ = Sequence{last_.value + 1}; }

  // A connection begins or ends to listen. An empty user listens without being a member.
  // True if that is the first or the last connection of the user here.
  bool enter(CoreId core, WireForm form, std::string_view user_id) {
    ++listeners_[core.value][std::size_t(form)];
    ++listener_count_;
    if (user_id.empty()) return false;
    const auto found = members_.find(user_id);
    if (found != members_.end()) {
      ++found->second;
      return false;
    }
    members_.emplace(user_id, 1);
    return true;
  }
  bool leave(CoreId core, WireForm form, std::string_view user_id) {
    RR_CHECK(listeners_[core.value][std::size_t(form)] > 0);
    --listeners_[core.value][std::size_t(form)];
    --listener_count_;
    if (user_id.empty()) return false;
    const auto found = members_.find(user_id);
    RR_CHECK(found != members_.end());
    if (--found->second > 0) return false;
    members_.erase(found);
    return true;
  }

  std::uint32_t listeners(CoreId core, WireForm form) const {
    return listeners_[core.value][std::size_t(form)];
  }
  bool is_heard_in(WireForm form) const {
    for (const auto& core : listeners_)
      if (core[std::size_t(form)] > 0) return true;
    return false;
  }
  bool is_heard_in_json() const {
    return is_heard_in(WireForm::json) || is_heard_in(WireForm::json_deflated);
  }
  std::uint32_t listener_count() const { return listener_count_; }
  // User id and number of connections, by name.
  const std::map<std::string, std::uint32_t, std::less<>>& members() const { return members_; }

  std::unique_ptr<State> state;  // the last value of each key; null: the namespace keeps none

  Batch* batch = nullptr;        // this turn's publications so far; Fanout's
  std::uint32_t busy_cores = 0;  // Fanout's: other cores that still hand out earlier batches
  // RoomTable's: when a room without listeners was last used, and whether it waits to be forgotten.
  std::uint64_t used_ms = 0;
  bool is_on_the_way_out = false;

 private:
  RoomId id_;
  std::string name_;
  const Namespace& options_;
  std::array<char, 8> epoch_;
  Sequence last_{0};
  std::vector<std::array<std::uint32_t, wire_forms>> listeners_;  // by core
  std::uint32_t listener_count_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> members_;
};

}  // namespace ringroom::realtime
