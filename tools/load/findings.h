#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/counter.h"
#include "tools/load/histogram.h"

namespace ringroom::load {

// What the coordinator may read while the thread runs.
struct alignas(64) Progress {
  Counter ready;
  Counter sent;
  Counter delivered;
  Counter handshakes;
  Counter outstanding;  // deliveries
  Counter overtaken;    // of those, by later ones of the same sender: lost, or out of order
  Counter duplicated;
  Counter misordered;
  Counter corrupt;
  Counter refused;
  Counter closed;    // connections that the server or the network ended
  Counter failed;    // connections that will never be ready
  Counter finished;  // 1 when the thread has nothing left to do
};

// What one client thread has seen. Owner: that thread until it is joined, then the coordinator.
struct Findings {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;   // right bytes, heard for the first time
  std::uint64_t handshakes = 0;  // of a storm: connected, upgraded and answered
  std::uint64_t ready = 0;       // connections that came as far as the scenario wants them

  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t misordered = 0;       // late, or not in the order that others in the room heard
  std::uint64_t corrupt = 0;          // a wrong byte, a wrong room, or no such sequence was sent
  std::uint64_t unacknowledged = 0;   // of those sent with the native protocol
  std::uint64_t refused = 0;          // error replies
  std::uint64_t disconnected = 0;     // by the server or the network
  std::uint64_t unfinished = 0;       // handshakes that the deadline cut off
  std::uint64_t other_messages = 0;   // valid, but not of this load: presence, heartbeats
  std::uint64_t order_unchecked = 0;  // too far behind to be compared

  std::uint64_t compressed = 0;   // of the delivered
  std::uint64_t slow_pauses = 0;  // of slow listeners
  std::uint64_t slow_closed = 0;  // of these: sent away with 4508, all in order until then

  Histogram latency;   // intended time to arrival, of what was intended within the measurement
  Histogram lateness;  // intended time to send: the load's own share of the latency, open loop

  std::string complaint;  // about the first thing that went wrong

  void complain(std::string sentence) {
    if (complaint.empty()) complaint = std::move(sentence);
  }
  void merge(const Findings& other);

  // Plain stores, once per turn: who watches a run costs it nothing that grows with its messages.
  void show(Progress& progress) const;
};

}  // namespace ringroom::load
