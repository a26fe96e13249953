#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace ringroom::realtime {

// A vector that is one pointer wide, for lists of which most are empty or short:
//
//   empty     nullptr
//   else      | size | capacity | item | item | ...     doubles when full
//
// The last item taken gives the memory back.
//
// Owner: whoever holds it; moves with it.
template <class Item>
class CompactList {
 public:
  CompactList() = default;
  CompactList(CompactList&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
  CompactList& operator=(CompactList&& other) noexcept {
    std::swap(head_, other.head_);
    return *this;
  }
  ~CompactList() { ::operator delete(head_); }

  std::size_t size() const { return head_ == nullptr ? 0 : head_->size; }
  bool empty() const { return head_ == nullptr; }
  Item* data() { return head_ == nullptr ? nullptr : first(head_); }
  const Item* data() const { return head_ == nullptr ? nullptr : first(head_); }
  Item* begin() { return data(); }
  Item* end() { return data() + size(); }
  const Item* begin() const { return data(); }
  const Item* end() const { return data() + size(); }
  Item& back() { return (*this)[size() - 1]; }
  Item& operator[](std::size_t index) {
    RR_CHECK(index < size());
    return first(head_)[index];
  }
  const Item& operator[](std::size_t index) const {
    RR_CHECK(index < size());
    return first(head_)[index];
  }

  Item& push_back(const Item& item) {
    if (head_ == nullptr || head_->size == head_->capacity) grow();
    return *new (first(head_) + head_->size++) Item(item);
  }
  void pop_back() {
    RR_CHECK(!empty());
    if (--head_->size == 0) ::operator delete(std::exchange(head_, nullptr));
  }

 private:
  struct Head {
    std::uint32_t size;
    std::uint32_t capacity;
  };
  static Item* first(Head* head) {
    static_assert(std::is_trivially_copyable_v<Item> && alignof(Item) <= sizeof(Head),
                  "they are copied as bytes, right behind the head");
    return reinterpret_cast<Item*>(head + 1);
  }
  void grow() {
    const std::uint32_t held = head_ == nullptr ? 0 : head_->size;
    const std::uint32_t capacity = std::max(2 * held, 1u);
    auto* larger = new (::operator new(sizeof(Head) + capacity * sizeof(Item)))
        Head{.size = held, .capacity = capacity};
    std::copy_n(data(), held, first(larger));
    ::operator delete(std::exchange(head_, larger));
  }

  Head* head_ = nullptr;
};

}  // namespace ringroom::realtime
