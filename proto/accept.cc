#include "proto/accept.h"

#include <optional>

namespace ringroom::proto {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// Takes what is in front of the next separator; one in a quoted string is none.
std::string_view take_until(std::string_view& text, char separator) {
  bool is_quoted = false;
  std::size_t at = 0;
  for (; at < text.size() && (is_quoted || text[at] != separator); ++at) {
    if (text[at] == '"') is_quoted = !is_quoted;
    if (text[at] == '\\' && is_quoted) ++at;
  }
  if (at > text.size()) at = text.size();
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at < text.size() ? at + 1 : at);
  return trimmed(taken);
}

// `0`, `0.25`, `1.000`.
std::optional<int> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int quality = (text[0] - '0') * 1'000;
  int of_digit = 100;
  for (const char digit : text.substr(text.size() > 1 ? 2 : 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    quality += (digit - '0') * of_digit;
    of_digit /= 10;
  }
  return quality <= 1'000 ? std::optional(quality) : std::nullopt;
}

std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"'
             ? text.substr(1, text.size() - 2)
             : text;
}

struct Fit {
  int closeness;  // 0: not at all; 1: */*; 2: type/*; 3: type/subtype; 4: with its version
  int quality;
};

Fit fit_of(std::string_view range, const MediaType& form) {
  const std::string_view name = take_until(range, ';');
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos) return {0, 0};
  const std::string_view type = name.substr(0, slash), subtype = name.substr(slash + 1);
  Fit fit{.closeness = 0, .quality = 1'000};
  if (equals_ignoring_case(type, form.type) && equals_ignoring_case(subtype, form.subtype)) {
    fit.closeness = 3;
  } else if (equals_ignoring_case(type, form.type) && subtype == "*") {
    fit.closeness = 2;
  } else if (name == "*/*") {
    fit.closeness = 1;
  } else {
    return {0, 0};
  }
  while (!range.empty()) {
    std::string_view value = take_until(range, ';');
    const std::string_view key = take_until(value, '=');
    if (equals_ignoring_case(key, "q")) {
      const std::optional<int> quality = parse_quality(value);
      if (!quality) return {0, 0};
      fit.quality = *quality;
      break;  // what follows is about the range, not about the form
    }
    if (!equals_ignoring_case(key, "version") || fit.closeness < 3) continue;
    if (unquoted(trimmed(value)) != form.version) return {0, 0};
    fit.closeness = 4;
  }
  return fit;
}

}  // namespace

int accepted_quality(const Request& request, const MediaType& form) {
  bool is_said = false;
  Fit best{0, 0};
  for (const HttpHeader& header : request.headers) {
    if (!equals_ignoring_case(header.name, "Accept")) continue;
    is_said = true;
    for (std::string_view rest = header.value; !rest.empty();) {
      const Fit fit = fit_of(take_until(rest, ','), form);
      if (fit.closeness > best.closeness ||
          (fit.closeness == best.closeness && fit.quality > best.quality))
        best = fit;
    }
  }
  return is_said ? best.quality : 1'000;
}

}  // namespace ringroom::proto
