#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"

namespace ringroom::realtime {

// First in, first out, in memory that is kept: a queue that has once been as long as it gets
// allocates nothing more (std::deque takes and frees a chunk every few entries).
template <class Value>
class RingBuffer {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t capacity() const { return slots_.size(); }

  // From the front, which is the oldest.
  Value& operator[](std::size_t index) { return slots_[at(index)]; }
  const Value& operator[](std::size_t index) const { return slots_[at(index)]; }
  Value& front() { return (*this)[0]; }
  const Value& front() const { return (*this)[0]; }
  Value& back() { return (*this)[size_ - 1]; }
  const Value& back() const { return (*this)[size_ - 1]; }

  // The place of an entry: the same while it is queued, unless the buffer grows.
  std::size_t slot_of(std::size_t index) const { return at(index); }
  const Value& in_slot(std::size_t slot) const { return slots_[slot]; }

  Value& push_back(Value value) {
    if (size_ == slots_.size()) grow();
    Value& slot = slots_[(first_ + size_++) & (slots_.size() - 1)];
    slot = std::move(value);
    return slot;
  }
  void pop_front() {
    RR_CHECK(size_ > 0);
    slots_[first_] = Value{};
    first_ = (first_ + 1) & (slots_.size() - 1);
    --size_;
  }
  void clear() {
    while (size_ > 0) pop_front();
  }

 private:
  std::size_t at(std::size_t index) const {
    RR_CHECK(index < size_);
    return (first_ + index) & (slots_.size() - 1);
  }
  void grow() {
    std::vector<Value> larger(slots_.empty() ? 4 : slots_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    slots_ = std::move(larger);
    first_ = 0;
  }

  std::vector<Value> slots_;  // a power of two of them
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace ringroom::realtime
