// The part of a URL that strangers write: what is between % and & is what was meant, read by one
// rule, and never more than came.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "proto/http.h"

namespace ringroom::proto {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += '%';
    for (const int shift : {4, 0})
      out += "0123456789abcDEF"[static_cast<unsigned char>(c) >> shift & 0xf];
  }
  return out;
}

void judge(std::string_view text) {
  // Whatever it is, it comes back from its escapes, alone and among others.
  RR_CHECK(percent_decoded(escaped(text)) == text);
  const std::string query = "a=1&" + escaped(text) + "=" + escaped(text) + "&b=2";
  RR_CHECK(query_parameter(query, text) == (text == "a" ? "1" : text));

  const auto path = percent_decoded(text);
  if (path) RR_CHECK(path->size() + 2 * std::size_t(std::ranges::count(text, '%')) == text.size());
  RR_CHECK(path || text.find('%') != text.npos);

  // Asked of a whole query, each of its names is found, and the first that has it counts.
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    std::string key(pair.substr(0, pair.find('=')));
    std::ranges::replace(key, '+', ' ');
    const auto name = percent_decoded(key);
    if (!name) continue;
    const auto first = query_parameter(text, *name);
    if (first)
      RR_CHECK(query_parameter(std::string(text) + "&" + escaped(*name) + "=x", *name) == first);
    RR_CHECK(query_parameter(escaped(*name) + "=x&" + std::string(text), *name) == "x");
  }
}

}  // namespace
}  // namespace ringroom::proto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringroom::proto::judge({reinterpret_cast<const char*>(data), size});
  return 0;
}
