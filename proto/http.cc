#include "proto/http.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "base/check.h"
#include "proto/assembly.h"
#include "proto/bounds.h"
#include "proto/chunked_body.h"
#include "proto/http_head.h"

namespace ringroom::proto {

namespace {

using Step = Result<const Request*, HttpError>;

constexpr HttpErrorRow http_errors[] = {
    {HttpError::bad_request, 400, "bad_request",
     "this is not a well-formed HTTP/1.1 request; the connection is closed"},
    {HttpError::body_too_large, 413, "too_large", "the body is too large; send less at once"},
    {HttpError::target_too_long, 414, "too_large",
     "the request target is longer than 8 KiB; send parameters in the body"},
    {HttpError::head_too_large, 431, "too_large",
     "the head has more than 16 KiB or 100 fields; send fewer or smaller ones"},
    {HttpError::unknown_transfer_coding, 501, "bad_request",
     "of the transfer codings only chunked is understood"},
    {HttpError::unknown_version, 505, "bad_request", "use HTTP/1.1"},
};
static_assert(http_error_rows_are_in_order(http_errors), "row_of indexes by the error");
static_assert(http_target_bytes_max == 8 * 1024 && http_head_bytes_max == 16 * 1024 &&
                  http_headers_max == 100,
              "the sentences above name these numbers");

}  // namespace

const HttpErrorRow& row_of(HttpError error) { return http_errors[std::size_t(error)]; }

// A request in the middle, or the one that was handed out last.
//
//   head --blank line--> parsed --> length body or chunks --> delivered
//
// The head is parsed where it lies. Only if the request does not end within the bytes received is
// it copied, and its views with it, because those bytes go away.
struct HttpState {
  explicit HttpState(HttpPool& from)
      : pool(from),
        head(from.heap_, from.assembly_bytes_),
        body(from.heap_, from.assembly_bytes_) {}

  Step next(std::span<std::byte>& received);
  std::optional<HttpError> begin_body();
  Step take_body(std::span<std::byte>& received);
  Step take_length_body(std::span<std::byte>& received);
  Step take_chunked_body(std::span<std::byte>& received);
  Step deliver(std::span<const std::byte> content);
  void keep_head();
  void recycle();

  enum class Phase : std::uint8_t { head, length_body, chunked_body, delivered };

  HttpPool& pool;
  Phase phase = Phase::head;
  HeadEnd head_end;
  bool head_is_kept = false;
  bool continue_wanted = false;
  std::uint64_t length = 0;
  ChunkedBody chunks;
  Assembly head, body;
  ParsedHead parsed;
  Request request{};
};

void HttpState::recycle() {
  phase = Phase::head;
  head_end = {};
  head_is_kept = false;
  continue_wanted = false;
  length = 0;
  chunks = {};
  head.recycle();
  body.recycle();
}

Step HttpState::next(std::span<std::byte>& received) {
  if (phase != Phase::head) return take_body(received);

  const HeadSearch found = head_end.search(received, head.size());
  if (found.error) return fail(*found.error);
  const auto piece = received.first(found.bytes);
  received = received.subspan(found.bytes);
  std::span<const std::byte> whole = piece;
  if (!found.complete || head.size() > 0) {
    head.append(piece);
    head_is_kept = true;
    whole = head.bytes();
  }
  if (!found.complete) return nullptr;

  if (const auto refused =
          parsed.parse({reinterpret_cast<const char*>(whole.data()), whole.size()}, request))
    return fail(*refused);
  if (const auto refused = begin_body()) return fail(*refused);
  return take_body(received);
}

std::optional<HttpError> HttpState::begin_body() {
  if (parsed.is_chunked()) {
    phase = Phase::chunked_body;
  } else {
    phase = Phase::length_body;
    length = parsed.content_length();
    if (length > pool.body_bytes_max_) return HttpError::body_too_large;
  }
  continue_wanted = parsed.expects_continue() && (length > 0 || parsed.is_chunked());
  return std::nullopt;
}

Step HttpState::take_body(std::span<std::byte>& received) {
  const Step step =
      phase == Phase::chunked_body ? take_chunked_body(received) : take_length_body(received);
  if (step && *step == nullptr) keep_head();
  return step;
}

Step HttpState::take_length_body(std::span<std::byte>& received) {
  const auto missing = static_cast<std::size_t>(length - body.size());
  const auto piece = received.first(std::min(missing, received.size()));
  received = received.subspan(piece.size());
  if (piece.size() == length) return deliver(piece);  // whole, where it lies
  body.append(piece);
  if (piece.size() < missing) return nullptr;
  return deliver(body.bytes());
}

Step HttpState::take_chunked_body(std::span<std::byte>& received) {
  switch (chunks.take(received, body, pool.body_bytes_max_)) {
    case ChunkedBody::Progress::need_more:
      return nullptr;
    case ChunkedBody::Progress::done:
      return deliver(body.bytes());
    case ChunkedBody::Progress::too_large:
      return fail(HttpError::body_too_large);
    case ChunkedBody::Progress::bad:
      break;
  }
  return fail(HttpError::bad_request);
}

Step HttpState::deliver(std::span<const std::byte> content) {
  phase = Phase::delivered;
  request.body = content;
  return &request;
}

// The bytes the head lies in are gone after this call, so its views move with it.
void HttpState::keep_head() {
  if (std::exchange(head_is_kept, true)) return;
  head.append(std::as_bytes(std::span(parsed.text())));
  parsed.move_to(reinterpret_cast<const char*>(head.bytes().data()), request);
}

Step HttpReader::next(std::span<std::byte>& received, HttpPool& pool) {
  if (state_ != nullptr) {
    RR_CHECK(&state_->pool == &pool);
    if (state_->phase == HttpState::Phase::delivered) reset();
  }
  if (received.empty()) return nullptr;
  if (state_ == nullptr) state_ = pool.lend();
  return state_->next(received);
}

bool HttpReader::wants_continue() {
  return state_ != nullptr && state_->phase != HttpState::Phase::delivered &&
         std::exchange(state_->continue_wanted, false);
}

HttpReader& HttpReader::operator=(HttpReader&& other) noexcept {
  if (this != &other) {
    reset();
    state_ = std::exchange(other.state_, nullptr);
  }
  return *this;
}

void HttpReader::reset() {
  if (state_ == nullptr) return;
  HttpState* state = std::exchange(state_, nullptr);
  state->pool.give_back(state);
}

HttpPool::HttpPool(alloc::CoreHeap& heap, std::size_t body_bytes_max)
    : heap_(heap), body_bytes_max_(body_bytes_max) {
  RR_CHECK(body_bytes_max <= http_body_bytes_ceiling);
  free_.reserve(pooled_states_max);
}

HttpPool::~HttpPool() {
  RR_CHECK(lent_count_ == 0);
  for (HttpState* state : free_) delete state;
}

HttpState* HttpPool::lend() {
  ++lent_count_;
  if (free_.empty()) return new HttpState(*this);
  HttpState* state = free_.back();
  free_.pop_back();
  return state;
}

void HttpPool::give_back(HttpState* state) {
  RR_CHECK(lent_count_ > 0);
  --lent_count_;
  if (free_.size() == pooled_states_max) {
    delete state;
    return;
  }
  state->recycle();
  free_.push_back(state);
}

std::string_view Request::header(std::string_view name) const {
  for (const HttpHeader& field : headers)
    if (equals_ignoring_case(field.name, name)) return field.value;
  return {};
}

bool Request::has_header(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(), [name](const HttpHeader& field) {
    return equals_ignoring_case(field.name, name);
  });
}

}  // namespace ringroom::proto
