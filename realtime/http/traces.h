#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "alloc/block.h"
#include "engine/handler.h"
#include "proto/http.h"
#include "realtime/flight_recorder.h"
#include "realtime/letters/server.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// What happened lately to one connection, user or room, read back from the recorders of all cores.
//
//   begin() --ReadTrace--> every core: walk() --TraceRead--> receive(): merged by time, the answer
//
//   watch() --WatchTrace--> every core, whose recorder then keeps such events aside
//                           tell() --ToConnection--> the watcher, at the end of each turn
//
// Owner:  one core, of its recorder and of what is asked here. Bounded: traces_max under way, which
//         a core reads trace_looks_per_turn events at a time; watchers_max on a core, each told of
//         FlightRecorder::offered_per_turn events in a turn.
class Traces {
 public:
  explicit Traces(Shard& shard);

  // GET /admin/trace?connection=ID, ?user=NAME or ?room=NAME, &limit=N
  void begin(Session& session, const proto::Request& request);
  void receive(const ReadTrace& read);
  void receive(const TraceRead& lines);
  void fired();  // trace_cookie: some have waited long enough

  // From here on the session hears what happens to the subject, as messages of type `trace`; false:
  // as many are watched as may.
  bool watch(Session& session, const FlightSubject& subject);
  void unwatch(const Session& session);
  void receive(const WatchTrace& watch);

  // Once per turn.
  void walk();
  void tell();
  bool has_more() const { return !reading_.empty(); }  // the next turn must not wait

 private:
  struct Reading {  // of this core's recorder
    Asker asker;
    std::uint32_t number;
    std::uint32_t limit;
    std::uint64_t wall_offset_us;
    FlightSubject subject;
    std::uint64_t next;                // the events before it have not been looked at
    std::vector<std::uint64_t> found;  // the newest first
  };
  struct Asked {
    engine::SocketId socket;
    std::uint32_t exchange;
    std::uint64_t due_ms;
    std::uint32_t limit;
    std::vector<std::string> lines;  // by core; of those that have answered
    std::vector<bool> answered;
    std::size_t waiting;
  };
  // True: all of it is read, and on its way.
  bool look(Reading& reading);
  void write(alloc::BlockBuilder& out, const FlightEvent& event, std::uint64_t wall_offset_us);
  void finish(const Asked& asked);

  Shard& shard_;
  std::uint32_t next_ = 1;
  std::unordered_map<std::uint32_t, Asked> asked_;
  std::vector<Reading> reading_;
  alloc::BlockBuilder lines_, frame_;
};

}  // namespace ringroom::realtime
