#include "proto/proxy_header.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace ringroom::proto {

namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t fixed_bytes = 16;

enum class Command : std::uint8_t { local = 0, proxy = 1 };
// Family and transport, of which we can be reached by TCP only.
enum class Transport : std::uint8_t { unspecified = 0x00, tcp4 = 0x11, tcp6 = 0x21 };

std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}

std::uint16_t word_at(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

struct Layout {
  Transport transport;
  std::size_t ip_bytes;
};
constexpr Layout layouts[] = {{Transport::tcp4, 4}, {Transport::tcp6, 16}};

}  // namespace

Result<std::optional<ProxyHeader>, ProxyHeaderError> parse_proxy_header(
    std::span<const std::byte> bytes) {
  const std::size_t seen = std::min(bytes.size(), signature.size());
  if (seen > 0 && std::memcmp(bytes.data(), signature.data(), seen) != 0)
    return fail(ProxyHeaderError::not_one);
  if (bytes.size() < fixed_bytes) return std::optional<ProxyHeader>();
  const std::uint8_t version_and_command = byte_at(bytes, 12);
  const auto command = static_cast<Command>(version_and_command & 0x0f);
  if (version_and_command >> 4 != 2 || command > Command::proxy)
    return fail(ProxyHeaderError::malformed);
  const std::size_t length = word_at(bytes, 14);
  ProxyHeader out{.size_bytes = fixed_bytes + length, .source = std::nullopt};
  if (out.size_bytes > proxy_header_bytes_max) return fail(ProxyHeaderError::too_long);
  if (bytes.size() < out.size_bytes) return std::optional<ProxyHeader>();
  if (command == Command::local) return std::optional(out);

  const auto transport = static_cast<Transport>(byte_at(bytes, 13));
  for (const Layout& layout : layouts) {
    if (layout.transport != transport) continue;
    if (length < 2 * layout.ip_bytes + 4) return fail(ProxyHeaderError::malformed);
    ProxyHeader::Source source{};
    if (layout.ip_bytes == 4) source.ip[10] = source.ip[11] = 0xff;
    std::memcpy(source.ip.data() + source.ip.size() - layout.ip_bytes, bytes.data() + fixed_bytes,
                layout.ip_bytes);
    source.port = word_at(bytes, fixed_bytes + 2 * layout.ip_bytes);
    out.source = source;
  }
  return std::optional(out);
}

}  // namespace ringroom::proto
