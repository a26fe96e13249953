// Whatever somebody writes to the left, what the trusted proxy adds on the right decides; and
// nobody is taken for an address that stands in no hop.
//
//   input: the value of a header that came with the request

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "realtime/access/forwarded.h"

namespace ringroom::realtime {
namespace {

void judge(std::string_view foreign, ForwardedBy by, std::string_view name,
           std::string_view added) {
  const Ip proxy = *parse_ip("10.0.0.1"), client = *parse_ip("203.0.113.9");
  const std::vector<Network> proxies = {*Network::parse("10.0.0.0/8")};

  const proto::HttpHeader alone[] = {{name, foreign}};
  const Forwarded said = client_of(proxy, alone, by, proxies);
  if (!is_trusted(said.client, proxies)) {
    Hops hops;
    by == ForwardedBy::forwarded ? append_forwarded(hops, foreign)
                                 : append_x_forwarded_for(hops, foreign);
    RR_CHECK(std::ranges::find(hops, std::optional(said.client)) != hops.end());
  }

  // A header line of the proxy's own.
  const proto::HttpHeader lines[] = {{name, foreign}, {name, added}};
  const Forwarded by_line = client_of(proxy, lines, by, proxies);
  RR_CHECK(by_line.client == client && by_line.is_whole);
  // Added to the line that came: quotes left open may hide it, but show nobody else.
  const std::string joined = std::string(foreign) + ", " + std::string(added);
  const proto::HttpHeader one[] = {{name, joined}};
  const Forwarded by_value = client_of(proxy, one, by, proxies);
  RR_CHECK(by_value.client == client || (by_value.client == proxy && !by_value.is_whole));
}

}  // namespace
}  // namespace ringroom::realtime

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ringroom::realtime::ForwardedBy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ringroom::realtime::judge(text, ForwardedBy::x_forwarded_for, "X-Forwarded-For",
                            "203.0.113.9, 10.0.0.2");
  ringroom::realtime::judge(text, ForwardedBy::forwarded, "Forwarded",
                            "for=203.0.113.9, for=10.0.0.2;proto=https");
  return 0;
}
