#include "alloc/block.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace ringroom::alloc {

namespace {

constexpr std::size_t builder_bytes_min = 480;  // with the header one 512-byte size class

}  // namespace

BlockHeap::~BlockHeap() { RR_CHECK(returns_.empty()); }

BlockRef BlockHeap::copy(std::span<const std::byte> bytes) {
  BlockBuilder builder(*this);
  builder.append(bytes);
  return builder.finish();
}

BlockRef BlockHeap::slice(const BlockRef& whole, std::size_t offset, std::size_t bytes) {
  RR_CHECK(whole.get()->heap == this);
  RR_CHECK(offset + bytes <= whole.bytes().size());
  auto* block = static_cast<Block*>(heap_.allocate(sizeof(Block)));
  *block = {.heap = this,
            .parent = whole.share().release(),
            .data = whole.bytes().data() + offset,
            .holders = 0,
            .size_bytes = static_cast<std::uint32_t>(bytes)};
  ++blocks_;
  return BlockRef(*block);
}

BlockRef BlockHeap::borrow(Block& foreign) {
  RR_CHECK(foreign.heap != this);
  auto* block = static_cast<Block*>(heap_.allocate(sizeof(Block)));
  *block = {.heap = this,
            .parent = &foreign,
            .data = foreign.data,
            .holders = 0,
            .size_bytes = foreign.size_bytes};
  ++blocks_;
  return BlockRef(*block);
}

void BlockHeap::free(Block& block) {
  --blocks_;
  if (block.parent == nullptr) {
    bytes_ -= block.size_bytes;
  } else if (block.parent->heap == this) {
    drop(*block.parent);
  } else {
    returns_.push_back(block.parent);
  }
  heap_.release(&block);
}

BlockBuilder::BlockBuilder(BlockBuilder&& other) noexcept
    : heap_(other.heap_),
      block_(std::exchange(other.block_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

BlockBuilder::~BlockBuilder() {
  if (block_ != nullptr) heap_->heap_.release(block_);
}

void BlockBuilder::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
  size_ += bytes.size();
}

void BlockBuilder::grow(std::size_t more) {
  const std::size_t wanted = std::max({size_ + more, capacity_ * 2, builder_bytes_min});
  RR_CHECK(wanted <= std::numeric_limits<std::uint32_t>::max());
  CoreHeap& heap = heap_->heap_;
  block_ = static_cast<Block*>(block_ == nullptr ? heap.allocate(sizeof(Block) + wanted)
                                                 : heap.resize(block_, sizeof(Block) + wanted));
  capacity_ = wanted;
}

BlockRef BlockBuilder::finish() {
  if (block_ == nullptr) grow(0);
  Block* block = std::exchange(block_, nullptr);
  *block = {.heap = heap_,
            .parent = nullptr,
            .data = reinterpret_cast<const std::byte*>(block + 1),
            .holders = 0,
            .size_bytes = static_cast<std::uint32_t>(size_)};
  ++heap_->blocks_;
  heap_->bytes_ += size_;
  size_ = 0;
  capacity_ = 0;
  return BlockRef(*block);
}

}  // namespace ringroom::alloc
