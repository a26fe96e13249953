#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/load/frame.h"
#include "tools/load/inflate.h"
#include "tools/load/payload.h"
#include "tools/load/scenario.h"
#include "tools/load/traffic.h"
#include "tools/load/upgrade.h"

namespace ringroom::load {

using Outgoing = std::vector<std::byte>;

// The pieces of a message that came in several frames.
struct Fragments {
  Opcode opcode = Opcode::continuation;  // continuation: none begun
  bool compressed = false;
  std::vector<std::byte> bytes;
};

// One thing a server said. `bytes` are lent like the span they were read from.
struct Heard {
  enum class Kind : std::uint8_t {
    incomplete,  // nothing yet, consumed is 0 or a piece was put aside
    delivery,    // stamp and room_sequence
    corrupt,
    greeted,  // connection_ack
    joined,   // room_joined, or the floor's byte
    acknowledged,
    refused,  // bytes: the error message
    other,
    ping,    // bytes: to be returned
    closed,  // bytes: code and reason
    broken,  // bytes: what rule it broke
  };
  Kind kind = Kind::incomplete;
  std::size_t consumed = 0;
  Stamp stamp{};
  std::uint64_t room_sequence = 0;
  std::span<const std::byte> bytes{};
  bool compressed = false;
};

// How the load says things on the wire, and how it understands the answers: raw WebSocket messages,
// the native JSON protocol, or the floor program's bytes.
//
//   raw    /echo, or /raw/ROOM?mode=publish|subscribe|both     binary frames, payload only
//   json   /ws?user=NAME, join_room, room_message              text frames
//   tcp    P, S or B and a room, answered by that letter       fixed length: a frame's, unread
//          (publish, subscribe, both; fanout only)
//
// With `deflate on` frames may come compressed; what is sent here is not.
//
// Owner: one client thread. Errors: are what was heard.
class Dialect {
 public:
  // `run` is part of every room and user name: a server may remember those of an earlier run.
  Dialect(const Scenario& scenario, const std::string& run, std::uint32_t first_room);

  bool upgrades() const { return protocol_ != Protocol::tcp; }
  bool greets() const { return protocol_ == Protocol::json; }
  bool joins() const;       // answers with Heard::joined
  bool must_probe() const;  // joining is not answered
  bool closes() const { return upgrades(); }
  bool acknowledges() const { return protocol_ == Protocol::json; }
  Offer offer() const { return deflate_ ? Offer::deflate : Offer::nothing; }

  std::string upgrade(std::uint32_t room, std::uint32_t place) const;
  void append_join(Outgoing& out, std::uint32_t room, std::uint32_t place) const;
  void append_post(Outgoing& out, const Post& post) const;
  void append_pong(Outgoing& out, std::span<const std::byte> payload) const;
  void append_close(Outgoing& out) const;

  Heard read(std::span<const std::byte> bytes, Fragments& fragments);
  Heard read_join_answer(std::span<const std::byte> bytes) const;  // tcp only

 private:
  void append_frame(Outgoing& out, Opcode opcode, std::string_view text) const;
  std::string room_name(std::uint32_t room) const;
  Heard read_frame(std::span<const std::byte> bytes, Fragments& fragments);
  Heard understand_compressed(Opcode opcode, std::span<const std::byte> message);
  Heard understand(Opcode opcode, std::span<const std::byte> message) const;
  Heard understand_json(std::string_view message) const;
  std::size_t tcp_header_bytes() const;

  const Protocol protocol_;
  const Work work_;
  const bool roomless_;  // an idle load that joins nothing
  const bool deflate_;
  const Seating seating_;
  const std::string host_;
  const std::string rooms_of_run_;  // the beginning of their names
  const std::uint32_t first_room_;
  const Payload payload_;
  Inflate inflate_;
};

}  // namespace ringroom::load
