#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "alloc/block.h"
#include "base/id.h"
#include "engine/outbox.h"
#include "realtime/access/grants.h"
#include "realtime/access/permissions.h"
#include "realtime/bounds.h"
#include "realtime/compact_list.h"
#include "realtime/letters/delivery.h"
#include "realtime/letters/membership.h"
#include "realtime/letters/room_life.h"

namespace ringroom::realtime {

class Shard;
struct Session;

// One connection that listens: all a delivery needs, so that the fan-out loop reads nothing else.
struct Listener {
  engine::SocketId socket;
  // Index in the session's list, to keep both ends in step.
  std::uint32_t subscription : 17;
  std::uint32_t permissions : 12;   // PermissionSets' number; permissions_of_session: ask there
  std::uint32_t keeps_context : 1;  // its frames go through DeflateContexts
  std::uint32_t sees_presence : 1;  // else it hears none of what is marked as such
  std::uint32_t is_lagging : 1;     // left out until it has taken what waits for it
};
static_assert(sizeof(Listener) == 12, "five listeners to a cache line");
inline constexpr std::uint32_t permissions_of_session = 0xfff;

// What the holders of one set of permissions hear of a delivery in one form: made for the first of
// them, shared by the others.
struct Part {
  std::uint32_t permissions;  // PermissionSets' number
  std::uint32_t withheld;     // publications that they do not hear
  alloc::BlockRef block;      // null: they hear nothing of it
};

// A batch on its way to the listeners of one room: those before `next` in `form`, and all of the
// forms before it, have it.
struct Delivery {
  alloc::BlockRef batch[wire_forms];
  std::uint32_t publications;
  std::uint32_t since;
  std::uint32_t last = 0;  // low half of its last sequence
  engine::Lane lane;
  std::uint64_t before;                       // the room's sequence that listeners have without it
  std::uint32_t ephemeral_begin[wire_forms];  // see Deliver
  bool has_ephemerals() const { return ephemeral_begin[form] < batch[form].bytes().size(); }
  std::vector<Exclusion> exclusions;
  std::vector<EventMark> events;  // empty: event listeners hear all of it
  // All of `exclusions` are about permissions.
  bool is_restricted = false;
  std::vector<Part> parts;  // of `form`, so far
  std::size_t form = 0;
  std::size_t next = 0;
  // Each listener hears its own part, and is counted where that is found.
  bool is_filtered() const { return is_event(WireForm(form)) && !events.empty(); }
};

// The listeners of one room on one core.
struct Audience {
  RoomId room;
  OwnedName name;
  CompactList<Listener> listeners[wire_forms];
  std::uint32_t number = 0;         // what the binary dialect calls the room; known once joined
  std::uint32_t subscriptions = 0;  // listeners and those whose join is on its way
  std::uint32_t joined = 0;         // listeners
  std::uint64_t last_sequence = 0;  // what they have been handed; valid while there are some
  // The namespace's slow-consumer policy leaves messages out rather than let them wait.
  bool is_lossy = false;
  bool is_personal = false;  // of one user: what is said there is heard whatever one has asked for
  bool is_in_backlog = false;
  bool said_busy = false;  // to the room's home
  // In the order of the room; the first is under way. Nearly always none or one.
  std::vector<Delivery> deliveries;
};

// A session's end of a subscription.
struct Subscription {
  Audience* audience;
  std::uint32_t position;  // in audience->listeners[form]; valid once joined
  std::uint32_t ticket;    // of the join that made it
  WireForm form;
  bool joined;                  // the room has answered
  Actions actions;              // what the session may do there
  bool has_place : 1 = false;   // it counts among its user's rooms, see RoomPlaces
  bool by_pattern : 1 = false;  // nobody asked for this room: it matches a pattern of the session
  bool comes_by_name : 1 = false;  // of such a one: it has been asked for as well meanwhile
  // Rights were taken since the room was asked: what it answers may be more than is granted now.
  bool is_outdated : 1 = false;
  bool by_server : 1 = false;  // a backend has joined it, whatever its token grants
  // While its listener is lagging: the low half of the last sequence it was sent.
  std::uint32_t lagging_since = 0;
  engine::LanePlace place = {};  // of what the room said last and has to wait
};
static_assert(sizeof(Subscription) == 32, "docs/memory.md says it too");

// Who on this core listens to which room, and the loop that hands a batch to each of them.
//
//   Deliver --> Audience of the room --> Outbox::send(listener, reference to the batch)
//                      \--> backlog: what is more than a turn's share goes on in the next turns,
//                           rooms in turn, so that a large room does not hold up the others
//
// A room with two deliveries waiting here tells its home, which then gathers its publications into
// one batch until they are done.
//
// Owner: one core.
class Subscribers {
 public:
  explicit Subscribers(Shard& shard) : shard_(shard) {}

  // Both ends of a new subscription, not yet joined: nothing is delivered to it.
  Subscription& begin(Session& session, RoomId room, ScopedName name, WireForm form,
                      std::uint32_t ticket, Actions actions);
  void join(Session& session, Subscription& subscription, const Joined& joined);
  void end(Session& session, Subscription& subscription);  // joined or not
  // What the session may do and hear in the room from here on, by its grants.
  void regrant(const Session& session, Subscription& subscription, Actions actions);
  // What is still being handed out goes out now: an answer that follows is about what comes behind.
  void complete(Audience& audience);

  void begin_turn();
  // Takes the holds of the blocks over: ours as they are, another core's as loans.
  void deliver(const Deliver& deliver);
  // The home says where the room stands; who has not been handed all of it is lost.
  void compare(const AuditPosition& audit);
  // A socket has taken everything: those of its subscriptions that were left out ask for the rest.
  void drained(engine::SocketId socket);
  void receive(const CaughtUp& caught_up);
  // Says something behind all that the connection was sent so far, of whichever room and lane: that
  // a membership begins or ends. What is sent with `place` later follows it.
  engine::Outbox::Send write_behind(const Session& session, std::string_view frame,
                                    engine::LanePlace& place);
  // The room is being deleted: all of its listeners here leave it.
  void disperse(const RoomGone& gone);
  // As much of the backlog as the turn still has room for.
  void serve_backlog();
  bool has_backlog() const { return !backlog_.empty(); }  // the next turn must not wait
  bool is_busy(RoomId room) const;
  // Empty: nobody listens here.
  ScopedName name_of(RoomId room) const;

  // Those who do not keep up; not touched, because closing them changes the lists that are walked.
  std::vector<engine::SocketId>& too_slow() { return too_slow_; }
  // Those of whose rooms something went missing on its way here: to be told, not left in the dark.
  std::vector<engine::SocketId>& lost() { return lost_; }

 private:
  // Hands the first delivery to at most `sends_max` listeners, and takes it off when all have it.
  std::size_t serve(Audience& audience, std::size_t sends_max);
  void tell_home(Audience& audience, bool busy);
  void give_up(const Audience& audience);
  // Asks for what a listener was left out of.
  void catch_up(const Session& session, const Subscription& subscription);
  // True: this listener hears nothing for now.
  bool leaves_out(Listener& listener, const Delivery& delivery);
  // What it costs, in sends. `Pace::at_once`: compression per listener is left out.
  enum class Pace : std::uint8_t { shared, at_once };
  std::size_t send(const Listener& listener, Delivery& delivery, Pace pace);
  // Of the room's messages to this listener none overtakes another; those of different rooms may,
  // if it does not keep up.
  engine::Outbox::Send hand_over(const Listener& listener, alloc::BlockRef block,
                                 engine::Lane lane);
  // What is not the whole batch.
  std::size_t send_own(const Listener& listener, Delivery& delivery, Pace pace);
  std::size_t send_parts(const Listener& listener, const Delivery& delivery, Pace pace);
  std::size_t send_shared_part(const Listener& listener, Delivery& delivery);
  // nullptr: there are as many already as are kept.
  const Part* part_of(const Listener& listener, Delivery& delivery);
  Part make_part(const Listener& listener, const Delivery& delivery);
  // The whole or a run of a batch.
  alloc::BlockRef cut(const alloc::BlockRef& batch, std::size_t begin, std::size_t bytes);
  std::uint32_t permissions_of(const Session& session) const;
  PermissionView permissions_of(const Listener& listener) const;
  // Calls leave_out(begin, end) for what of the batch the listener must not hear, in order.
  void each_exclusion(const Listener& listener, const Delivery& delivery, const auto& leave_out);
  void each_unheard_event(const Listener& listener, const Delivery& delivery,
                          const auto& leave_out);
  bool concerns(const Exclusion& exclusion, const Listener& listener) const;

  Shard& shard_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Audience>> audiences_;
  std::vector<std::uint64_t> backlog_;  // rooms with deliveries under way, in turn
  std::size_t sends_per_turn_ = bounds::fanout_sends_per_turn_max;
  std::size_t sends_left_ = 0;  // of this turn's share
  std::uint64_t turn_us_ = 0;   // when it began
  bool has_lanes_ = false;      // somebody may have, in this turn
  std::uint64_t withheld_ = 0;  // while a delivery is served: publications that were not for whom
  std::vector<engine::SocketId> too_slow_, lost_;
};

}  // namespace ringroom::realtime
