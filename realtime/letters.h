#pragma once

#include <atomic>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/handler.h"
#include "realtime/letters/calls.h"
#include "realtime/letters/delivery.h"
#include "realtime/letters/history.h"
#include "realtime/letters/membership.h"
#include "realtime/letters/places.h"
#include "realtime/letters/publication.h"
#include "realtime/letters/reach.h"
#include "realtime/letters/refused.h"
#include "realtime/letters/rights.h"
#include "realtime/letters/room_life.h"
#include "realtime/letters/server.h"

namespace ringroom::realtime {

// Every message between cores, and the letter that carries a turn's worth of them. They are one
// struct each, in letters/ by subject.
//
//   session's core                     room's home core                listening cores
//   --------------                     ----------------                ---------------
//   JoinRoom, LeaveRoom, Publish,
//   ReadHistory, ReadPresence,
//   UpdatePresence, Acknowledge,
//   Farewell                      -->
//                                 <--  Joined, Published, Refused, ToConnection, FarewellSaid
//                                      Deliver, AuditPosition     -->  (each core with listeners)
//                                 <--  BlockReturned                   (when the last send is done)
//   ToUsers, ToConnection, ToEverybody --> the cores where such sessions may be
//
// Rooms are named with their workspace (ScopedName); users, with a room or a workspace beside them,
// as they are shown.
//
// A text in these structs is a view: of the received bytes when the receiver is this core, of the
// letter's own memory when it is another.

using LetterItem = std::variant<
    JoinRoom, LeaveRoom, Acknowledge, Farewell, FarewellSaid, Publish, ReadHistory, HistoryRead,
    ReadPresence, UpdatePresence, CreateRoom, DeleteRoom, DescribeRoom, ListRooms, RoomDescribed,
    RoomsListed, RoomGone, CatchUp, CaughtUp, Joined, Published, Refused, Deliver, AuditPosition,
    Throttle, RoomBusy, BlockReturned, ToUsers, ToConnection, ToNamed, ReachRooms, RoomsReached,
    JoinPattern, LeavePattern, PatternKnown, ToEverybody, AcquireQuota, QuotaAnswer, ReleaseQuota,
    Revoke, Revoked, RightsChange, RightsChanged, TakeSeat, LeaveSeat, SeatLost, Unseat, AskHealth,
    HealthTold, ReadTrace, TraceRead, WatchTrace, Answered, ClearHistory, SessionOrder, OrderDone,
    ListConnections, ConnectionsListed, ListNames, NamesListed, AdminAlert>;
static_assert(alignof(FormBatch) >= alignof(Exclusion) && alignof(FormBatch) >= alignof(EventMark),
              "keep() places bytes of each");
static_assert(sizeof(LetterItem) <= 192, "an item is at most three cache lines");

// What one core has to say to another in one turn, in order.
//
// Owner:    the sender, from make to clear(); lent to the receiver between Outbox::post and
//           hand_back(). The receiver only reads it.
// Lifetime: of the texts: until clear().
class Letter : public engine::Letter {
 public:
  template <class Item>
  void add(Item item) {
    item.each_text([this](std::string_view& text) { text = keep(text); });
    items_.push_back(item);
  }
  std::span<const LetterItem> items() const { return items_; }
  bool empty() const { return items_.empty(); }
  std::size_t text_bytes() const { return text_bytes_; }

  void hand_back() { handed_back_.store(true, std::memory_order_release); }
  bool is_handed_back() const { return handed_back_.load(std::memory_order_acquire); }
  void clear() {
    items_.clear();
    texts_.release();
    text_bytes_ = 0;
    handed_back_.store(false, std::memory_order_relaxed);
  }

 private:
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    auto* copy = static_cast<char*>(texts_.allocate(text.size(), alignof(FormBatch)));
    text.copy(copy, text.size());
    text_bytes_ += text.size();
    return {copy, text.size()};
  }

  std::vector<LetterItem> items_;
  alignas(16) char first_texts_[4096];
  std::pmr::monotonic_buffer_resource texts_{first_texts_, sizeof first_texts_};
  std::size_t text_bytes_ = 0;
  std::atomic<bool> handed_back_{false};
};

}  // namespace ringroom::realtime
