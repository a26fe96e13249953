#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "engine/handler.h"
#include "realtime/letters/membership.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// The end of service on one core (C8).
//
//   begin: nobody is accepted any more
//     |--- every client is told `reconnect`, some each turn -->
//     |------- closes, evenly over drain-ms, in random order ------->|
//     |                                                              `- nobody left: done
//     |------------------------------ drain-hard-stop-ms -------------------> the rest is cut off
//
// Until its close a connection is served as ever: it publishes, is answered and hears its rooms.
// When its time has come its rooms are asked for what they have not handed out yet; with that, and
// what else is queued for it, goes the close frame. So it has heard what was acknowledged to
// anybody before. An HTTP connection ends with the next answer, or at its time if it asks nothing.
//
// Owner: one core, for the turns in which the engine is stopping.
class Drain {
 public:
  explicit Drain(Shard& shard) : shard_(shard) {}

  void turn();
  void fired() { is_armed_ = false; }
  void receive(const FarewellSaid& said);
  bool has_begun() const { return has_begun_; }

 private:
  void begin();
  void announce();
  void close_due();
  void say_farewell(engine::SocketId socket);
  void close_parted();
  void cut_off();
  void arm();
  // When the next one is closed: in its own stretch of the window, somewhere.
  std::uint64_t next_due_ms();

  Shard& shard_;
  bool has_begun_ = false;
  bool is_armed_ = false;
  bool is_cut_off_ = false;
  std::uint64_t began_ms_ = 0;
  std::uint64_t due_ms_ = 0;
  std::vector<engine::SocketId> order_;  // of the closes
  std::size_t announced_ = 0;            // of order_
  std::size_t closed_ = 0;               // of order_; never ahead of announced_
  // Sockets whose rooms have been asked, and how many of these have not answered yet.
  std::unordered_map<std::uint64_t, std::size_t> farewells_;
  std::vector<engine::SocketId> parted_;  // all of theirs have
};

}  // namespace ringroom::realtime
