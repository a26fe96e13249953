#include "alloc/block.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace ringroom::alloc {

BlockHeap::~BlockHeap() {
  RR_CHECK(returns_.empty());
  for (std::vector<Block*>& spare : spare_)
    for (Block* block : spare) heap_.release(block);
}

Block* BlockHeap::acquire(std::size_t& bytes, std::uint8_t& size_class) {
  const std::size_t wanted = sizeof(Block) + bytes;
  const auto* fits = std::ranges::lower_bound(class_bytes, wanted);
  if (fits == std::end(class_bytes) || CoreHeap::is_watched()) {
    size_class = no_class;
    return static_cast<Block*>(heap_.allocate(wanted));
  }
  size_class = static_cast<std::uint8_t>(fits - class_bytes);
  bytes = *fits - sizeof(Block);
  std::vector<Block*>& spare = spare_[size_class];
  if (spare.empty()) return static_cast<Block*>(heap_.allocate(*fits));
  Block* block = spare.back();
  spare.pop_back();
  return block;
}

void BlockHeap::release(Block* block, std::uint8_t size_class) {
  if (size_class != no_class) {
    std::vector<Block*>& spare = spare_[size_class];
    if (spare.size() < spare_bytes_max / class_bytes[size_class]) return spare.push_back(block);
  }
  heap_.release(block);
}

Block* BlockHeap::header(Block* parent, const std::byte* data, std::uint32_t size_bytes) {
  std::size_t bytes = 0;
  std::uint8_t size_class = no_class;
  Block* block = acquire(bytes, size_class);
  *block = {.heap = this,
            .parent = parent,
            .data = data,
            .holders = 0,
            .size_class = size_class,
            .size_bytes = size_bytes};
  ++blocks_;
  return block;
}

BlockRef BlockHeap::copy(std::span<const std::byte> bytes) {
  BlockBuilder builder(*this);
  builder.append(bytes);
  return builder.finish();
}

BlockRef BlockHeap::slice(const BlockRef& whole, std::size_t offset, std::size_t bytes) {
  RR_CHECK(whole.get()->heap == this);
  RR_CHECK(offset + bytes <= whole.bytes().size());
  return BlockRef(*header(whole.share().release(), whole.bytes().data() + offset,
                          static_cast<std::uint32_t>(bytes)));
}

BlockRef BlockHeap::borrow(Block& foreign) {
  RR_CHECK(foreign.heap != this);
  return BlockRef(*header(&foreign, foreign.data, foreign.size_bytes));
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
  release(&block, static_cast<std::uint8_t>(block.size_class));
}

BlockBuilder::BlockBuilder(BlockBuilder&& other) noexcept
    : heap_(other.heap_),
      block_(std::exchange(other.block_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)),
      size_class_(other.size_class_) {}

BlockBuilder::~BlockBuilder() {
  if (block_ != nullptr) heap_->release(block_, size_class_);
}

void BlockBuilder::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
  size_ += bytes.size();
}

void BlockBuilder::grow(std::size_t more) {
  std::size_t wanted = std::max(size_ + more, capacity_ * 2);
  RR_CHECK(wanted <= std::numeric_limits<std::uint32_t>::max() - sizeof(Block));
  if (block_ != nullptr && size_class_ == BlockHeap::no_class) {
    block_ = static_cast<Block*>(heap_->heap_.resize(block_, sizeof(Block) + wanted));
  } else {
    std::uint8_t size_class = BlockHeap::no_class;
    Block* larger = heap_->acquire(wanted, size_class);
    if (block_ != nullptr) {
      std::memcpy(larger + 1, data(), size_);
      heap_->release(block_, size_class_);
    }
    block_ = larger;
    size_class_ = size_class;
  }
  capacity_ = wanted;
}

BlockRef BlockBuilder::finish() {
  if (block_ == nullptr) grow(1);
  Block* block = std::exchange(block_, nullptr);
  *block = {.heap = heap_,
            .parent = nullptr,
            .data = reinterpret_cast<const std::byte*>(block + 1),
            .holders = 0,
            .size_class = size_class_,
            .size_bytes = static_cast<std::uint32_t>(size_)};
  ++heap_->blocks_;
  heap_->bytes_ += size_;
  size_ = 0;
  capacity_ = 0;
  return BlockRef(*block);
}

}  // namespace ringroom::alloc
