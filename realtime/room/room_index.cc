#include "realtime/room/room_index.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace ringroom::realtime {

bool RoomIndex::is_before(const Room& room, const Key& key, From from) {
  const int by_workspace = room.workspace_id().compare(key.workspace_id);
  if (by_workspace != 0) return by_workspace < 0;
  const int by_name = room.shown_name().compare(key.name);
  return from == From::at ? by_name < 0 : by_name <= 0;
}

RoomIndex::Place RoomIndex::place_of(const Key& key, From from) const {
  // The last shelf that begins before the key holds its place, or ends right in front of it.
  const auto shelf = std::ranges::partition_point(
      shelves_, [&](const auto& each) { return is_before(*each->rooms[0], key, from); });
  if (shelf == shelves_.begin()) return {0, 0};
  const Shelf& before = **std::prev(shelf);
  const auto end = before.rooms.begin() + static_cast<std::ptrdiff_t>(before.count);
  const auto place = std::partition_point(
      before.rooms.begin(), end, [&](const Room* each) { return is_before(*each, key, from); });
  return {static_cast<std::size_t>(std::prev(shelf) - shelves_.begin()),
          static_cast<std::size_t>(place - before.rooms.begin())};
}

RoomIndex::Cursor RoomIndex::find(Workspace workspace, std::string_view name, From from) const {
  const std::string_view id = workspace.is_default() ? std::string_view() : workspace.id();
  const Place at = place_of({.workspace_id = id, .name = name}, from);
  Cursor out;
  out.index_ = this;
  out.changes_ = changes_;
  out.shelf_ = at.shelf;
  out.place_ = at.place;
  return out;
}

Room* RoomIndex::Cursor::room() const {
  RR_CHECK(is_good());
  const auto& shelves = index_->shelves_;
  if (shelf_ == shelves.size()) return nullptr;
  const Shelf& shelf = *shelves[shelf_];
  if (place_ < shelf.count) return shelf.rooms[place_];
  return shelf_ + 1 < shelves.size() ? shelves[shelf_ + 1]->rooms[0] : nullptr;
}

void RoomIndex::Cursor::step() {
  RR_CHECK(room() != nullptr);
  if (place_ < index_->shelves_[shelf_]->count) {
    ++place_;
  } else {
    ++shelf_;
    place_ = 1;
  }
}

RoomIndex::Place RoomIndex::make_place(Place at) {
  if (shelves_.empty()) shelves_.push_back(std::make_unique<Shelf>());
  if (shelves_[at.shelf]->count < shelf_rooms_max) return at;
  if (at.place == shelf_rooms_max && at.shelf + 1 < shelves_.size() &&
      shelves_[at.shelf + 1]->count < shelf_rooms_max)
    return {at.shelf + 1, 0};
  const auto behind = shelves_.begin() + static_cast<std::ptrdiff_t>(at.shelf) + 1;
  Shelf& added = **shelves_.insert(behind, std::make_unique<Shelf>());
  Shelf& full = *shelves_[at.shelf];
  // Names that are counted up come at the end: then the full one stays full.
  const std::size_t kept = at.place == full.count ? full.count : full.count / 2;
  added.count = full.count - kept;
  std::copy_n(full.rooms.begin() + static_cast<std::ptrdiff_t>(kept), added.count,
              added.rooms.begin());
  full.count = kept;
  if (at.place < kept || (at.place == kept && kept < shelf_rooms_max)) return at;
  return {at.shelf + 1, at.place - kept};
}

void RoomIndex::add(Room& room) {
  room.serial = ++last_serial_;
  ++changes_;
  ++size_;
  const Key key{.workspace_id = room.workspace_id(), .name = room.shown_name()};
  const Place at = make_place(place_of(key, From::at));
  Shelf& shelf = *shelves_[at.shelf];
  Room** const place = shelf.rooms.data() + at.place;
  std::copy_backward(place, shelf.rooms.data() + shelf.count, shelf.rooms.data() + shelf.count + 1);
  *place = &room;
  ++shelf.count;
}

void RoomIndex::remove(const Room& room) {
  const Key key{.workspace_id = room.workspace_id(), .name = room.shown_name()};
  Place at = place_of(key, From::at);
  if (at.place == shelves_[at.shelf]->count) at = {at.shelf + 1, 0};
  Shelf& shelf = *shelves_[at.shelf];
  Room** const place = shelf.rooms.data() + at.place;
  RR_CHECK(*place == &room);
  ++changes_;
  --size_;
  std::copy(place + 1, shelf.rooms.data() + shelf.count, place);
  --shelf.count;
  if (shelf.count == 0) {
    shelves_.erase(shelves_.begin() + static_cast<std::ptrdiff_t>(at.shelf));
  } else if (shelf.count < shelf_rooms_max / 4) {
    if (at.shelf + 1 < shelves_.size()) join_with_next(at.shelf);
    if (at.shelf > 0) join_with_next(at.shelf - 1);
  }
}

void RoomIndex::join_with_next(std::size_t at) {
  Shelf& first = *shelves_[at];
  const Shelf& next = *shelves_[at + 1];
  // With places left, or the next room would part them again.
  if (first.count + next.count > shelf_rooms_max * 3 / 4) return;
  std::copy_n(next.rooms.begin(), next.count,
              first.rooms.begin() + static_cast<std::ptrdiff_t>(first.count));
  first.count += next.count;
  shelves_.erase(shelves_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
}

}  // namespace ringroom::realtime
