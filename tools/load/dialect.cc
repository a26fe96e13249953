#include "tools/load/dialect.h"

#include <cstdio>
#include <cstring>
#include <utility>

#include "tools/load/bounds.h"
#include "tools/load/envelope.h"

namespace ringroom::load {
namespace {

constexpr std::byte tcp_filler{0xa5};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Heard broken(std::string_view rule) {
  return {.kind = Heard::Kind::broken, .bytes = bytes_of(rule)};
}

std::string_view rule_of(FrameError error) {
  switch (error) {
    case FrameError::need_more_bytes:
      break;
    case FrameError::masked:
      return "the server masks its frames";
    case FrameError::reserved_bit:
      return "the server set a reserved bit";
    case FrameError::reserved_opcode:
      return "the server used a reserved opcode";
    case FrameError::broken_control:
      return "the server sent a control frame that is fragmented or too long";
    case FrameError::long_length:
      return "the server wrote a length in more bytes than it needs";
  }
  return "";
}

std::string rooms_of(const std::string& name, const std::string& run) {
  return (name.empty() ? "" : name + ":") + "bench-" + run + "-";
}

std::byte* grow(Outgoing& out, std::size_t bytes) {
  out.resize(out.size() + bytes);
  return out.data() + out.size() - bytes;
}

}  // namespace

Dialect::Dialect(const Scenario& scenario, const std::string& run, std::uint32_t first_room)
    : protocol_(scenario.protocol),
      work_(scenario.work),
      roomless_(scenario.rooms == 0),
      deflate_(scenario.deflate),
      seating_(scenario.seating()),
      host_(scenario.server),
      rooms_of_run_(rooms_of(scenario.room_namespace, run)),
      first_room_(first_room),
      payload_(scenario.payload_form(), scenario.payload_bytes, scenario.pattern) {}

bool Dialect::joins() const {
  if (protocol_ == Protocol::json) return work_ != Work::storm && !roomless_;
  return protocol_ == Protocol::tcp && work_ == Work::fanout;
}

bool Dialect::must_probe() const { return protocol_ == Protocol::raw && work_ == Work::fanout; }

std::string Dialect::room_name(std::uint32_t room) const {
  return rooms_of_run_ + std::to_string(first_room_ + room);
}

std::string Dialect::upgrade(std::uint32_t room, std::uint32_t place) const {
  if (protocol_ == Protocol::json) {
    const std::string user = room_name(room) + "-" + std::to_string(place);
    return upgrade_request(host_, "/ws?user=" + user, "ringroom.v1.json", offer());
  }
  if (work_ == Work::echo || work_ == Work::storm) {
    return upgrade_request(host_, "/echo", "", offer());
  }
  const char* mode = !seating_.hears(place)  ? "publish"
                     : seating_.sends(place) ? "both"
                                             : "subscribe";
  return upgrade_request(host_, "/raw/" + room_name(room) + "?mode=" + mode, "", offer());
}

void Dialect::append_frame(Outgoing& out, Opcode opcode, std::string_view text) const {
  const std::size_t header = client_header_bytes(text.size());
  std::byte* at = grow(out, header + text.size());
  write_client_header(at, opcode, text.size());
  std::memcpy(at + header, text.data(), text.size());
  mask({at + header, text.size()});
}

void Dialect::append_join(Outgoing& out, std::uint32_t room, std::uint32_t place) const {
  if (protocol_ == Protocol::tcp) {
    const char role = !seating_.hears(place) ? 'P' : seating_.sends(place) ? 'B' : 'S';
    const std::uint32_t number = first_room_ + room;
    std::byte* at = grow(out, 1 + sizeof number);
    *at = static_cast<std::byte>(role);
    std::memcpy(at + 1, &number, sizeof number);
    return;
  }
  append_frame(out, Opcode::text,
               R"({"type":"join_room","message_id":"join","room":")" + room_name(room) + "\"}");
}

// As many bytes as the WebSocket frame in the direction that carries most of the work: what an echo
// is sent, what a listener is delivered.
std::size_t Dialect::tcp_header_bytes() const {
  return work_ == Work::fanout ? server_header_bytes(payload_.bytes())
                               : client_header_bytes(payload_.bytes());
}

void Dialect::append_post(Outgoing& out, const Post& post) const {
  if (protocol_ == Protocol::tcp) {
    const std::size_t header = tcp_header_bytes();
    std::byte* at = grow(out, header + payload_.bytes());
    std::memset(at, std::to_integer<int>(tcp_filler), header);
    payload_.write(at + header, post.stamp);
    return;
  }
  if (protocol_ == Protocol::raw) {
    const std::size_t header = client_header_bytes(payload_.bytes());
    std::byte* at = grow(out, header + payload_.bytes());
    write_client_header(at, Opcode::binary, payload_.bytes());
    payload_.write(at + header, post.stamp);
    mask({at + header, payload_.bytes()});
    return;
  }
  char before[256];
  const int before_bytes = std::snprintf(
      before, sizeof before, R"({"type":"room_message","message_id":"%u","room":"%s%u","payload":)",
      post.stamp.sequence, rooms_of_run_.c_str(), first_room_ + post.room);
  const std::size_t begin = static_cast<std::size_t>(before_bytes);
  const std::size_t message_bytes = begin + payload_.bytes() + 1;
  const std::size_t header = client_header_bytes(message_bytes);
  std::byte* at = grow(out, header + message_bytes);
  write_client_header(at, Opcode::text, message_bytes);
  at += header;
  std::memcpy(at, before, begin);
  payload_.write(at + begin, post.stamp);
  at[message_bytes - 1] = std::byte{'}'};
  mask({at, message_bytes});
}

void Dialect::append_pong(Outgoing& out, std::span<const std::byte> payload) const {
  append_frame(out, Opcode::pong, text_of(payload));
}

void Dialect::append_close(Outgoing& out) const {
  append_frame(out, Opcode::close, std::string_view("\x03\xe8", 2));  // 1000
}

Heard Dialect::read_join_answer(std::span<const std::byte> bytes) const {
  if (bytes.empty()) return {};
  return {.kind = Heard::Kind::joined, .consumed = 1};
}

Heard Dialect::read(std::span<const std::byte> bytes, Fragments& fragments) {
  if (protocol_ != Protocol::tcp) return read_frame(bytes, fragments);
  const std::size_t whole = tcp_header_bytes() + payload_.bytes();
  if (bytes.size() < whole) return {};
  Heard heard = understand(Opcode::binary, bytes.subspan(tcp_header_bytes(), payload_.bytes()));
  if (bytes[0] != tcp_filler) heard.kind = Heard::Kind::corrupt;
  heard.consumed = whole;
  return heard;
}

Heard Dialect::read_frame(std::span<const std::byte> bytes, Fragments& fragments) {
  const auto frame = read_server_frame(bytes, deflate_ ? Rsv1::compressed : Rsv1::reserved);
  if (!frame) {
    if (frame.error() == FrameError::need_more_bytes) return {};
    return broken(rule_of(frame.error()));
  }
  if (bytes.size() - frame->header_bytes < frame->payload_bytes) return {};
  const auto payload = bytes.subspan(frame->header_bytes, frame->payload_bytes);
  const std::size_t consumed = frame->header_bytes + frame->payload_bytes;

  Heard heard;
  const bool begun = fragments.opcode != Opcode::continuation;
  if (frame->opcode >= Opcode::close) {
    heard.kind = frame->opcode == Opcode::close  ? Heard::Kind::closed
                 : frame->opcode == Opcode::ping ? Heard::Kind::ping
                                                 : Heard::Kind::other;
    heard.bytes = payload;
  } else if ((frame->opcode == Opcode::continuation) != begun) {
    return broken("the server mixed up the fragments of two messages");
  } else if (frame->final && !begun) {
    heard = frame->compressed ? understand_compressed(frame->opcode, payload)
                              : understand(frame->opcode, payload);
  } else {
    if (!begun) {
      fragments = {.opcode = frame->opcode, .compressed = frame->compressed, .bytes = {}};
    }
    fragments.bytes.insert(fragments.bytes.end(), payload.begin(), payload.end());
    if (frame->final) {
      const Opcode opcode = std::exchange(fragments.opcode, Opcode::continuation);
      heard = fragments.compressed ? understand_compressed(opcode, fragments.bytes)
                                   : understand(opcode, fragments.bytes);
    }
  }
  heard.consumed = consumed;
  return heard;
}

Heard Dialect::understand_compressed(Opcode opcode, std::span<const std::byte> message) {
  const auto plain = inflate_.read(message, payload_.bytes() + envelope_bytes_max);
  if (!plain) return broken("the server sent a compressed message that cannot be read");
  Heard heard = understand(opcode, *plain);
  heard.compressed = true;
  return heard;
}

Heard Dialect::understand(Opcode opcode, std::span<const std::byte> message) const {
  if (protocol_ == Protocol::json) {
    if (opcode != Opcode::text) return {.kind = Heard::Kind::corrupt};
    return understand_json(text_of(message));
  }
  const auto stamp = payload_.read(message);
  if (!stamp || opcode != Opcode::binary) return {.kind = Heard::Kind::corrupt};
  return {.kind = Heard::Kind::delivery, .stamp = *stamp};
}

Heard Dialect::understand_json(std::string_view message) const {
  const auto envelope = read_envelope(message);
  if (!envelope) return {.kind = Heard::Kind::corrupt};
  if (envelope->type == "room_message") {
    const auto stamp = payload_.read(bytes_of(envelope->payload));
    if (!stamp || envelope->sequence == 0) return {.kind = Heard::Kind::corrupt};
    return {.kind = Heard::Kind::delivery, .stamp = *stamp, .room_sequence = envelope->sequence};
  }
  if (envelope->type == "ack") return {.kind = Heard::Kind::acknowledged};
  if (envelope->type == "connection_ack") return {.kind = Heard::Kind::greeted};
  if (envelope->type == "room_joined") return {.kind = Heard::Kind::joined};
  if (envelope->type == "error_message" || envelope->type == "validation_error") {
    return {.kind = Heard::Kind::refused, .bytes = bytes_of(message)};
  }
  return {.kind = Heard::Kind::other};
}

}  // namespace ringroom::load
