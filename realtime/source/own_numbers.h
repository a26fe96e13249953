#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alloc/block.h"
#include "base/histogram.h"
#include "base/id.h"
#include "realtime/letters/server.h"
#include "realtime/source/topics.h"
#include "realtime/totals.h"

namespace ringroom::realtime {

class Shard;
struct Session;

// Says in the rooms of topics.h how the server is, while somebody listens: what all cores have
// counted, and what of it came since the room was last told.
//
//   listened() --> due --> walk(): adds up some cores per turn --> a publication in each room due
//                     \--> nobody listens any more: forgotten
//   request()  ----------> the same numbers once, for one connection
//
// Owner: the home core of such a room. One look at all cores serves every room and request that is
//        due by then.
class OwnNumbers {
 public:
  explicit OwnNumbers(Shard& shard);

  // Somebody has joined that room, at home here.
  void listened(RoomId id, std::string_view room);
  // What somebody has to know at once: said in the rooms of system_monitoring.
  void receive(const AdminAlert& alert);
  // Now and then: whether the watchdog has something to tell them.
  void sweep();
  // False: as many wait for an answer as may.
  bool request(const Session& session, std::string_view correlation_id);
  void fired();  // own_numbers_cookie
  // Once per turn.
  void walk();
  bool has_more() const { return totals_ != nullptr; }  // the next turn must not wait

 private:
  // What rates are made of, and distributions.
  struct Snapshot {
    std::uint64_t at_us = 0;
    std::array<std::uint64_t, 16> counts{};
    HistogramSum turn, to_room, to_send, to_ack;
    std::vector<std::uint64_t> processor_us;
  };
  struct Room {
    RoomId id;
    TopicRoom topic;
    std::string name;
    std::uint64_t due_ms;
    std::unique_ptr<Snapshot> before;
  };
  struct Request {
    ConnectionId to;
    std::string correlation_id;
  };

  void arm();
  void look();
  std::unique_ptr<Snapshot> snapshot() const;
  void tell(Room& room);
  void say(const Room& room, std::string_view type, std::string_view payload,
           proto::Priority priority);
  void answer(const Request& request);
  void write_system(const Snapshot& now, const Snapshot& before);
  void write_users(const Snapshot& now, const Snapshot& before);
  void write_performance(const Snapshot& now, const Snapshot& before);

  Shard& shard_;
  std::vector<Room> rooms_;
  std::vector<Request> requests_;
  std::unique_ptr<Totals> totals_;  // while they are added up
  std::uint16_t next_core_ = 0;
  std::uint64_t armed_ms_ = 0;
  std::uint64_t stalled_ = 0;  // cores, as was told last
  alloc::BlockBuilder out_, frame_;
};

}  // namespace ringroom::realtime
