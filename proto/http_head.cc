#include "proto/http_head.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <charconv>
#include <cstring>

#include "base/check.h"

// The one file that includes Boost.Beast, and the one that is compiled with exceptions: the parser
// reports through error codes, but its templates mention `throw`.

namespace ringroom::proto {

namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// The longest request line: method and version besides the target.
constexpr std::size_t first_line_bytes_max = http_target_bytes_max + 64;

constexpr std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

// Collects views of what the parser finds; the base class does the parsing.
class HeadParser final : public http::basic_parser<true> {
 public:
  HeadParser(Request& request, std::span<HttpHeader> headers)
      : request_(request), headers_(headers) {}
  std::size_t header_count() const { return count_; }

 private:
  using Ec = beast::error_code;
  using Text = beast::string_view;

  void on_request_impl(http::verb, Text method, Text target, int version, Ec&) override {
    request_.method = view(method);
    request_.target = view(target);
    request_.version_minor = version % 10;
  }
  void on_field_impl(http::field, Text name, Text value, Ec& ec) override {
    if (count_ == headers_.size()) {
      ec = http::error::header_limit;
      return;
    }
    headers_[count_++] = {.name = view(name), .value = view(value)};
  }
  void on_response_impl(int, Text, int, Ec&) override {}
  void on_header_impl(Ec&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Ec&) override {}
  std::size_t on_body_impl(Text, Ec&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, Text, Ec&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text, Ec&) override { return 0; }
  void on_finish_impl(Ec&) override {}

  Request& request_;
  std::span<HttpHeader> headers_;
  std::size_t count_ = 0;
};

// Control characters anywhere, a CR that ends no line, and a line that continues the one before.
bool is_clean(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    if (c >= 0x20 && c != 0x7f) continue;
    if (c == '\t') continue;
    if (c != '\r' || i + 1 >= head.size() || head[i + 1] != '\n') return false;
    ++i;
    if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t')) return false;
  }
  return true;
}

// "HTTP/2.0" asks for something we do not speak; "HTTP/1.x" is no version at all.
HttpError version_error(std::string_view head) {
  const std::string_view line = head.substr(0, head.find('\r'));
  const std::size_t target = line.find(' ');
  const std::size_t at = target == line.npos ? line.npos : line.find(' ', target + 1);
  const std::string_view version = at == line.npos ? std::string_view() : line.substr(at + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool well_formed = version.size() == 8 && version.substr(0, 5) == "HTTP/" &&
                           is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  return well_formed ? HttpError::unknown_version : HttpError::bad_request;
}

// Origin form, absolute form (which RFC 9112 tells every server to take), and `*`.
bool split_target(Request& request) {
  std::string_view target = request.target;
  const auto is_graphic = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (target.empty() || !std::all_of(target.begin(), target.end(), is_graphic)) return false;
  if (target.front() != '/' && target != "*") {
    const std::size_t scheme = target.starts_with("http://")    ? 7
                               : target.starts_with("https://") ? 8
                                                                : 0;
    if (scheme == 0 || request.method == "CONNECT") return false;
    const std::size_t path = target.find_first_of("/?", scheme);
    if (path == scheme) return false;  // no host
    target = path == target.npos ? target.substr(target.size()) : target.substr(path);
  }
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  request.query =
      question == target.npos ? target.substr(target.size()) : target.substr(question + 1);
  return true;
}

bool is_host(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    return c > 0x20 && c < 0x7f &&
           std::string_view("/?#@,\\\"<>").find(c) == std::string_view::npos;
  });
}

struct Fields {
  std::string_view value;
  std::size_t count = 0;
};
Fields fields_of(const Request& request, std::string_view name) {
  Fields found;
  for (const HttpHeader& field : request.headers) {
    if (!equals_ignoring_case(field.name, name)) continue;
    if (found.count++ == 0) found.value = field.value;
  }
  return found;
}

}  // namespace

HeadSearch HeadEnd::search(std::span<const std::byte> received, std::size_t bytes_before) {
  const auto refused = [](HttpError error) { return HeadSearch{0, false, error}; };
  const std::size_t room = http_head_bytes_max - bytes_before;
  const std::size_t bytes = std::min(room, received.size());
  const auto* begin = reinterpret_cast<const char*>(received.data());

  for (std::size_t at = 0; at < bytes;) {
    const auto* found = static_cast<const char*>(std::memchr(begin + at, '\n', bytes - at));
    const std::size_t end = found == nullptr ? bytes : static_cast<std::size_t>(found - begin);
    if (end > at) {
      line_bytes_ += end - at;
      last_is_cr_ = begin[end - 1] == '\r';
    }
    if (in_first_line_ && line_bytes_ > first_line_bytes_max)
      return refused(HttpError::target_too_long);
    if (found == nullptr) break;

    if (!last_is_cr_) return refused(HttpError::bad_request);
    // An empty line ends the head, unless it is the one that old clients send before a request.
    const bool blank = line_bytes_ == 1;
    if (blank && !in_first_line_) return {end + 1, true, std::nullopt};
    if (blank && bytes_before + end != 1) return refused(HttpError::bad_request);
    if (!blank) in_first_line_ = false;
    line_bytes_ = 0;
    last_is_cr_ = false;
    at = end + 1;
  }
  if (bytes == room) return refused(HttpError::head_too_large);
  return {bytes, false, std::nullopt};
}

std::optional<HttpError> ParsedHead::parse(std::string_view text, Request& request) {
  request = {};
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  text_ = text;
  content_length_ = 0;
  chunked_ = false;
  if (!is_clean(text)) return HttpError::bad_request;
  if (const auto refused = read_by_beast(request)) return refused;
  if (request.target.size() > http_target_bytes_max) return HttpError::target_too_long;
  if (!split_target(request)) return HttpError::bad_request;

  const Fields host = fields_of(request, "host");
  if (host.count > 1 || (host.count == 0 && request.version_minor == 1) || !is_host(host.value))
    return HttpError::bad_request;
  expects_continue_ = request.version_minor == 1 &&
                      equals_ignoring_case(fields_of(request, "expect").value, "100-continue");
  return judge_length(request);
}

std::optional<HttpError> ParsedHead::read_by_beast(Request& request) {
  HeadParser parser(request, headers_);
  parser.header_limit(http_head_bytes_max + 1);
  parser.skip(true);  // the body is not Beast's business
  beast::error_code error;
  const std::size_t bytes = parser.put(boost::asio::buffer(text_.data(), text_.size()), error);
  if (error == http::error::header_limit) return HttpError::head_too_large;
  if (error == http::error::bad_version) return version_error(text_);
  if (error || !parser.is_header_done() || bytes != text_.size()) return HttpError::bad_request;
  header_count_ = parser.header_count();
  request.headers = std::span(headers_).first(header_count_);
  request.keep_alive = parser.keep_alive();
  return std::nullopt;
}

// One length or chunks, said once and plainly; anything else is how requests are smuggled.
std::optional<HttpError> ParsedHead::judge_length(const Request& request) {
  const Fields length = fields_of(request, "content-length");
  const Fields coding = fields_of(request, "transfer-encoding");
  if (length.count > 1 || coding.count > 1 || (length.count > 0 && coding.count > 0))
    return HttpError::bad_request;
  if (coding.count > 0) {
    if (request.version_minor == 0) return HttpError::bad_request;
    if (!equals_ignoring_case(coding.value, "chunked")) return HttpError::unknown_transfer_coding;
    chunked_ = true;
  }
  if (length.count > 0) {
    const std::string_view digits = length.value;
    const char* const end = digits.data() + digits.size();
    const bool plain = !digits.empty() && std::all_of(digits.begin(), digits.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; });
    if (!plain || std::from_chars(digits.data(), end, content_length_).ec != std::errc())
      return HttpError::bad_request;
  }
  return std::nullopt;
}

void ParsedHead::move_to(const char* to, Request& request) {
  const char* const from = text_.data();
  const auto move = [&](std::string_view& part) {
    if (part.data() != nullptr) part = {to + (part.data() - from), part.size()};
  };
  for (std::string_view* part : {&request.method, &request.target, &request.path, &request.query})
    move(*part);
  for (HttpHeader& field : std::span(headers_).first(header_count_)) {
    move(field.name);
    move(field.value);
  }
  text_ = {to, text_.size()};
}

}  // namespace ringroom::proto
