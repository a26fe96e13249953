#include "proto/chunked_body.h"

#include <algorithm>

#include "proto/bounds.h"

namespace ringroom::proto {

namespace {

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

ChunkedBody::Progress ChunkedBody::take(std::span<std::byte>& received, Assembly& body,
                                        std::size_t body_bytes_max) {
  const auto expect_byte = [this](char c, char wanted, Expect then) {
    expect_ = then;
    return c == wanted ? Progress::need_more : Progress::bad;
  };

  while (!received.empty()) {
    if (expect_ == Expect::data) {
      const auto bytes =
          static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes_, received.size()));
      body.append(received.first(bytes));
      received = received.subspan(bytes);
      chunk_bytes_ -= bytes;
      if (chunk_bytes_ == 0) expect_ = Expect::data_cr;
      continue;
    }

    const auto c = static_cast<char>(received.front());
    received = received.subspan(1);
    Progress progress = Progress::need_more;
    switch (expect_) {
      case Expect::size:
        progress = take_size_digit(c, body_bytes_max - body.size());
        break;
      case Expect::size_lf:
        progress = expect_byte(c, '\n', chunk_bytes_ == 0 ? Expect::last_cr : Expect::data);
        break;
      case Expect::data_cr:
        progress = expect_byte(c, '\r', Expect::data_lf);
        break;
      case Expect::data_lf:
        progress = expect_byte(c, '\n', Expect::size);
        digits_ = 0;
        break;
      case Expect::last_cr:
        progress = expect_byte(c, '\r', Expect::last_lf);
        break;
      case Expect::last_lf:
        return c == '\n' ? Progress::done : Progress::bad;
      case Expect::data:
        break;
    }
    if (progress != Progress::need_more) return progress;
  }
  return Progress::need_more;
}

ChunkedBody::Progress ChunkedBody::take_size_digit(char c, std::size_t room) {
  if (c == '\r' && digits_ > 0) {
    expect_ = Expect::size_lf;
    if (++chunks_ > chunk_count_max) return Progress::bad;
    return chunk_bytes_ > room ? Progress::too_large : Progress::need_more;
  }
  const int value = hex_value(c);
  if (value < 0 || digits_ == chunk_size_digits_max) return Progress::bad;
  chunk_bytes_ = chunk_bytes_ << 4 | static_cast<unsigned>(value);
  ++digits_;
  return Progress::need_more;
}

}  // namespace ringroom::proto
