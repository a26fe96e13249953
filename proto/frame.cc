#include "proto/frame.h"

#include <cstring>
#include <optional>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/utf8.h"

namespace ringroom::proto {

namespace {

// The header of a payload of 126..65535 bytes, the common case of a JSON message.
constexpr std::size_t gap_bytes = 4;

constexpr std::size_t length_bytes(std::uint8_t length7) {
  return length7 == 127 ? 8 : length7 == 126 ? 2 : 0;
}

constexpr bool is_known(std::uint8_t opcode) {
  return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

constexpr bool is_shortest_form(std::size_t extended_bytes, std::uint64_t length) {
  if (extended_bytes == 8) return length > 0xffff && length >> 63 == 0;
  return extended_bytes == 0 || length > 125;
}

}  // namespace

CloseCode close_code_of(FrameError error) {
  RR_CHECK(error != FrameError::need_more_bytes);
  return error == FrameError::oversized ? CloseCode::too_big : CloseCode::protocol_error;
}

EncodedHeader encode(const FrameHeader& header) {
  EncodedHeader out{};
  const auto put = [&out](std::uint64_t value) {
    out.bytes[out.size_bytes++] = std::byte(value & 0xff);
  };

  put(std::uint64_t(header.opcode) | (header.final ? 0x80u : 0u) |
      (header.compressed ? 0x40u : 0u));
  if (header.payload_bytes < 126) {
    put(header.payload_bytes);
  } else if (header.payload_bytes <= 0xffff) {
    put(126);
    for (int shift = 8; shift >= 0; shift -= 8) put(header.payload_bytes >> shift);
  } else {
    put(127);
    for (int shift = 56; shift >= 0; shift -= 8) put(header.payload_bytes >> shift);
  }
  return out;
}

namespace {

std::optional<FrameError> decode_into(DecodedHeader& out, std::span<const std::byte> received,
                                      std::uint64_t payload_bytes_max) {
  if (received.size() < 2) return FrameError::need_more_bytes;
  const auto first = std::to_integer<std::uint8_t>(received[0]);
  const auto second = std::to_integer<std::uint8_t>(received[1]);
  const auto opcode = Opcode(first & 0x0f);
  const bool final = (first & 0x80) != 0;
  const auto length7 = std::uint8_t(second & 0x7f);

  if ((first & 0x30) != 0) return FrameError::reserved_bit;
  if (!is_known(first & 0x0f)) return FrameError::reserved_opcode;
  if ((second & 0x80) == 0) return FrameError::unmasked;
  if (is_control(opcode) && (!final || length7 > control_payload_bytes_max))
    return FrameError::control_frame;

  const std::size_t extended = length_bytes(length7);
  const std::size_t header_bytes = 2 + extended + 4;
  if (received.size() < 2 + extended) return FrameError::need_more_bytes;
  std::uint64_t payload = extended == 0 ? length7 : 0;
  for (std::size_t i = 0; i < extended; ++i)
    payload = payload << 8 | std::to_integer<std::uint64_t>(received[2 + i]);
  if (!is_shortest_form(extended, payload)) return FrameError::length_form;
  if (payload > payload_bytes_max && !is_control(opcode)) return FrameError::oversized;
  if (received.size() < header_bytes) return FrameError::need_more_bytes;

  out.header.opcode = opcode;
  out.header.final = final;
  out.header.compressed = (first & 0x40) != 0;
  out.header.payload_bytes = payload;
  out.consumed_bytes = header_bytes;
  std::memcpy(out.mask.data(), received.data() + header_bytes - 4, 4);
  return std::nullopt;
}

}  // namespace

// The header is filled in where the caller finds it: copying a struct right after its small fields
// were written stalls longer than the decoding takes.
Result<DecodedHeader, FrameError> decode(std::span<const std::byte> received,
                                         std::uint64_t payload_bytes_max) {
  Result<DecodedHeader, FrameError> result{DecodedHeader{}};
  if (const auto refused = decode_into(*result, received, payload_bytes_max))
    result = fail(*refused);
  return result;
}

std::size_t begin_frame(alloc::BlockBuilder& out) {
  const std::size_t begin = out.size();
  std::memset(out.reserve(gap_bytes), 0, gap_bytes);
  out.advance(gap_bytes);
  return begin;
}

std::span<const std::byte> end_frame(alloc::BlockBuilder& out, std::size_t begin, Opcode opcode,
                                     Coding coding) {
  RR_CHECK(begin + gap_bytes <= out.size());
  const std::size_t payload_bytes = out.size() - begin - gap_bytes;
  const EncodedHeader header = encode({.opcode = opcode,
                                       .final = true,
                                       .compressed = coding == Coding::deflated,
                                       .payload_bytes = payload_bytes});

  if (header.size_bytes > gap_bytes) {
    out.reserve(header.size_bytes - gap_bytes);
    out.advance(header.size_bytes - gap_bytes);
  }
  std::byte* frame = out.data() + begin;
  if (header.size_bytes != gap_bytes)
    std::memmove(frame + header.size_bytes, frame + gap_bytes, payload_bytes);
  std::memcpy(frame, header.bytes.data(), header.size_bytes);
  out.truncate(begin + header.size_bytes + payload_bytes);
  return out.bytes().last(payload_bytes);
}

OwnFrame first_frame(std::span<const std::byte> frames) {
  RR_CHECK(frames.size() >= 2);
  const auto length7 = std::to_integer<std::uint8_t>(frames[1]);
  RR_CHECK((length7 & 0x80) == 0);
  const std::size_t extended = length_bytes(length7);
  RR_CHECK(frames.size() >= 2 + extended);
  std::uint64_t payload_bytes = extended == 0 ? length7 : 0;
  for (std::size_t i = 0; i < extended; ++i)
    payload_bytes = payload_bytes << 8 | std::to_integer<std::uint64_t>(frames[2 + i]);
  RR_CHECK(payload_bytes <= frames.size() - 2 - extended);
  return {.opcode = Opcode(std::to_integer<std::uint8_t>(frames[0]) & 0x0f),
          .payload = frames.subspan(2 + extended, payload_bytes),
          .frame_bytes = 2 + extended + payload_bytes};
}

void append_frame(alloc::BlockBuilder& out, Opcode opcode, std::span<const std::byte> payload) {
  out.append(
      encode(
          {.opcode = opcode, .final = true, .compressed = false, .payload_bytes = payload.size()})
          .view());
  out.append(payload);
}

void append_close(alloc::BlockBuilder& out, CloseCode code, std::string_view reason) {
  if (code == CloseCode::no_status) return append_frame(out, Opcode::close, {});
  RR_CHECK(is_valid_on_the_wire(std::uint16_t(code)));
  const std::string_view cut = utf8_prefix(reason, close_reason_bytes_max);
  out.append(encode({.opcode = Opcode::close,
                     .final = true,
                     .compressed = false,
                     .payload_bytes = 2 + cut.size()})
                 .view());
  out.append(static_cast<char>(std::uint16_t(code) >> 8));
  out.append(static_cast<char>(std::uint16_t(code) & 0xff));
  out.append(cut);
}

}  // namespace ringroom::proto
