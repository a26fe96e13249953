#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alloc/block.h"
#include "alloc/core_heap.h"
#include "base/result.h"

namespace ringroom::proto {

// HTTP/1.1 requests out of the bytes of one connection, and responses into a block.
//
//   received --next()--> look for the blank line --> Boost.Beast parses the head, once
//                        --> body by Content-Length or chunks --> Request
//
// Strict where two readers could disagree about the end of a request (request smuggling): bare LF,
// folded lines, blanks before a colon, two lengths, a length and chunks, chunk extensions and
// trailers are refused, and the connection is closed.

struct HttpHeader {
  std::string_view name, value;  // as sent; blanks around the value are gone
};

// All views: into the received bytes if the request came in one piece, else into the lent state.
struct Request {
  std::string_view method;  // as sent, case-sensitive: "GET"
  std::string_view target;  // as sent: "/api/rooms?limit=10"
  std::string_view path;    // still percent-encoded: "/api/rooms"
  std::string_view query;   // without the question mark: "limit=10"
  bool keep_alive;
  int version_minor;  // HTTP/1.0 or HTTP/1.1
  std::span<const HttpHeader> headers;
  std::span<const std::byte> body;

  // The first header of that name, in any case; empty if there is none.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;
};

enum class HttpError : std::uint8_t {
  bad_request,
  body_too_large,
  target_too_long,
  head_too_large,  // bytes or count
  unknown_transfer_coding,
  unknown_version,
};
struct HttpErrorRow {
  HttpError error;
  int status;
  std::string_view code;      // for {"error":{"code":...}}
  std::string_view sentence;  // what is wrong and what to do
};
const HttpErrorRow& row_of(HttpError error);

class HttpPool;
struct HttpState;

// Owner:    one connection; moves with it.
// Lifetime: not longer than the pool it was used with.
class HttpReader {
 public:
  HttpReader() = default;
  HttpReader(HttpReader&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  HttpReader& operator=(HttpReader&& other) noexcept;
  ~HttpReader() { reset(); }

  // Takes the next whole request off the front of `received`. nullptr: more bytes are needed, all
  // of `received` was taken. Bytes behind the request stay in `received`: the next request, or the
  // frames that follow an upgrade.
  // The request is valid until the next call on this reader, and no longer than the bytes of
  // `received`. Call until nullptr (or reset()) to give the lent state back.
  // Error: answer with its row and close; the reader is not called again, except reset().
  Result<const Request*, HttpError> next(std::span<std::byte>& received, HttpPool& pool);

  // The peer announced a body with `Expect: 100-continue` and waits for leave to send it. True once
  // per request: answer with append_continue.
  bool wants_continue();

  void reset();
  bool is_idle() const { return state_ == nullptr; }  // between two requests

 private:
  HttpState* state_ = nullptr;
};
static_assert(sizeof(HttpReader) <= 16, "one per connection, idle or not");

// The states of one core, lent to the readers that are in a request.
//
// Owner: one core. Lifetime: longer than every reader used with it.
class HttpPool {
 public:
  // `body_bytes_max` at most http_body_bytes_ceiling.
  explicit HttpPool(alloc::CoreHeap& heap, std::size_t body_bytes_max = 1024 * 1024);
  ~HttpPool();
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  std::size_t lent_count() const { return lent_count_; }
  std::size_t assembly_bytes() const { return assembly_bytes_; }  // reserved by all states

 private:
  friend class HttpReader;
  friend struct HttpState;
  HttpState* lend();
  void give_back(HttpState* state);

  alloc::CoreHeap& heap_;
  std::size_t body_bytes_max_;
  std::vector<HttpState*> free_;
  std::size_t lent_count_ = 0;
  std::size_t assembly_bytes_ = 0;
};

// The decoded value of `name` in a query ("a=1&b=x%20y"); the first one if it is given twice.
// nullopt: absent, or a percent sequence in it is broken. A plus is a blank, as forms have it.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);
// The same decoding for a part of a path, where a plus stays a plus.
std::optional<std::string> percent_decoded(std::string_view text);

// The credentials of `Authorization: Bearer` (RFC 6750, 2.1); empty: there are none.
std::string_view bearer_of(const Request& request);

// Case-insensitive for ASCII letters only, as header names and tokens are.
bool equals_ignoring_case(std::string_view a, std::string_view b);

std::string_view reason_phrase(int status);

// A whole response. `content_type` may be empty if there is no body. Header values must not hold CR
// or LF; that is checked.
struct Response {
  int status;
  std::string_view content_type = {};
  std::span<const std::byte> body = {};
  std::span<const HttpHeader> headers = {};
  std::string_view request_id = {};  // empty: none is said
  bool keep_alive = true;
  bool head_only = false;  // the answer to HEAD: Content-Length of the body, without the body
};
void append_response(alloc::BlockBuilder& out, const Response& response);
void append_continue(alloc::BlockBuilder& out);

}  // namespace ringroom::proto
