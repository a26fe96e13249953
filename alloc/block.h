#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "alloc/core_heap.h"
#include "base/check.h"
#include "base/id.h"

namespace ringroom::alloc {

class BlockHeap;

// Immutable bytes with a count of holders.
//
//   own bytes:  Block | bytes...          heap: the core that made it
//   a view:     Block --bytes of--> parent    a slice, or a loan of another core's block
//
// Owner:   the core whose heap it is; the count is a plain integer, so only that core touches it.
// Sharing: another core reads the bytes through a loan (BlockHeap::borrow) and the block's own core
//          learns of its end by letter (BlockHeap::take_returns, then give_back). See
//          docs/memory.md.
struct Block {
  BlockHeap* heap;
  Block* parent;  // holder of the bytes, if they are not behind this header
  const std::byte* data;
  std::uint32_t holders : 24;    // listeners of a core: at most one for each of its sockets
  std::uint32_t size_class : 8;  // of the memory, see BlockHeap
  std::uint32_t size_bytes;

  std::span<const std::byte> bytes() const { return {data, size_bytes}; }
};
static_assert(sizeof(Block) == 32, "bytes behind the header stay 16-aligned");

// One holder of a block. Moving is free; copying is `share()` and therefore visible.
class BlockRef {
 public:
  BlockRef() = default;
  explicit BlockRef(Block& block) : block_(&block) { ++block.holders; }
  BlockRef(BlockRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BlockRef& operator=(BlockRef&& other) noexcept {
    if (this != &other) {
      reset();
      block_ = std::exchange(other.block_, nullptr);
    }
    return *this;
  }
  ~BlockRef() { reset(); }

  void reset();
  BlockRef share() const {
    RR_CHECK(block_ != nullptr);
    return BlockRef(*block_);
  }
  std::span<const std::byte> bytes() const {
    RR_CHECK(block_ != nullptr);
    return block_->bytes();
  }
  explicit operator bool() const { return block_ != nullptr; }
  Block* get() const { return block_; }

  // Hands this hold over to whoever calls adopt() or give_back() with the block.
  Block* release() { return std::exchange(block_, nullptr); }
  static BlockRef adopt(Block& held) {
    BlockRef out;
    out.block_ = &held;
    return out;
  }

 private:
  Block* block_ = nullptr;
};

// Makes and frees the blocks of one core. Memory of the usual sizes is kept for the next block, so
// that a room that speaks all the time allocates nothing.
//
//   size_class   0: a header alone    1: 512    2: 2 Ki    3: 8 Ki    4: 32 Ki    none: as needed
//
// Owner:    one core. Every call, and the end of every block made here, happens on it.
// Lifetime: outlives its blocks and the loans it made.
class BlockHeap {
 public:
  explicit BlockHeap(CoreHeap& heap, CoreId core = {}) : heap_(heap), core_(core) {}
  ~BlockHeap();
  BlockHeap(const BlockHeap&) = delete;
  BlockHeap& operator=(const BlockHeap&) = delete;

  BlockRef copy(std::span<const std::byte> bytes);
  // A slice of a block of this heap; holds the whole of it.
  BlockRef slice(const BlockRef& whole, std::size_t offset, std::size_t bytes);

  // A loan: takes over one hold of a block of another core's heap. When the last local holder lets
  // go, the foreign block appears in take_returns().
  BlockRef borrow(Block& foreign);
  // The foreign blocks no longer read here; send each back to its core, which calls give_back.
  // Blocks of all other heaps are mixed; `Block::heap` says whose each is.
  std::vector<Block*>& returns() { return returns_; }
  // Ends a hold that had been handed to another core. Only for blocks of this heap.
  void give_back(Block& block) {
    RR_CHECK(block.heap == this);
    drop(block);
  }

  // What the block takes of memory, header and slack included; for blocks that hold their bytes.
  static std::size_t memory_bytes(const Block& block) {
    return block.size_class == no_class ? sizeof(Block) + block.size_bytes
                                        : class_bytes[block.size_class];
  }

  CoreId core() const { return core_; }
  std::size_t blocks() const { return blocks_; }  // alive, loans and slices included
  std::size_t bytes() const { return bytes_; }    // behind headers of this heap

 private:
  friend class BlockRef;
  friend class BlockBuilder;
  void drop(Block& block) {
    RR_CHECK(block.holders > 0);
    if (--block.holders == 0) free(block);
  }
  void free(Block& block);

  static constexpr std::size_t class_bytes[] = {sizeof(Block), 512, 2048, 8192, 32768};
  static constexpr std::size_t classes = std::size(class_bytes);
  static constexpr std::uint8_t no_class = 0xff;
  static constexpr std::size_t spare_bytes_max = 256 * 1024;  // kept of each class

  // Memory for a block and `bytes` behind its header; `bytes` becomes what there is.
  Block* acquire(std::size_t& bytes, std::uint8_t& size_class);
  void release(Block* block, std::uint8_t size_class);
  Block* header(Block* parent, const std::byte* data, std::uint32_t size_bytes);

  CoreHeap& heap_;
  CoreId core_;
  std::vector<Block*> returns_;
  std::vector<Block*> spare_[classes];
  std::size_t blocks_ = 0;
  std::size_t bytes_ = 0;
};

inline void BlockRef::reset() {
  if (block_ != nullptr) block_->heap->drop(*std::exchange(block_, nullptr));
}

// A block while it is being written: grows at its end, then becomes immutable without a copy.
//
//   BlockBuilder text(heap);  text.append("{"); ...  outbox.send(socket, text.finish());
//
// Pointers into it end with the next append. It can be used again after finish() or clear().
class BlockBuilder {
 public:
  explicit BlockBuilder(BlockHeap& heap) : heap_(&heap) {}
  BlockBuilder(BlockBuilder&& other) noexcept;
  BlockBuilder& operator=(BlockBuilder&&) = delete;
  ~BlockBuilder();

  // Room for `bytes` more at the end; the caller writes there and says how much with advance().
  std::byte* reserve(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return data() + size_;
  }
  void advance(std::size_t bytes) {
    RR_CHECK(bytes <= capacity_ - size_);
    size_ += bytes;
  }
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text) { append(std::as_bytes(std::span(text))); }
  void append(char c) {
    *reserve(1) = std::byte(c);
    size_ += 1;
  }
  void truncate(std::size_t bytes) {
    RR_CHECK(bytes <= size_);
    size_ = bytes;
  }
  void clear() { size_ = 0; }

  std::byte* data() { return reinterpret_cast<std::byte*>(block_ + 1); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const std::byte> bytes() { return {data(), size_}; }
  std::string_view text() { return {reinterpret_cast<const char*>(data()), size_}; }

  BlockRef finish();  // empty afterwards; an empty builder gives an empty block

 private:
  void grow(std::size_t more);

  BlockHeap* heap_;
  Block* block_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::uint8_t size_class_ = BlockHeap::no_class;
};

}  // namespace ringroom::alloc
