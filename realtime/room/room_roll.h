#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "realtime/room/room.h"

namespace ringroom::realtime {

// The rooms of one core in the order they came to be, each namespace apart, for one who looks
// through them a share at a time: rooms may come and go meanwhile.
//
//   namespace a   room 1 <-> room 4 <-> room 5
//   namespace b   room 2 <-> room 3          a walk sees those that were there when it began, once
//
// Owner: one core. Memory: three words in each room.
class RoomRoll {
 public:
  void add(Room& room) {
    room.roll_list = list_of(room.options().name);
    List& list = lists_[room.roll_list];
    room.serial = ++last_serial_;
    room.previous_in_roll = list.last;
    room.next_in_roll = nullptr;
    (list.last == nullptr ? list.first : list.last->next_in_roll) = &room;
    list.last = &room;
  }
  void remove(Room& room) {
    if (at_ == &room) at_ = room.next_in_roll;
    List& list = lists_[room.roll_list];
    (room.previous_in_roll == nullptr ? list.first : room.previous_in_roll->next_in_roll) =
        room.next_in_roll;
    (room.next_in_roll == nullptr ? list.last : room.next_in_roll->previous_in_roll) =
        room.previous_in_roll;
    room.next_in_roll = room.previous_in_roll = nullptr;
  }

  // There are other namespaces from here on: rooms stay where they are, so from now on every walk
  // looks at them.
  void mix() {
    for (List& list : lists_) list.is_mixed = true;
  }

  // One walk at a time. Of one namespace; nullptr: of all.
  void begin(const Namespace* only) {
    serial_max_ = last_serial_;
    list_ = lists_.size();
    at_ = nullptr;
    for (std::size_t i = lists_.size(); i-- > 0;) {
      lists_[i].is_walked = only == nullptr || lists_[i].is_mixed || lists_[i].name == only->name;
      if (lists_[i].is_walked) list_ = i;
    }
    if (list_ < lists_.size()) at_ = lists_[list_].first;
  }
  // The next one; nullptr: that was all.
  Room* step() {
    while (list_ < lists_.size()) {
      Room* const room = at_;
      if (room != nullptr && room->serial <= serial_max_) {
        at_ = room->next_in_roll;
        return room;
      }
      do ++list_;
      while (list_ < lists_.size() && !lists_[list_].is_walked);
      at_ = list_ < lists_.size() ? lists_[list_].first : nullptr;
    }
    return nullptr;
  }

 private:
  struct List {
    std::string name;
    Room* first = nullptr;
    Room* last = nullptr;
    bool is_mixed = false;  // some of its rooms may be of other namespaces by now
    bool is_walked = false;
  };
  std::uint32_t list_of(std::string_view name) {
    std::uint32_t at = 0;
    while (at < lists_.size() && lists_[at].name != name) ++at;
    if (at == lists_.size()) lists_.emplace_back().name = name;
    return at;
  }

  std::vector<List> lists_;  // few: namespaces that have had rooms
  std::uint64_t last_serial_ = 0;
  // The walk.
  std::size_t list_ = 0;
  Room* at_ = nullptr;
  std::uint64_t serial_max_ = 0;
};

}  // namespace ringroom::realtime
