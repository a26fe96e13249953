#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/check.h"

namespace ringroom::alloc {

// Objects of one type in numbered slots. A slot is used again; its generation tells the object that
// lives there now from the ones before, so a stale id finds nothing instead of a stranger.
//
//   slot      0      1      2      3            chunks of 256 slots; objects never move
//           | A.2 | free | B.0 | free |         free slots are chained, the last freed goes first
//
// Owner:    one core.
// Lifetime: of an object from add() to remove(); all others end with the slab.
// Errors:   none. Limits on the number of objects are the caller's.
template <class T>
class Slab {
 public:
  struct Id {
    std::uint32_t slot;
    std::uint32_t generation;
    bool operator==(const Id&) const = default;
  };

  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
      if (cell(slot).used) cell(slot).value().~T();
    }
  }

  template <class... Arguments>
  Id add(Arguments&&... arguments) {
    if (first_free_ == none) grow();
    const std::uint32_t slot = first_free_;
    Cell& taken = cell(slot);
    first_free_ = taken.next_free;
    new (taken.bytes) T{std::forward<Arguments>(arguments)...};
    taken.used = true;
    ++size_;
    return {slot, taken.generation};
  }

  // The object, or nullptr when it has been removed.
  T* find(Id id) {
    if (id.slot >= slots_) return nullptr;
    Cell& found = cell(id.slot);
    return found.used && found.generation == id.generation ? &found.value() : nullptr;
  }

  // By slot alone, for links between objects of one slab.
  T& at(std::uint32_t slot) {
    RR_CHECK(slot < slots_ && cell(slot).used);
    return cell(slot).value();
  }
  Id id_of(std::uint32_t slot) {
    RR_CHECK(slot < slots_ && cell(slot).used);
    return {slot, cell(slot).generation};
  }

  void remove(Id id) {
    T* object = find(id);
    RR_CHECK(object != nullptr);
    object->~T();
    Cell& freed = cell(id.slot);
    freed.used = false;
    ++freed.generation;
    freed.next_free = first_free_;
    first_free_ = id.slot;
    --size_;
  }

  // In slot order. `visit(Id, T&)` may remove the object it is given, no other.
  template <class Visit>
  void for_each(Visit visit) {
    for (std::uint32_t slot = 0; slot < slots_; ++slot) {
      if (cell(slot).used) visit(Id{slot, cell(slot).generation}, cell(slot).value());
    }
  }

  std::size_t size() const { return size_; }
  std::size_t footprint_bytes() const { return chunks_.size() * sizeof(Chunk); }

 private:
  static constexpr std::uint32_t none = 0xffff'ffff;
  static constexpr std::uint32_t chunk_slots = 256;

  struct Cell {
    alignas(T) std::byte bytes[sizeof(T)];
    std::uint32_t generation = 0;
    std::uint32_t next_free = none;
    bool used = false;
    T& value() { return *std::launder(reinterpret_cast<T*>(bytes)); }
  };
  struct Chunk {
    Cell cells[chunk_slots];
  };

  Cell& cell(std::uint32_t slot) { return chunks_[slot / chunk_slots]->cells[slot % chunk_slots]; }

  void grow() {
    RR_CHECK(slots_ <= none - chunk_slots);
    chunks_.push_back(std::make_unique<Chunk>());
    // Chained so that low slots are used first: what is alive stays together.
    for (std::uint32_t slot = slots_ + chunk_slots; slot-- > slots_;) {
      cell(slot).next_free = first_free_;
      first_free_ = slot;
    }
    slots_ += chunk_slots;
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::uint32_t slots_ = 0;
  std::uint32_t first_free_ = none;
  std::size_t size_ = 0;
};

}  // namespace ringroom::alloc
