#include "alloc/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace ringroom::alloc {

Result<Pages, PagesError> Pages::map(std::size_t bytes) {
  RR_CHECK(bytes > 0);
  const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t rounded = (bytes + page_bytes - 1) / page_bytes * page_bytes;
  void* start =
      mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, 0);
  if (start == MAP_FAILED) return fail(PagesError{errno});
  return Pages({static_cast<std::byte*>(start), rounded});
}

Pages::~Pages() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

}  // namespace ringroom::alloc
