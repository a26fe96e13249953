#pragma once

#include <cstdint>
#include <functional>

#include "engine/handler.h"
#include "realtime/letters/publication.h"
#include "realtime/letters/refused.h"
#include "realtime/room/held_publications.h"

namespace ringroom::realtime {

class Shard;

// Lets publications wait for the hours that they name (R14), at the home of their room, and says
// when they may go.
//
//   Publish{quiet_hours} --holds()--> the hours are now: false, it goes its way
//                             `-----> it waits: Published{held_until_ms}, or Refused
//   quiet_cookie --> release() -----> each that is due: numbered as if it came now
//
// Owner: one core. Nothing of it outlives the process.
class QuietKeeper {
 public:
  explicit QuietKeeper(Shard& shard);

  // True: it is dealt with here.
  bool holds(const Publish& publish);
  // Some of what is due, in order. `take` answers false if the room cannot take it just now. Asked
  // when bounds::quiet_cookie has fired, and before something that would overtake it.
  void release(const std::function<bool(const Publish&)>& take);
  // The core's timer has fired.
  void fired() { armed_ms_ = 0; }

 private:
  std::uint64_t next_ms(const Publish& publish) const;
  void refuse(const Publish& publish, RefusedBecause reason);
  void show();
  void arm();

  Shard& shard_;
  HeldPublications held_;
  engine::TimerId timer_ = engine::no_timer;
  std::uint64_t armed_ms_ = 0;  // by the wall clock; 0: the timer is not armed
};

}  // namespace ringroom::realtime
