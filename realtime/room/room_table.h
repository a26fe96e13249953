#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "realtime/letters/delivery.h"
#include "realtime/letters/history.h"
#include "realtime/letters/membership.h"
#include "realtime/letters/publication.h"
#include "realtime/letters/refused.h"
#include "realtime/room/fanout.h"
#include "realtime/room/history_keeper.h"
#include "realtime/room/offline_keeper.h"
#include "realtime/room/pace_keeper.h"
#include "realtime/room/pattern_table.h"
#include "realtime/room/presence_keeper.h"
#include "realtime/room/quiet_keeper.h"
#include "realtime/room/room.h"
#include "realtime/room/room_index.h"
#include "realtime/room/room_seats.h"
#include "realtime/room/sealer.h"
#include "realtime/room/tenants.h"

namespace ringroom::realtime {

class Shard;

// The rooms at home on this core, and what is asked of them.
//
// Owner:  one core.
// Errors: a refusal goes back to the asker as `Refused`; nothing here closes a connection.
class RoomTable {
 public:
  explicit RoomTable(Shard& shard);
  // Each room takes its new options when it is next used or visited.
  void adopt_settings();

  void receive(const JoinRoom& join);
  void receive(const LeaveRoom& leave);
  void receive(const Farewell& farewell);
  void receive(const Acknowledge& acknowledge) {
    offline_keeper_.receive(acknowledge, find(acknowledge.room, acknowledge.room_name));
  }
  void receive(const Publish& publish);
  void receive(const ReadHistory& read) {
    history_keeper_.receive(read, find(read.room, read.room_name));
  }
  void receive(const ClearHistory& clear) {
    history_keeper_.receive(clear, find(clear.room, clear.room_name));
  }
  void receive(const ReadPresence& read) {
    presence_keeper_.receive(read, find(read.room, read.room_name));
  }
  void receive(const UpdatePresence& said) {
    presence_keeper_.receive(said, find(said.room, said.room_name));
  }
  void receive(const CatchUp& catch_up);
  void receive(const RoomBusy& busy);

  // The end of the turn: all batches go out.
  void flush() { fanout_.flush(); }
  // Batches that wait for more: so does this core.
  void gather(engine::Outbox& outbox) { fanout_.gather(outbox); }
  std::uint64_t flush_due_ms() const { return fanout_.flush_due_ms(); }
  // A share of the rooms is to be visited: what forgets messages that are too old and rooms that
  // nobody uses, and lets listening cores compare their position. Every room has been visited after
  // bounds::sweep_rounds calls.
  void begin_sweep();
  // As many of them as a turn has time for.
  void sweep();
  bool is_sweeping() const { return sweep_left_ > 0; }  // the next turn must not wait
  // Rooms whose presence is due: bounds::presence_cookie has fired.
  void tell_presence();
  // Publications have waited for their hours: bounds::quiet_cookie has fired.
  void hours_begin() {
    quiet_keeper_.fired();
    release_held();
  }
  // Messages whose interval or debounce has ended: bounds::pace_cookie has fired.
  void release_paced();
  // All that wait, now: the process drains, and from here on none has to.
  void release_all();
  // Nothing waits any more in a user's own room, which is at home here.
  void take_from(ScopedName name);
  // The room's numbering begins anew: what it remembers is gone, and its listeners are told.
  void reset(Room& room, std::string_view reason);

  std::size_t size() const { return rooms_.size(); }
  // nullptr: there is no such room, or it is being deleted.
  Room* find(RoomId id, ScopedName name);
  // For one who listens to a pattern that the room matches.
  void enter_by_pattern(Room& room, const PatternTable::Listener& listener);
  // Empty: it is not at home here.
  ScopedName name_of(RoomId id) const {
    const auto found = rooms_.find(id.value);
    return found == rooms_.end() ? ScopedName() : found->second->name();
  }
  bool is_listened_to(RoomId id) const {
    const auto found = rooms_.find(id.value);
    return found != rooms_.end() && found->second->listener_count() > 0;
  }
  // Also one that is being deleted.
  bool holds(RoomId id) const { return rooms_.contains(id.value); }
  // A message id that the room knows from now on; sequence 0: that message was replaced.
  void remember(Room& room, const Idempotency::Known& known);
  void refuse(const Publish& publish, RefusedBecause reason, std::uint64_t version = 0);
  // Of a room that is not there. Or why it cannot be made.
  Result<Room*, RefusedBecause> make(RoomId id, ScopedName name,
                                     std::shared_ptr<const Namespace> rules);
  // Every listener is told and leaves; then the room is forgotten.
  void end(Room& room, std::string_view reason);
  // By name; those that are being deleted are among them.
  const RoomIndex& index() const { return index_; }

 private:
  // Or why there is none and none can be made.
  Result<Room*, RefusedBecause> find_or_make(RoomId id, ScopedName name);
  void answer(const JoinRoom& join, Room& room);
  void release_held();
  void adopt(Room& room);
  void refuse(const JoinRoom& join, RefusedBecause reason);
  // The answer that this publish got before, if it is here for the second time.
  bool answers_again(const Publish& publish, Room& room, std::uint64_t key);
  // The key's last value, in rooms that keep them; returns the change to tell, see StateKeeper.
  std::string_view keep_value(Room& room, const Publish& publish, std::uint64_t version);
  std::uint64_t idempotency_key(const Publish& publish) const;
  // As it is meant, in a room that is there.
  void take(const Publish& publish, Room& room);
  // It goes now. `key` is that of its message id; 0: it has none.
  void publish(const Publish& publish, Room& room, std::uint64_t key);
  void release(Room& room, PaceKeeper::Which which);
  void receive_ephemeral(const Publish& publish, Room& room);
  // True, and told: another version is there than the publisher expects, or no room for its value.
  bool objects(const Publish& publish, const Room& room);
  bool is_of_blocked_user(const Room& room) const;
  void visit(Room& room);
  bool is_forgotten(const Room& room) const;
  void forget(RoomId room);
  // Of the next room; no two of this process share one.
  std::uint32_t next_number();

  Shard& shard_;
  Sealer sealer_;
  Fanout fanout_;
  StateKeeper state_keeper_;
  PresenceKeeper presence_keeper_;
  OfflineKeeper offline_keeper_;
  QuietKeeper quiet_keeper_;
  RoomSeats room_seats_;
  PaceKeeper pace_keeper_;
  Tenants tenants_;
  HistoryKeeper history_keeper_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Room>> rooms_;
  RoomIndex index_;            // of rooms_
  std::uint32_t edition_ = 0;  // of the settings
  std::uint64_t rooms_made_ = 0;
  std::size_t sweep_bucket_ = 0;         // of rooms_, visited last
  std::size_t sweep_left_ = 0;           // buckets that are to be visited now
  alloc::BlockBuilder frame_, payload_;  // scratch
  std::vector<std::string_view> listed_;
  std::vector<std::uint64_t> forgotten_;
};

}  // namespace ringroom::realtime
