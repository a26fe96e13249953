#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "realtime/room/room.h"

namespace ringroom::realtime {

// The rooms of one core by their names, each workspace apart: for a page of them, and for one who
// looks through them a share at a time while rooms come and go.
//
//   shelves   [ a1 a2 a5 ] [ b1 b2 b3 b7 ] [ c2 ]      find("b2") --> b2, step --> b3, b7, c2
//
// A room that comes or goes moves what is behind it on its shelf, 1 KiB at most; a shelf that is
// full becomes two, and one that is nearly empty is joined to its neighbour. Finding is two
// searches, over the shelves and within one: some 20 names are compared among a million.
//
// Owner: one core. Memory: 8 bytes in each room and about 12 here.
class RoomIndex {
 public:
  static constexpr std::size_t shelf_rooms_max = 127;

  void add(Room& room);
  void remove(const Room& room);
  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const {
    return shelves_.size() * sizeof(Shelf) + shelves_.capacity() * sizeof(shelves_[0]);
  }
  // Of the room that was added last: rooms have rising ones, so who has noted it tells those that
  // came since.
  std::uint64_t last_serial() const { return last_serial_; }

  // A place in front of a room, or behind all. Good until a room is added or removed.
  class Cursor {
   public:
    Room* room() const;  // nullptr: that was the last
    void step();
    bool is_good() const { return index_->changes_ == changes_; }

   private:
    friend class RoomIndex;
    const RoomIndex* index_;
    std::uint64_t changes_;
    std::size_t shelf_;
    std::size_t place_;
  };
  enum class From : bool { at, behind };
  // In front of the first room of a name or, in the order of bytes, behind it. Rooms of workspaces
  // that come later follow.
  Cursor find(Workspace workspace, std::string_view name, From from) const;

 private:
  struct Shelf {
    std::size_t count = 0;
    std::array<Room*, shelf_rooms_max> rooms;
  };
  struct Place {
    std::size_t shelf, place;
  };
  struct Key {
    std::string_view workspace_id, name;
  };
  static bool is_before(const Room& room, const Key& key, From from);
  // Where a room with that key would stand.
  Place place_of(const Key& key, From from) const;
  // Makes room for one more; returns where the place is now.
  Place make_place(Place at);
  void join_with_next(std::size_t shelf);

  std::vector<std::unique_ptr<Shelf>> shelves_;  // none is empty
  std::size_t size_ = 0;
  std::uint64_t last_serial_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace ringroom::realtime
