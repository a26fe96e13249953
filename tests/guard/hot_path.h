#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ringroom::guard {

// The whole server of one core, a Shard on a Core, without a kernel: clients are a script, sends
// are taken whole (tests/support/scripted_ring.h). So what is counted while messages pass is the
// product's own work, from received bytes to the bytes handed to a send.
//
//   connect all --> upgrade --> join --> warm up --> [ measured: so many deliveries ] --> stop

struct Work {
  std::string_view name;
  std::string_view path;    // what a connection upgrades on; `#` becomes its number
  std::uint32_t rooms;      // 0: every connection hears itself
  std::uint32_t listeners;  // of a room; of an echo, connections
  bool is_native;           // listeners join by JSON, and the first of each room speaks
  std::uint32_t burst;      // messages of one sender in one turn
  std::uint32_t payload_bytes;
  bool is_limited = false;  // publications are counted per user and per connection
};

std::span<const Work> works();
const Work* find_work(std::string_view name);

// Told when the measured part begins and ends.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void begin() {}
  virtual void end() {}
};

struct Passed {
  std::uint64_t messages;    // said by clients in the measured part
  std::uint64_t deliveries;  // queued to clients, by the server's own counters
  std::uint64_t sends;       // asked of the ring
};

// Runs on the calling thread until at least `deliveries` were made. A message that did not come
// out as often as it should stops the process by a check.
Passed pass(const Work& work, std::uint64_t deliveries, Observer& observer);

}  // namespace ringroom::guard
