#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/id.h"
#include "engine/handler.h"
#include "realtime/access/seats.h"
#include "realtime/namespace.h"
#include "realtime/room/conflation.h"
#include "realtime/room/ephemeral.h"
#include "realtime/room/gathering.h"
#include "realtime/room/history.h"
#include "realtime/room/idempotency.h"
#include "realtime/room/offline_queue.h"
#include "realtime/room/presence.h"
#include "realtime/room/room_timers.h"
#include "realtime/room/state.h"
#include "realtime/wire_form.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

struct Batch;  // fanout.h
struct WorkspaceCounters;

// The home side of a room: the one place that orders its publications and knows its members and on
// which cores somebody listens. Who listens there is kept by Subscribers on each core.
//
//   Publish --next()--> Sequence --Fanout--> one Deliver per listening core
//
// Epoch: names one unbroken numbering. A room that is forgotten and made again gets another.
// Not thread-safe: lives and dies on core home_of(id).
class Room {
 public:
  // What somebody said about the room when it was made; most rooms make do without.
  struct Profile {
    std::string owner;              // user id; empty: a backend
    std::string metadata;           // raw JSON, an object; empty: none
    std::uint64_t max_members = 0;  // 0: the namespace's
    bool is_public = true;
  };
  // How many listeners a core has in one form. Nearly always a handful of rows, whatever the number
  // of cores.
  struct Hearing {
    CoreId core;
    WireForm form;
    std::uint32_t listeners;
  };

  Room(RoomId id, ScopedName name, std::shared_ptr<const Namespace> rules, std::uint32_t epoch,
       std::uint32_t number)
      : id_(id),
        name_(name),
        options_(std::move(rules)),
        number_(number),
        shown_at_(static_cast<std::uint16_t>(name.shown_at())) {
    begin_epoch(epoch);
    if (options().state_keys > 0) state = std::make_unique<State>(options());
    if (options().duplicate_sessions != DuplicateSessions::allow) seats = std::make_unique<Seats>();
  }

  // Other options from here on. What the room keeps by them is the caller's to change; whether it
  // knows who is in it, and whether a user may be there twice, stays as it was made.
  void adopt(std::shared_ptr<const Namespace> rules) {
    if (state) state->adopt(*rules);
    if (presence) presence->adopt(*rules);
    options_ = std::move(rules);
  }

  // The numbering begins anew. What the room remembers of the old one is the caller's to clear.
  void begin_epoch(std::uint32_t epoch) {
    for (std::size_t digit = 0; digit < epoch_.size(); ++digit)
      epoch_[digit] = "0123456789abcdef"[epoch >> (28 - 4 * digit) & 0xf];
    last_ = Sequence{0};
    hearing_differs_.reset();
  }

  RoomId id() const { return id_; }
  ScopedName name() const { return name_; }
  // What its members call it.
  std::string_view shown_name() const { return name().text().substr(shown_at_); }
  std::string_view workspace_id() const {  // empty: the default
    return name().text().substr(0, shown_at_ == 0 ? 0 : shown_at_ - 1u);
  }
  const Namespace& options() const { return *options_; }
  // What the binary dialect calls it, on the whole node and as long as the process lives; 0: only
  // its name.
  std::uint32_t number() const { return number_; }
  std::string_view epoch() const { return {epoch_.data(), epoch_.size()}; }
  Sequence last() const { return last_; }
  Sequence next() { return last_ = Sequence{last_.value + 1}; }
  // Publication::previous of the one that next() has just numbered. To be asked for each.
  std::optional<std::uint64_t> previous(std::uint64_t permission) {
    if (!hearing_differs_ && permission == no_permission) return std::nullopt;
    return previous_where_hearing_differs(permission);
  }

  // A connection begins or ends to listen.
  void enter(CoreId core, WireForm form) {
    Hearing* hearing = find(core, form);
    if (hearing == nullptr) {
      // By core, so that a batch goes to a core as one item.
      const auto place = std::ranges::upper_bound(hearings_, core, {}, &Hearing::core);
      hearing = &*hearings_.insert(place, {.core = core, .form = form, .listeners = 0});
    }
    ++hearing->listeners;
    heard_ = static_cast<std::uint16_t>(heard_ | bit(form));
    ++listener_count_;
  }
  void leave(CoreId core, WireForm form) {
    Hearing* hearing = find(core, form);
    RR_CHECK(hearing != nullptr);
    --listener_count_;
    if (--hearing->listeners == 0) {
      hearings_.erase(hearings_.begin() + (hearing - hearings_.data()));
      heard_ = 0;
      for (const Hearing& other : hearings_)
        heard_ = static_cast<std::uint16_t>(heard_ | bit(other.form));
    }
  }

  std::span<const Hearing> hearings() const { return hearings_; }  // by core
  bool is_heard_in(WireForm form) const { return (heard_ & bit(form)) != 0; }
  bool is_heard_in_either(WireForm dialect) const {
    return (heard_ & (bit(dialect) | bit(deflated(dialect)))) != 0;
  }
  // By members whose dialect is another than JSON.
  bool is_heard_beyond_json() const {
    return is_heard_in_either(WireForm::binary) || is_heard_in_either(WireForm::event);
  }
  // By somebody who is told who comes and goes.
  bool has_members_listening() const {
    return (heard_ & ~(bit(WireForm::raw) | bit(deflated(WireForm::raw)))) != 0;
  }
  std::uint32_t listener_count() const { return listener_count_; }
  // Who listens by a pattern is no member, and does not keep the room alive.
  bool is_used() const { return listener_count_ != pattern_listeners; }
  // Users where the room knows them, else connections. Raw listeners are no members.
  std::uint32_t member_count() const {
    if (presence) return presence->users();
    std::uint32_t count = 0;
    for (const Hearing& hearing : hearings_) count += is_raw(hearing.form) ? 0 : hearing.listeners;
    return count - pattern_listeners;
  }
  // Whether one more would be one too many.
  bool is_full_for(std::string_view user_id) const {
    const std::uint64_t max = members_max();
    if (max == 0 || user_id.empty() || member_count() < max) return false;
    return !presence || !presence->connections_of(user_id);
  }

  std::unique_ptr<const Profile> profile;  // null: it came to be by a join or a publish
  std::uint64_t members_max() const {
    return profile != nullptr && profile->max_members != 0 ? profile->max_members
                                                           : options().members_max;
  }
  std::unique_ptr<Gathering> gathering;    // Fanout's; of a large room
  std::unique_ptr<Ephemerals> ephemerals;  // made by the first one
  std::unique_ptr<Conflation> conflation;  // the same; gone when it is idle
  std::unique_ptr<State> state;      // the last value of each key; null: the namespace keeps none
  std::unique_ptr<History> history;  // null: the namespace keeps none
  std::unique_ptr<OfflineQueue> offline;     // then the history is the queue of an absent user
  std::unique_ptr<Idempotency> idempotency;  // made by the first publish that has a message id
  std::unique_ptr<Presence> presence;        // null: the namespace keeps none
  std::unique_ptr<Seats> seats;  // by the hash of a user's id; null: a user may be there twice

  Batch* batch = nullptr;        // this turn's publications so far; Fanout's
  std::uint32_t busy_cores = 0;  // Fanout's: other cores that still hand out earlier batches
  Sequence sent{0};              // Fanout's: the last in a batch that went out
  Sequence audited{0};           // RoomTable's: what listening cores were last asked to compare
  std::uint64_t created_wall_ms = 0;
  WorkspaceCounters* counted = nullptr;  // null: its workspace is not counted by itself
  std::uint32_t pattern_listeners = 0;   // of all listeners
  bool is_ending = false;            // RoomTable's: deleted, and forgotten when the last has left
  bool rests = false;                // it ends because nobody used it
  std::uint32_t edition = 0;         // RoomTable's: of the settings that its options are of
  std::uint64_t used_ms = 0;         // RoomTable's: when a room without listeners was last used
  RoomTimers::Timer presence_timer;  // PresenceKeeper's
  RoomTimers::Timer pace_timer;      // PaceKeeper's
  std::uint64_t serial = 0;          // RoomIndex's: of all that came to be on this core

 private:
  // Since the first message that requires a permission: what was said last.
  struct HearingDiffers {
    std::uint64_t for_all;     // the last that everybody hears
    std::uint64_t restricted;  // the last that requires a permission, which is
    std::uint64_t permission;
  };
  std::optional<std::uint64_t> previous_where_hearing_differs(std::uint64_t permission) {
    const std::uint64_t now = last_.value;
    if (!hearing_differs_)
      hearing_differs_ = std::make_unique<HearingDiffers>(HearingDiffers{now - 1, 0, 0});
    HearingDiffers& was = *hearing_differs_;
    std::uint64_t previous = was.for_all;
    if (permission == no_permission) {
      was.for_all = now;
    } else {
      if (permission == was.permission) previous = std::max(previous, was.restricted);
      was.restricted = now;
      was.permission = permission;
    }
    return previous + 1 == now ? std::nullopt : std::optional(previous);
  }
  static constexpr unsigned bit(WireForm form) { return 1u << std::size_t(form); }
  static_assert(wire_forms <= 16, "a bit for each form in heard_");
  Hearing* find(CoreId core, WireForm form) {
    for (Hearing& hearing : hearings_)
      if (hearing.core == core && hearing.form == form) return &hearing;
    return nullptr;
  }

  RoomId id_;
  OwnedName name_;
  std::shared_ptr<const Namespace> options_;
  std::array<char, 8> epoch_;
  std::uint32_t number_;
  std::uint16_t heard_ = 0;  // forms that somebody listens in
  std::uint16_t shown_at_;   // in the name
  Sequence last_{0};
  std::unique_ptr<HearingDiffers> hearing_differs_;  // null: everybody has heard everything
  std::vector<Hearing> hearings_;
  std::uint32_t listener_count_ = 0;
};

}  // namespace ringroom::realtime
