#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "realtime/room/subscribers.h"

namespace ringroom::realtime {

// What a session listens to. A vector that is one pointer wide, because most sessions are in few
// rooms and many in none:
//
//   in no room     nullptr
//   in some        | size | capacity | subscription | subscription | ...     doubles when full
//
// The last room left gives the memory back.
//
// Owner: one session; moves with it.
class SubscriptionList {
 public:
  SubscriptionList() = default;
  SubscriptionList(SubscriptionList&& other) noexcept
      : head_(std::exchange(other.head_, nullptr)) {}
  SubscriptionList& operator=(SubscriptionList&& other) noexcept {
    std::swap(head_, other.head_);
    return *this;
  }
  ~SubscriptionList() { ::operator delete(head_); }

  std::size_t size() const { return head_ == nullptr ? 0 : head_->size; }
  bool empty() const { return head_ == nullptr; }
  Subscription* data() { return head_ == nullptr ? nullptr : first(head_); }
  Subscription* begin() { return data(); }
  Subscription* end() { return data() + size(); }
  Subscription& back() { return (*this)[size() - 1]; }
  Subscription& operator[](std::size_t index) {
    RR_CHECK(index < size());
    return first(head_)[index];
  }

  Subscription& emplace_back(const Subscription& subscription) {
    if (head_ == nullptr || head_->size == head_->capacity) grow();
    return *new (first(head_) + head_->size++) Subscription(subscription);
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
  static_assert(std::is_trivially_copyable_v<Subscription> && alignof(Subscription) <= sizeof(Head),
                "they are copied as bytes, right behind the head");

  static Subscription* first(Head* head) { return reinterpret_cast<Subscription*>(head + 1); }
  void grow() {
    const std::uint32_t held = head_ == nullptr ? 0 : head_->size;
    const std::uint32_t capacity = std::max(2 * held, 1u);
    auto* larger = new (::operator new(sizeof(Head) + capacity * sizeof(Subscription)))
        Head{.size = held, .capacity = capacity};
    std::copy_n(data(), held, first(larger));
    ::operator delete(std::exchange(head_, larger));
  }

  Head* head_ = nullptr;
};
static_assert(sizeof(SubscriptionList) == sizeof(void*), "the part of it that idle sessions pay");

}  // namespace ringroom::realtime
