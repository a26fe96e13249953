#include "proto/proxy_header.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ringroom::proto {
namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string header(std::string_view fixed, std::string_view rest) {
  std::string out(signature);
  out.append(fixed);
  out.push_back(static_cast<char>(rest.size() >> 8));
  out.push_back(static_cast<char>(rest.size() & 0xff));
  return out.append(rest);
}

auto parse(std::string_view bytes) { return parse_proxy_header(std::as_bytes(std::span(bytes))); }

constexpr std::string_view four("\xcb\x00\x71\x09\x0a\x00\x00\x01\x12\x67\x1f\x40", 12);

TEST(ProxyHeader, NamesTheClientOfATcp4Connection) {
  const std::string bytes = header("\x21\x11", four) + "GET / HTTP/1.1\r\n";
  const auto parsed = parse(bytes);
  ASSERT_TRUE(parsed && parsed->has_value());
  EXPECT_EQ((*parsed)->size_bytes, 28u);
  ASSERT_TRUE((*parsed)->source);
  const std::array<std::uint8_t, 16> ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 9};
  EXPECT_EQ((*parsed)->source->ip, ip);
  EXPECT_EQ((*parsed)->source->port, 0x1267);
}

TEST(ProxyHeader, NamesTheClientOfATcp6ConnectionAndPassesOverWhatFollows) {
  std::string addresses;
  for (char i = 1; i <= 32; ++i) addresses.push_back(i);
  const auto parsed = parse(header("\x21\x21", addresses + "\x12\x67\x1f\x40\x03\x01\x02\x03"));
  ASSERT_TRUE(parsed && parsed->has_value());
  EXPECT_EQ((*parsed)->size_bytes, 16u + 40u);
  ASSERT_TRUE((*parsed)->source);
  EXPECT_EQ((*parsed)->source->ip[0], 1);
  EXPECT_EQ((*parsed)->source->ip[15], 16);
  EXPECT_EQ((*parsed)->source->port, 0x1267);
}

TEST(ProxyHeader, NamesNobodyWhereTheProxySpeaksForItself) {
  using namespace std::string_view_literals;
  for (const std::string& bytes :
       {header("\x20\x00"sv, ""), header("\x20\x11"sv, four), header("\x21\x00"sv, ""),
        header("\x21\x00"sv, "any"), header("\x21\x31"sv, std::string(216, 'a')),
        header("\x21\x12"sv, four)}) {
    const auto parsed = parse(bytes);
    ASSERT_TRUE(parsed && parsed->has_value());
    EXPECT_EQ((*parsed)->size_bytes, bytes.size());
    EXPECT_FALSE((*parsed)->source);
  }
}

TEST(ProxyHeader, IsAwaitedToItsLastByte) {
  const std::string bytes = header("\x21\x11", four);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto parsed = parse(std::string_view(bytes).substr(0, size));
    ASSERT_TRUE(parsed) << size;
    EXPECT_FALSE(parsed->has_value()) << size;
  }
}

TEST(ProxyHeader, IsRefusedAtTheFirstByteThatIsWrong) {
  using enum ProxyHeaderError;
  struct Case {
    std::string bytes;
    ProxyHeaderError error;
  };
  std::string endless(signature);
  endless.append("\x21\x11\x10\x00", 4);
  for (const Case& each :
       {Case{"G", not_one}, Case{"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", not_one},
        Case{"\r\n\r\nG", not_one}, Case{header("\x11\x11", four), malformed},
        Case{header("\x31\x11", four), malformed}, Case{header("\x22\x11", four), malformed},
        Case{header("\x21\x11", four.substr(0, 11)), malformed},
        Case{header("\x21\x21", std::string(35, 'a')), malformed}, Case{endless, too_long}}) {
    const auto parsed = parse(each.bytes);
    ASSERT_FALSE(parsed) << each.bytes;
    EXPECT_EQ(parsed.error(), each.error) << each.bytes;
  }
}

}  // namespace
}  // namespace ringroom::proto
