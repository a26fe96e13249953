#include "realtime/access/forwarded.h"

#include <algorithm>
#include <string>

namespace ringroom::realtime {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Reads `name=value` pairs between semicolons, and elements between commas.
class ForwardedReader {
 public:
  explicit ForwardedReader(std::string_view text) : rest_(text) {}

  // The `for` of the next element; nullopt: it has none that can be read. Ends at the first thing
  // that is no element: what is behind it may be split anywhere.
  std::optional<Ip> element() {
    std::optional<std::string> hop;
    bool is_good = true;
    do {
      const std::string_view name = trimmed(take_until("=;,"));
      if (!take('=')) {
        is_good = is_good && name.empty();  // an empty pair is allowed
        continue;
      }
      std::string value;
      is_good = read_value(value) && is_good;
      if (!proto::equals_ignoring_case(name, "for")) continue;
      is_good = is_good && !hop;  // said twice
      hop = std::move(value);
    } while (take(';'));
    has_more_ = take(',');
    if (!has_more_ && !rest_.empty()) is_broken_ = true;
    return is_good && !is_broken_ && hop ? parse_ip_and_port(*hop) : std::nullopt;
  }
  bool has_more() const { return has_more_; }
  bool is_broken() const { return is_broken_; }

 private:
  std::string_view take_until(std::string_view ends) {
    const std::string_view out = rest_.substr(0, rest_.find_first_of(ends));
    rest_.remove_prefix(out.size());
    return out;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // A token, or a text in quotes, where a backslash stands before what is meant as itself.
  bool read_value(std::string& out) {
    if (!take('"')) {
      out = trimmed(take_until(";,"));
      return out.find_first_of("\"= \t") == out.npos;
    }
    for (;;) {
      if (rest_.empty()) {
        is_broken_ = true;
        return false;
      }
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') break;
      if (c != '\\') {
        out.push_back(c);
      } else if (!rest_.empty()) {
        out.push_back(rest_.front());
        rest_.remove_prefix(1);
      }
    }
    return trimmed(take_until(";,")).empty();
  }

  std::string_view rest_;
  bool has_more_ = false;
  bool is_broken_ = false;
};

std::string_view header_of(ForwardedBy by) {
  return by == ForwardedBy::forwarded ? "Forwarded" : "X-Forwarded-For";
}

}  // namespace

bool is_trusted(const Ip& ip, std::span<const Network> proxies) {
  return std::ranges::any_of(proxies, [&ip](const Network& each) { return each.contains(ip); });
}

void append_x_forwarded_for(Hops& hops, std::string_view value) {
  for (;;) {
    const std::size_t comma = value.find(',');
    hops.push_back(parse_ip_and_port(trimmed(value.substr(0, comma))));
    if (comma == value.npos) return;
    value.remove_prefix(comma + 1);
  }
}

void append_forwarded(Hops& hops, std::string_view value) {
  ForwardedReader reader(value);
  do {
    hops.push_back(reader.element());
  } while (reader.has_more());
  // Quotes that do not close: where its elements are is anybody's guess.
  if (reader.is_broken()) hops.push_back(std::nullopt);
}

Forwarded client_of(const Ip& peer, std::span<const proto::HttpHeader> headers, ForwardedBy by,
                    std::span<const Network> proxies) {
  Hops hops;
  for (const proto::HttpHeader& field : headers) {
    if (!proto::equals_ignoring_case(field.name, header_of(by))) continue;
    if (by == ForwardedBy::forwarded) {
      append_forwarded(hops, field.value);
    } else {
      append_x_forwarded_for(hops, field.value);
    }
  }
  Forwarded out{.client = peer, .is_whole = true};
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (!*hop) return {.client = out.client, .is_whole = false};
    out.client = **hop;
    if (!is_trusted(out.client, proxies)) break;
  }
  return out;
}

}  // namespace ringroom::realtime
