#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/http.h"
#include "realtime/ring_buffer.h"

namespace ringroom::realtime {

struct CommandBatch;  // batches.h

// A request of a connection until its answer is out, and what the answer needs of it.
struct Call {
  std::uint32_t number = 0;  // of the connection's requests and of commands in a batch, from 1
  bool keep_alive = true;
  bool head_only = false;
  bool is_answered = false;
  std::string request_id = {};         // the client's own; empty: ours
  std::vector<std::byte> answer = {};  // whole, while a request before it has none
};

// A request that was taken off the connection and may not begin yet.
struct HeldRequest {
  // The body may lie in received bytes, which go away; the head is the reader's until its next
  // call.
  explicit HeldRequest(const proto::Request& from)
      : body(from.body.begin(), from.body.end()), request(from) {
    request.body = body;
  }
  std::vector<std::byte> body;
  proto::Request request;
};

// HTTP on one connection: what reads its requests, and those that have no answer yet.
//
//   read --> calls: | answered, kept | waits | waits |   the front is answered first, whatever
//   comes
//                     first
//   behind: bytes that may not be read yet; the socket is paused, so that is bounded
struct Exchange {
  // Publications of one connection under way at once: enough that one which waits a round trip of
  // 50 us for another core is still one of a million a second.
  static constexpr std::size_t calls_max = 64;

  proto::HttpReader reader;
  RingBuffer<Call> calls;
  std::uint32_t number = 0;  // of the last request
  bool is_alone = false;     // the last call is answered before anything behind it begins
  bool is_reading = false;   // inside the loop that takes requests off the bytes
  bool is_paused = false;
  bool awaits_all = false;           // the next request begins when all calls are answered
  bool awaits_reader = false;        // and when the peer has taken the answers that it has
  bool is_over = false;              // what is behind the last call is not read
  bool is_proxied = false;           // its peer is a trusted proxy: the client is somebody else
  bool awaits_proxy_header = false;  // and says so in front of the first request
  std::unique_ptr<HeldRequest> held;
  std::unique_ptr<CommandBatch> batch;  // the last call is one
  std::vector<std::byte> behind;

  Exchange() = default;
  ~Exchange();  // batches.cc

  bool is_waiting() const { return !calls.empty(); }
  bool takes_more() const { return !is_alone && calls.size() < calls_max; }
  // What was held back may begin.
  bool may_go_on() const {
    if (awaits_reader) return false;
    return calls.empty() || (!is_alone && !awaits_all && calls.size() <= calls_max / 2);
  }
  // nullptr: it has its answer.
  Call* find(std::uint32_t call) {
    for (std::size_t i = 0; i < calls.size(); ++i)
      if (calls[i].number == call) return calls[i].is_answered ? nullptr : &calls[i];
    return nullptr;
  }
};

}  // namespace ringroom::realtime
