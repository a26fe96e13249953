#include "alloc/buffer_ring.h"

#include <atomic>
#include <utility>

namespace ringroom::alloc {

namespace {

// struct io_uring_buf of the kernel's ABI. The ring's tail lies over `reserved` of entry 0, so that
// member is never written here.
struct Entry {
  std::uint64_t address;
  std::uint32_t size_bytes;
  std::uint16_t buffer;
  std::uint16_t reserved;
};
static_assert(sizeof(Entry) == 16, "the layout is the kernel's");

}  // namespace

Result<BufferRing, PagesError> BufferRing::make(std::uint32_t count, std::size_t buffer_bytes) {
  RR_CHECK(count > 0 && count <= 32768 && (count & (count - 1)) == 0);
  Result<Pages, PagesError> entries = Pages::map(count * sizeof(Entry));
  if (!entries) return fail(entries.error());
  Result<Pages, PagesError> buffers = Pages::map(count * buffer_bytes + readable_bytes_behind);
  if (!buffers) return fail(buffers.error());
  return BufferRing(std::move(*entries), std::move(*buffers), count, buffer_bytes);
}

BufferRing::BufferRing(Pages entries, Pages buffers, std::uint32_t count, std::size_t buffer_bytes)
    : entries_(std::move(entries)),
      buffers_(std::move(buffers)),
      count_(count),
      buffer_bytes_(buffer_bytes) {
  for (std::uint32_t buffer = 0; buffer < count; ++buffer) {
    // The kernel takes the buffers in turn, so the first page of each is needed after `count`
    // receives at the latest: better now than in the storm that brings them.
    buffers_.bytes()[buffer * buffer_bytes] = {};
    put(static_cast<std::uint16_t>(buffer));
  }
  publish();
}

void BufferRing::put(std::uint16_t buffer) {
  Entry& entry = static_cast<Entry*>(entries())[tail_ & (count_ - 1)];
  entry.address = reinterpret_cast<std::uint64_t>(buffers_.bytes().data() + buffer * buffer_bytes_);
  entry.size_bytes = static_cast<std::uint32_t>(buffer_bytes_);
  entry.buffer = buffer;
  ++tail_;
}

std::span<std::byte> BufferRing::take(std::uint16_t buffer, std::size_t bytes) {
  RR_CHECK(buffer < count_);
  RR_CHECK(bytes <= buffer_bytes_);
  RR_CHECK(lent_ < count_);
  ++lent_;
  return {buffers_.bytes().data() + buffer * buffer_bytes_, bytes};
}

void BufferRing::give_back(std::uint16_t buffer) {
  RR_CHECK(buffer < count_);
  RR_CHECK(lent_ > 0);
  --lent_;
  put(buffer);
}

void BufferRing::publish() {
  auto& shared_tail = static_cast<Entry*>(entries())->reserved;
  std::atomic_ref(shared_tail).store(tail_, std::memory_order_release);
}

}  // namespace ringroom::alloc
