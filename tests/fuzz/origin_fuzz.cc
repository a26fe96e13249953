// An origin that is understood is written in one way only, a rule made of it allows it, and a rule
// for what is below a name allows nothing else.
//
//   input: what a header or a line of the configuration says

#include <algorithm>
#include <string>
#include <string_view>

#include "base/check.h"
#include "realtime/access/origin.h"

namespace ringroom::realtime {
namespace {

std::string written(const Origin& origin) {
  if (origin.scheme.empty()) return "null";
  const std::string plain = origin.scheme + "://" + origin.host;
  return origin.port == 0 ? plain : plain + ":" + std::to_string(origin.port);
}

void judge_origin(std::string_view text) {
  const auto origin = parse_origin(text);
  if (!origin) return;
  const bool is_plain = std::ranges::none_of(origin->scheme + origin->host, [](char c) {
    return c <= ' ' || c > '~' || c == '@' || c == '/' || c == '\\' || c == '%' || c == '*' ||
           (c >= 'A' && c <= 'Z');
  });
  RR_CHECK(is_plain);
  const std::string canonical = written(*origin);
  const auto again = parse_origin(canonical);
  RR_CHECK(again && *again == *origin);
  const auto rule = OriginRule::parse(canonical);
  if (rule) RR_CHECK(rule->allows(*origin));
}

void judge_rule(std::string_view text) {
  const auto rule = OriginRule::parse(text);
  if (!rule) return;
  RR_CHECK(rule->text() == text);
  const std::size_t star = text.find("://*.");
  const auto foreign = parse_origin("https://evil.example");
  if (text == "*") {
    RR_CHECK(rule->allows(*foreign));
  } else if (star != text.npos) {
    std::string own(text);
    own.erase(star + 3, 2);
    const auto name = parse_origin(own);
    RR_CHECK(name && !rule->allows(*name));
    const auto with = [&](std::string_view prefix) {
      return parse_origin(std::string(own).insert(star + 3, prefix));
    };
    if (const auto below = with("sub.")) RR_CHECK(rule->allows(*below));
    if (const auto other = with("evil")) RR_CHECK(!rule->allows(*other));
  }
}

}  // namespace
}  // namespace ringroom::realtime

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ringroom::realtime::judge_origin(text);
  ringroom::realtime::judge_rule(text);
  const std::string_view said[] = {text};
  (void)ringroom::realtime::judge(said, text, {{}, false, false});
  return 0;
}
