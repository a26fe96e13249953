#include "realtime/access/forwarded.h"

#include <gtest/gtest.h>

#include <string>

namespace ringroom::realtime {
namespace {

constexpr std::string_view peer = "10.0.0.1";

std::vector<Network> proxies() {
  return {*Network::parse("10.0.0.0/8"), *Network::parse("2001:db8:1::/48")};
}

struct Case {
  std::string_view value, client;
  bool is_whole = true;
};

void expect(ForwardedBy by, std::string_view name, std::span<const Case> cases) {
  for (const Case& each : cases) {
    const proto::HttpHeader headers[] = {{"Host", "a"}, {name, each.value}};
    const Forwarded read = client_of(*parse_ip(peer), headers, by, proxies());
    EXPECT_EQ(read.client, parse_ip(each.client)) << each.value;
    EXPECT_EQ(read.is_whole, each.is_whole) << each.value;
  }
}

TEST(Forwarded, TheRightmostAddressThatIsNoProxyIsTheClient) {
  static constexpr Case cases[] = {
      {"203.0.113.9", "203.0.113.9"},
      {"203.0.113.9, 10.0.0.2", "203.0.113.9"},
      {"203.0.113.9,10.0.0.2 ,\t10.0.0.3", "203.0.113.9"},
      {"6.6.6.6, 203.0.113.9", "203.0.113.9"},
      {"6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
      {"10.6.6.6, 203.0.113.9", "203.0.113.9"},
      {"garbage, 203.0.113.9", "203.0.113.9"},
      {"\"6.6.6.6, 203.0.113.9", "203.0.113.9"},
      {"203.0.113.9:4711", "203.0.113.9"},
      {"2001:db8:2::1, 2001:db8:1::1", "2001:db8:2::1"},
      {"[2001:db8:2::1]:4711", "2001:db8:2::1"},
      {"::ffff:203.0.113.9", "203.0.113.9"},
      {"10.0.0.3, 10.0.0.2", "10.0.0.3"},
      {"", "10.0.0.1", false},
      {"unknown", "10.0.0.1", false},
      {"203.0.113.9, unknown", "10.0.0.1", false},
      {"203.0.113.9, unknown, 10.0.0.2", "10.0.0.2", false},
      {"203.0.113.9,", "10.0.0.1", false},
      {"203.0.113.9,,10.0.0.2", "10.0.0.2", false},
      {"203.0.113.9 10.0.0.2", "10.0.0.1", false},
      {"203.0.113.256", "10.0.0.1", false},
      {"203.0.113.9:99999", "10.0.0.1", false},
  };
  expect(ForwardedBy::x_forwarded_for, "X-Forwarded-For", cases);
  expect(ForwardedBy::x_forwarded_for, "x-forwarded-for", cases);
}

TEST(Forwarded, IsReadAsRfc7239HasIt) {
  static constexpr Case cases[] = {
      {"for=203.0.113.9", "203.0.113.9"},
      {"For=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"},
      {"by=10.0.0.1; FOR = 203.0.113.9 ;host=a", "203.0.113.9"},
      {"for=\"203.0.113.9:4711\"", "203.0.113.9"},
      {"for=\"[2001:db8:2::1]:4711\"", "2001:db8:2::1"},
      {"for=\"[2001:db8:2::1]\", for=10.0.0.2", "2001:db8:2::1"},
      {"for=6.6.6.6, for=203.0.113.9", "203.0.113.9"},
      {"for=203.0.113.9, for=10.0.0.2;by=10.0.0.1", "203.0.113.9"},
      {"for=6.6.6.6;host=\"a, for=7.7.7.7\", for=203.0.113.9", "203.0.113.9"},
      {"host=\"a\\\", for=7.7.7.7\";for=203.0.113.9", "203.0.113.9"},
      {"for=\"2\\03.0.113.9\"", "203.0.113.9"},
      {"for=_hidden, for=203.0.113.9", "203.0.113.9"},
      {"rubbish, for=203.0.113.9", "203.0.113.9"},
      {";;for=203.0.113.9;", "203.0.113.9"},
      {"", "10.0.0.1", false},
      {"203.0.113.9", "10.0.0.1", false},
      {"for", "10.0.0.1", false},
      {"for=", "10.0.0.1", false},
      {"for=unknown", "10.0.0.1", false},
      {"for=_secret", "10.0.0.1", false},
      {"proto=https", "10.0.0.1", false},
      {"for=203.0.113.9,", "10.0.0.1", false},
      {"for=203.0.113.9, for=unknown, for=10.0.0.2", "10.0.0.2", false},
      {"for=203.0.113.9;for=6.6.6.6", "10.0.0.1", false},
      {"for=\"203.0.113.9", "10.0.0.1", false},
      {"for=\"203.0.113.9\\", "10.0.0.1", false},
      {"for=\"6.6.6.6, for=203.0.113.9", "10.0.0.1", false},
      {"for=\"203.0.113.9\"x", "10.0.0.1", false},
      {"for=203.0.113.9 6.6.6.6", "10.0.0.1", false},
  };
  expect(ForwardedBy::forwarded, "Forwarded", cases);
}

TEST(Forwarded, SeveralLinesAreOneListInTheirOrder) {
  const proto::HttpHeader lines[] = {{"X-Forwarded-For", "6.6.6.6"},
                                     {"Forwarded", "for=7.7.7.7"},
                                     {"X-Forwarded-For", "203.0.113.9"},
                                     {"x-forwarded-for", "10.0.0.2"}};
  EXPECT_EQ(client_of(*parse_ip(peer), lines, ForwardedBy::x_forwarded_for, proxies()).client,
            parse_ip("203.0.113.9"));
  // One header counts, whatever the other says.
  EXPECT_EQ(client_of(*parse_ip(peer), lines, ForwardedBy::forwarded, proxies()).client,
            parse_ip("7.7.7.7"));
}

TEST(Forwarded, WhoSaysNothingIsThePeer) {
  const proto::HttpHeader headers[] = {{"Host", "a"}};
  const Forwarded read =
      client_of(*parse_ip(peer), headers, ForwardedBy::x_forwarded_for, proxies());
  EXPECT_EQ(read.client, parse_ip(peer));
  EXPECT_TRUE(read.is_whole);
}

TEST(Forwarded, AThousandHopsAreReadOnce) {
  std::string value = "203.0.113.9";
  for (int i = 0; i < 1'000; ++i) value += ", 10.0.0.2";
  const proto::HttpHeader headers[] = {{"X-Forwarded-For", value}};
  EXPECT_EQ(client_of(*parse_ip(peer), headers, ForwardedBy::x_forwarded_for, proxies()).client,
            parse_ip("203.0.113.9"));
}

}  // namespace
}  // namespace ringroom::realtime
