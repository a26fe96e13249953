#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "alloc/block.h"
#include "engine/outbox.h"
#include "proto/dialect/translation.h"
#include "realtime/session/event_filters.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// What comes to this core as JSON frames for one connection (answers of a room's home, what a room
// remembers, what the server API says), said in the dialect that the connection speaks. Batches of
// rooms do not pass here: they come encoded in every dialect that somebody hears.
//
// Owner: one core.
class Dialects {
 public:
  explicit Dialects(Shard& shard);

  // `room_number`: of the room that all the frames are about; 0: each names its own. Events are
  // left out that the session has not asked for, unless they are all meant for it.
  // The frames to send, a view until the next call; nullopt: it cannot be said, and the session was
  // closed for it.
  enum class Events : std::uint8_t { asked_for, all };
  std::optional<std::string_view> say(Session& session, std::string_view frames,
                                      std::uint32_t room_number, Events events = Events::asked_for);
  // The same, and sends them.
  engine::Outbox::Send write(Session& session, std::string_view frames, std::uint32_t room_number,
                             Events events = Events::asked_for);

  // One message for several connections, translated once for each dialect among them.
  class Told {
   public:
    Told(Dialects& dialects, std::string_view frame);
    // `gone` also if it is an event that the session has not asked for.
    engine::Outbox::Send to(Session& session);

   private:
    Dialects& dialects_;
    alloc::BlockRef said_[wire_dialects];
    std::uint64_t event_ = EventFilter::always;  // known once it was said as one
  };

 private:
  void give_up(Session& session);

  Shard& shard_;
  proto::dialect::Translator translator_;
  alloc::BlockBuilder said_;
};

}  // namespace ringroom::realtime
