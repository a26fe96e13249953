#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "base/result.h"

namespace ringroom::alloc {

struct PagesError {
  int error_number;  // of mmap
};

// Whole pages from the kernel: zeroed, page-aligned, and not of this process' heap, so the kernel
// can be told their address for as long as the object lives.
//
// Owner:  whoever holds it; any thread may. Pages are placed on the node of the first core that
//         touches them, so map on the core that will use them.
// Errors: only map(); it reserves address space, memory is taken page by page when first touched.
class Pages {
 public:
  static Result<Pages, PagesError> map(std::size_t bytes);

  Pages() = default;
  Pages(Pages&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Pages();

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  explicit Pages(std::span<std::byte> bytes) : bytes_(bytes) {}
  std::span<std::byte> bytes_;
};

}  // namespace ringroom::alloc
