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
#include "realtime/letters.h"

namespace ringroom::realtime {

struct Session;
class SessionTable;

// One connection that listens: all a delivery needs, so that the fan-out loop reads nothing else.
struct Listener {
  engine::SocketId socket;
  std::uint32_t subscription;  // index in the session's list, to keep both ends in step
};
static_assert(sizeof(Listener) == 12, "five listeners to a cache line");

// The listeners of one room on one core.
struct Audience {
  RoomId room;
  std::string name;
  std::vector<Listener> listeners[wire_forms];
  std::uint32_t subscriptions = 0;  // listeners and those whose join is on its way
};

// A session's end of a subscription.
struct Subscription {
  Audience* audience;
  std::uint32_t position;  // in audience->listeners[form]; valid once joined
  std::uint32_t ticket;    // of the join that made it
  WireForm form;
  bool joined;      // the room has answered
  Actions actions;  // what the session may do there
};

static_assert(sizeof(Subscription) == 24, "docs/memory.md says it too");

// Who on this core listens to which room, and the loop that hands a batch to each of them.
//
//   Deliver --> Audience of the room --> Outbox::send(listener, reference to the batch)
//
// Owner: one core.
class Subscribers {
 public:
  Subscribers(SessionTable& sessions, alloc::BlockHeap& heap, CoreId core)
      : sessions_(sessions), heap_(heap), core_(core) {}

  // Both ends of a new subscription, not yet joined: nothing is delivered to it.
  Subscription& begin(Session& session, RoomId room, std::string_view name, WireForm form,
                      std::uint32_t ticket, Actions actions);
  void join(Session& session, Subscription& subscription);
  void end(Session& session, Subscription& subscription);  // joined or not

  // Queues the batch to every listener. Those who do not keep up are added to `too_slow`, not
  // touched: closing them changes the lists that are being walked.
  // Returns the number of listeners served.
  std::size_t deliver(RoomId room, std::span<const alloc::BlockRef> batch,
                      std::span<const Exclusion> exclusions, engine::Outbox& outbox,
                      std::vector<engine::SocketId>& too_slow);

  std::size_t rooms() const { return audiences_.size(); }

 private:
  void deliver_slices(const Listener& listener, WireForm form, const alloc::BlockRef& batch,
                      std::span<const Exclusion> exclusions, engine::Outbox& outbox,
                      std::vector<engine::SocketId>& too_slow);

  SessionTable& sessions_;
  alloc::BlockHeap& heap_;
  CoreId core_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Audience>> audiences_;
};

}  // namespace ringroom::realtime
