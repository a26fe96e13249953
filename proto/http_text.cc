#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "proto/http.h"

// What HTTP says in text, apart from requests: parameters, names, responses.

namespace ringroom::proto {

namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

enum class Plus : bool { stays, is_blank };

std::optional<std::string> decoded(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::is_blank) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    }
  }
  return out;
}

struct StatusRow {
  int status;
  std::string_view phrase;
};
constexpr StatusRow statuses[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

void append_decimal(alloc::BlockBuilder& out, std::size_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

// A line end in a value would let whoever chose the value write headers of his own.
void append_field(alloc::BlockBuilder& out, std::string_view name, std::string_view value) {
  RR_CHECK(name.find_first_of("\r\n:") == name.npos);
  RR_CHECK(value.find_first_of("\r\n") == value.npos);
  out.append(name);
  out.append(": ");
  out.append(value);
  out.append("\r\n");
}

}  // namespace

std::string_view bearer_of(const Request& request) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view authorization = request.header("Authorization");
  if (!equals_ignoring_case(authorization.substr(0, scheme.size()), scheme)) return {};
  return authorization.substr(scheme.size());
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == query.npos ? query.size() : end + 1);

    const std::size_t equals = pair.find('=');
    const auto key = decoded(pair.substr(0, equals), Plus::is_blank);
    if (!key || *key != name) continue;
    return equals == pair.npos ? std::string() : decoded(pair.substr(equals + 1), Plus::is_blank);
  }
  return std::nullopt;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  return decoded(text, Plus::stays);
}

std::string_view reason_phrase(int status) {
  for (const StatusRow& row : statuses)
    if (row.status == status) return row.phrase;
  return "Status";
}

void append_response(alloc::BlockBuilder& out, const Response& response) {
  RR_CHECK(response.status >= 100 && response.status <= 999);
  out.append("HTTP/1.1 ");
  append_decimal(out, static_cast<std::size_t>(response.status));
  out.append(' ');
  out.append(reason_phrase(response.status));
  out.append("\r\n");
  if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
  // RFC 9110, 8.6: these never have a body, so they never state its length.
  const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  if (!bodiless) {
    out.append("Content-Length: ");
    append_decimal(out, response.body.size());
    out.append("\r\n");
  }
  out.append(response.keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
  if (!response.request_id.empty()) append_field(out, "X-Request-Id", response.request_id);
  for (const HttpHeader& field : response.headers) append_field(out, field.name, field.value);
  out.append("\r\n");
  if (!bodiless && !response.head_only) out.append(response.body);
}

void append_continue(alloc::BlockBuilder& out) { out.append("HTTP/1.1 100 Continue\r\n\r\n"); }

}  // namespace ringroom::proto
