#include "realtime/access/credentials.h"

#include "realtime/access/base64url.h"

namespace ringroom::realtime {

namespace {

using proto::HttpHeader;
using proto::Request;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// Calls `take` with each part of all headers of that name until it returns something.
template <class Take>
std::string_view first_in(const Request& request, std::string_view name, char separator,
                          Take take) {
  for (const HttpHeader& header : request.headers) {
    if (!proto::equals_ignoring_case(header.name, name)) continue;
    for (std::string_view rest = header.value;;) {
      const std::size_t end = rest.find(separator);
      if (const std::string_view found = take(trimmed(rest.substr(0, end))); !found.empty())
        return found;
      if (end == rest.npos) break;
      rest.remove_prefix(end + 1);
    }
  }
  return {};
}

std::string_view in_subprotocols(const Request& request, std::string_view prefix) {
  return first_in(request, "Sec-WebSocket-Protocol", ',', [prefix](std::string_view offer) {
    return offer.starts_with(prefix) ? offer.substr(prefix.size()) : std::string_view();
  });
}

std::string_view in_cookies(const Request& request, std::string_view cookie_name) {
  return first_in(request, "Cookie", ';', [cookie_name](std::string_view pair) {
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || pair.substr(0, equals) != cookie_name) return std::string_view();
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return value;
  });
}

// "https://edge.example:8443" of a page that came from the host which was asked.
bool is_our_page_or_none(const Request& request) {
  if (!request.has_header("Origin")) return true;
  const std::string_view origin = request.header("Origin");
  const std::size_t scheme_end = origin.find("://");
  return scheme_end != origin.npos &&
         proto::equals_ignoring_case(origin.substr(scheme_end + 3), request.header("Host"));
}

}  // namespace

std::string key_in_subprotocols(const Request& request) {
  if (const std::string_view text = in_subprotocols(request, encoded_key_subprotocol_prefix);
      !text.empty())
    return decode_base64url(text).value_or(std::string());
  return std::string(in_subprotocols(request, key_subprotocol_prefix));
}

std::optional<std::string> token_of(const Request& request, std::string_view cookie_name) {
  if (const std::string_view token = proto::bearer_of(request); !token.empty())
    return std::string(token);
  if (const std::string_view token = in_subprotocols(request, token_subprotocol_prefix);
      !token.empty())
    return std::string(token);
  if (auto token = proto::query_parameter(request.query, "token")) return token;
  if (cookie_name.empty() || !is_our_page_or_none(request)) return std::nullopt;
  const std::string_view token = in_cookies(request, cookie_name);
  return token.empty() ? std::nullopt : std::optional(std::string(token));
}

}  // namespace ringroom::realtime
