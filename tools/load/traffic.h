#pragma once

#include <cstdint>
#include <vector>

#include "tools/load/findings.h"
#include "tools/load/ledger.h"
#include "tools/load/payload.h"
#include "tools/load/scenario.h"
#include "tools/load/seating.h"

namespace ringroom::load {

inline constexpr std::uint64_t never_ns = ~std::uint64_t{0};

// The times of a run; from_ns..until_ns is what is measured.
struct Times {
  std::uint64_t start_ns;
  std::uint64_t from_ns;
  std::uint64_t until_ns;
};

// When things are due in an open loop: start + k / rate, whatever became of the earlier ones. A
// time that could not be kept stays the one that latency is counted from.
class Pace {
 public:
  void start(double per_second, std::uint64_t start_ns, std::uint64_t until_ns);
  std::uint64_t due_ns() const { return due_ns_; }  // never_ns when there is no more
  std::uint64_t take();
  void end_early(std::uint64_t now_ns);

 private:
  double interval_ns_ = 0;
  std::uint64_t start_ns_ = 0;
  std::uint64_t until_ns_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t due_ns_ = never_ns;
};

struct Post {
  std::uint32_t room;   // within the share of this thread
  std::uint32_t place;  // of the sender
  Stamp stamp;
};

// The books of one client thread: what its rooms send next, what they wait for, and what became of
// everything sent. Pure: no socket and no clock.
//
//   closed loop   wanted(room) --post()--> sent ... take() ... wanted(room) again
//   open loop     due_ns()     --post_due()--> sent ... take()
//
// Owner:  one client thread. Errors: are findings.
class Traffic {
 public:
  // `share` is the seating with the rooms of this thread, beginning with `first_room` of all.
  Traffic(const Scenario& scenario, const Seating& share, std::uint32_t first_room,
          Findings& findings);

  void start(const Times& times);
  void end_early(std::uint64_t now_ns);  // nothing is due or measured any more
  bool open_loop() const { return rate_ > 0; }
  // In an open loop all that was due within the time is sent, however late.
  bool sending(std::uint64_t now_ns) const {
    return open_loop() ? due_ns() != never_ns : now_ns < times_.until_ns && left_ > 0;
  }

  std::uint32_t wanted(std::uint32_t room) const;  // messages to send now
  std::uint64_t due_ns() const { return left_ > 0 ? pace_.due_ns() : never_ns; }

  // A storm: the time its next connection was due; it counts as the message that it will send.
  std::uint64_t begin_handshake(std::uint64_t now_ns);

  Post post(std::uint32_t room, std::uint64_t intended_ns);
  Post post_due(std::uint64_t now_ns);  // from the next room in turn

  // A message was heard. `room_sequence` is the server's number, 0 if it gives none.
  void take(std::uint32_t room, std::uint32_t place, const Stamp& stamp,
            std::uint64_t room_sequence, std::uint64_t now_ns);

  bool measured(std::uint64_t intended_ns) const {
    return intended_ns >= times_.from_ns && intended_ns < times_.until_ns;
  }
  bool settled() const { return outstanding_ == 0; }

  std::uint64_t outstanding() const { return outstanding_; }  // deliveries
  // Deliveries that have been overtaken by later ones of the same sender, and have not come since.
  std::uint64_t overtaken() const { return overtaken_; }

  // A slow listener was sent away: it waits for nothing more, and what it has not heard is not
  // lost, as long as it heard everything up to some message.
  void excuse(std::uint32_t room, std::uint32_t place);

  bool slow(std::uint32_t room, std::uint32_t place) const {
    return place >= share_.seats() - rooms_[room].slow;
  }
  void close_books();  // what is missing now is lost

 private:
  struct Room {
    std::uint64_t outstanding = 0;  // deliveries to those that are not slow
    std::uint32_t slow = 0;
    std::uint32_t listening = 0;
    std::uint32_t next_sender = 0;
  };
  struct Listener {
    std::uint64_t room_sequence = 0;  // the last one heard
    bool excused = false;
  };

  std::uint32_t prompt(const Room& room) const { return share_.listeners() - room.slow; }
  std::uint32_t listener_of(std::uint32_t room, std::uint32_t place) const {
    return room * share_.listeners() + place - share_.publishers;
  }
  void check_room_order(std::uint32_t room, std::uint32_t listener, const RoomOrder::Entry& heard);

  const Seating share_;
  const std::uint32_t first_publisher_;
  const std::uint64_t depth_;
  const std::uint64_t burst_;
  const double rate_;
  const bool storm_;
  Findings& findings_;

  Times times_{.start_ns = never_ns, .from_ns = never_ns, .until_ns = 0};
  std::uint64_t left_;  // messages that may still be sent
  Pace pace_;
  std::uint32_t next_room_ = 0;
  std::uint64_t outstanding_ = 0;
  std::uint64_t overtaken_ = 0;

  std::vector<Room> rooms_;
  std::vector<std::uint32_t> sent_;  // per sender: the next sequence
  std::vector<Listener> listeners_;
  std::vector<Trail> trails_;  // [room][listener][sender]
  std::vector<RoomOrder> orders_;
};

}  // namespace ringroom::load
