#include "realtime/access/network.h"

#include <gtest/gtest.h>

namespace ringroom::realtime {
namespace {

TEST(Network, ContainsItsAddressesAndNoOther) {
  struct Case {
    std::string_view network, inside, outside;
  };
  for (const Case& each :
       {Case{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        Case{"10.1.2.0/23", "10.1.3.255", "10.1.4.0"}, Case{"10.1.2.3", "10.1.2.3", "10.1.2.2"},
        Case{"10.1.2.3/32", "::ffff:10.1.2.3", "::10.1.2.3"}, Case{"0.0.0.0/0", "255.1.2.3", "::1"},
        Case{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        Case{"2001:db8::1", "2001:db8::1", "2001:db8::2"}, Case{"fe80::/10", "febf::1", "fec0::1"},
        Case{"::/0", "10.0.0.1", ""}, Case{"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"}}) {
    const auto network = Network::parse(each.network);
    ASSERT_TRUE(network) << each.network;
    EXPECT_EQ(network->text(), each.network);
    EXPECT_TRUE(network->contains(*parse_ip(each.inside))) << each.network;
    if (each.outside.empty()) continue;
    EXPECT_FALSE(network->contains(*parse_ip(each.outside))) << each.network;
  }
}

TEST(Network, IsRefusedIfItIsNotWrittenExactly) {
  for (const std::string_view text :
       {"", "/", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/08", "10.0.0.0/-1",
        "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0/8", "10.0.0.0/8/8", "2001:db8::/129",
        "2001:db8::1/32", "fe80::1%eth0", "[::1]", "example.com", "10.0.0.0/a"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

TEST(Network, AddressesComeWithAPortOrWithout) {
  for (const std::string_view text : {"10.1.2.3", "10.1.2.3:80", "10.1.2.3:65535",
                                      "::ffff:10.1.2.3", "[::ffff:10.1.2.3]", "[::ffff:a01:203]:1"})
    EXPECT_EQ(parse_ip_and_port(text), parse_ip("10.1.2.3")) << text;
  for (const std::string_view text : {"2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443"})
    EXPECT_EQ(parse_ip_and_port(text), parse_ip("2001:db8::1")) << text;
  for (const std::string_view text : {"",
                                      ":",
                                      ":80",
                                      "10.1.2.3:",
                                      "10.1.2.3:65536",
                                      "10.1.2.3:x",
                                      "10.1.2.3:80:80",
                                      "[10.1.2.3]:80",
                                      "[::1",
                                      "::1]",
                                      "[::1]80",
                                      "[::1]:",
                                      "[]",
                                      "[]:80",
                                      "unknown",
                                      "_hidden",
                                      "10.1.2.3 ",
                                      "10.01.2.3",
                                      "127.1",
                                      "0x0a010203",
                                      "[fe80::1%eth0]:80",
                                      "a.example"}) {
    EXPECT_FALSE(parse_ip_and_port(text)) << text;
  }
  EXPECT_FALSE(parse_ip(std::string_view("10.1.2.3\0", 9)));
}

TEST(Network, ASubscriberIsAnIpv4AddressOrAWholeSlash64) {
  EXPECT_EQ(subscriber_of(*parse_ip("10.1.2.3")), parse_ip("10.1.2.3"));
  EXPECT_EQ(subscriber_of(*parse_ip("2001:db8:1:2:3:4:5:6")), parse_ip("2001:db8:1:2::"));
  EXPECT_EQ(subscriber_of(*parse_ip("2001:db8:1:2:ffff::")), parse_ip("2001:db8:1:2::"));
  EXPECT_NE(subscriber_of(*parse_ip("2001:db8:1:3::")), parse_ip("2001:db8:1:2::"));
}

}  // namespace
}  // namespace ringroom::realtime
