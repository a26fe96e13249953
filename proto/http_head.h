#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "proto/bounds.h"
#include "proto/http.h"

namespace ringroom::proto {

// The head of a request: where it ends, and what it says. Used by HttpReader only.

struct HeadSearch {
  std::size_t bytes;  // of `received` that belong to the head
  bool complete;
  std::optional<HttpError> error;
};

// Looks for the blank line in bytes that arrive in pieces; every byte is looked at once. A line
// that ends with LF alone is refused here, because other readers see more or fewer lines in it.
class HeadEnd {
 public:
  HeadSearch search(std::span<const std::byte> received, std::size_t bytes_before);

 private:
  std::size_t line_bytes_ = 0;  // of the line that is not complete, with its CR
  bool last_is_cr_ = false;
  bool in_first_line_ = true;
};

// A whole head, judged. Boost.Beast's parser reads it once; what two servers could read differently
// is refused before or after.
class ParsedHead {
 public:
  // `text` ends with the blank line. Fills everything of `request` but the body, with views into
  // `text` and into this.
  std::optional<HttpError> parse(std::string_view text, Request& request);

  std::string_view text() const { return text_; }
  bool is_chunked() const { return chunked_; }
  std::uint64_t content_length() const { return content_length_; }
  bool expects_continue() const { return expects_continue_; }

  // The same bytes now lie at `to`: moves every view.
  void move_to(const char* to, Request& request);

 private:
  std::optional<HttpError> read_by_beast(Request& request);
  std::optional<HttpError> judge_length(const Request& request);

  std::string_view text_;
  std::array<HttpHeader, http_headers_max> headers_;
  std::size_t header_count_ = 0;
  std::uint64_t content_length_ = 0;
  bool chunked_ = false;
  bool expects_continue_ = false;
};

template <std::size_t n>
constexpr bool http_error_rows_are_in_order(const HttpErrorRow (&rows)[n]) {
  for (std::size_t i = 0; i < n; ++i)
    if (std::size_t(rows[i].error) != i) return false;
  return n == std::size_t(HttpError::unknown_version) + 1;
}

}  // namespace ringroom::proto
