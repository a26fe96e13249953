#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "realtime/letters/server.h"

namespace ringroom::realtime {

// What happened lately on one core, always on, in fixed memory: the newest events push the oldest
// out.
//
//   | e | e | e | e | e | e | e | e |     event-count slots of 32 bytes
//           ^ next
//
// An event says when, what, and about whom as numbers: a connection, a user and a room by their
// hashes, and one number more. Nothing is looked up, copied or allocated to write one; names are
// found again when it is read, from who is there then.

enum class Happened : std::uint8_t {
  accepted,      // a connection
  upgraded,      // to a WebSocket
  identified,    // its user
  asked,         // a command that is none of those below
  refused,       // it was answered with an error
  left,          // a room, or was put out of it
  closed,        // by us, or answering the client
  ended,         // the socket
  slow,          // closed, because it did not read
  lagging,       // left out until it has read
  joined,        // counted by the room's home, and then by the listener's core
  numbered,      // a publication, by its room
  not_taken,     // a publication, by its room
  acknowledged,  // a publication, to its publisher
  sealed,        // a batch, for that many listeners
  handed_out     // the batch up to that sequence, to all listeners of a core
};

// What the number of an event is.
enum class DetailKind : std::uint8_t {
  none,
  sequence,
  close_code,
  error_code,
  command,
  reason,
  count
};

struct HappenedRow {
  Happened what;
  std::string_view name;
  DetailKind detail;
};
inline constexpr HappenedRow happened_rows[] = {
    {Happened::accepted, "accepted", DetailKind::none},
    {Happened::upgraded, "upgraded", DetailKind::none},
    {Happened::identified, "identified", DetailKind::none},
    {Happened::asked, "asked", DetailKind::command},
    {Happened::refused, "refused", DetailKind::error_code},
    {Happened::left, "left", DetailKind::none},
    {Happened::closed, "closed", DetailKind::close_code},
    {Happened::ended, "ended", DetailKind::none},
    {Happened::slow, "slow", DetailKind::none},
    {Happened::lagging, "lagging", DetailKind::sequence},
    {Happened::joined, "joined", DetailKind::sequence},
    {Happened::numbered, "numbered", DetailKind::sequence},
    {Happened::not_taken, "not_taken", DetailKind::reason},
    {Happened::acknowledged, "acknowledged", DetailKind::sequence},
    {Happened::sealed, "sealed", DetailKind::count},
    {Happened::handed_out, "handed_out", DetailKind::sequence},
};
constexpr bool happened_rows_are_in_order() {
  for (std::size_t i = 0; i < std::size(happened_rows); ++i)
    if (std::size_t(happened_rows[i].what) != i) return false;
  return std::size(happened_rows) == std::size_t(Happened::handed_out) + 1;
}
static_assert(happened_rows_are_in_order(), "row_of indexes by what happened");
constexpr const HappenedRow& row_of(Happened what) { return happened_rows[std::size_t(what)]; }

inline constexpr ConnectionId no_connection{0, 0xffff'ffff, 0};

class FlightEvent {
 public:
  FlightEvent() = default;
  FlightEvent(std::uint64_t at_us, Happened what, const ConnectionId& connection,
              std::uint32_t user_, std::uint64_t room_, std::uint32_t detail_)
      : room(room_),
        user(user_),
        detail(detail_),
        what_and_time_(std::uint64_t(what) << 56 | at_us),
        slot_(connection.slot),
        core_and_generation_(std::uint32_t(connection.core) << 24 | connection.generation) {}

  std::uint64_t at_us() const { return what_and_time_ & ~(std::uint64_t{0xff} << 56); }
  Happened what() const { return Happened(what_and_time_ >> 56); }
  bool has_connection() const { return slot_ != no_connection.slot; }
  ConnectionId connection() const {
    return {.core = static_cast<std::uint16_t>(core_and_generation_ >> 24),
            .slot = slot_,
            .generation = core_and_generation_ & 0xff'ffff};
  }

  std::uint64_t room = 0;    // RoomId; 0: none
  std::uint32_t user = 0;    // low half of its id's hash; 0: nobody
  std::uint32_t detail = 0;  // the low half, where it is a sequence

 private:
  std::uint64_t what_and_time_ = 0;  // monotonic, of its turn; 56 bits are 2,000 years
  std::uint32_t slot_ = 0;
  std::uint32_t core_and_generation_ = 0;  // 8 and 24 bits, as there are of them
};
static_assert(sizeof(FlightEvent) == 32, "two to a cache line");

inline bool covers(const FlightSubject& subject, const FlightEvent& event) {
  switch (subject.kind) {
    case FlightSubject::Kind::connection:
      return event.has_connection() && event.connection() == subject.connection;
    case FlightSubject::Kind::user:
      return event.user != 0 && event.user == static_cast<std::uint32_t>(subject.hash);
    case FlightSubject::Kind::room:
      return event.room == subject.hash;
  }
  return false;
}

// Owner: one core.
class FlightRecorder {
 public:
  // A power of two.
  explicit FlightRecorder(std::size_t event_count) : events_(std::bit_ceil(event_count)) {}

  void begin_turn(std::uint64_t now_us) { now_us_ = now_us; }

  void add(Happened what, const ConnectionId& connection, std::uint32_t user, std::uint64_t room,
           std::uint64_t detail = 0) {
    FlightEvent& event = events_[written_ & (events_.size() - 1)];
    event = FlightEvent(now_us_, what, connection, user, room, static_cast<std::uint32_t>(detail));
    ++written_;
    if (!watched_.empty()) [[unlikely]]
      offer(event);
  }

  std::size_t event_count() const { return events_.size(); }
  // Events are numbered from 0; those from first() to written() are still there.
  std::uint64_t written() const { return written_; }
  std::uint64_t first() const {
    return written_ - (written_ < events_.size() ? written_ : events_.size());
  }
  const FlightEvent& at(std::uint64_t number) const {
    return events_[number & (events_.size() - 1)];
  }

  // From here on events of the subject are kept aside for a watcher, so many in a turn.
  static constexpr std::size_t offered_per_turn = 64;
  struct Watched {
    ConnectionId watcher;
    FlightSubject subject;
    std::vector<FlightEvent> offered;  // in this turn
    std::uint64_t left_out = 0;        // of it, because there were too many
  };
  std::vector<Watched>& watched() { return watched_; }

 private:
  void offer(const FlightEvent& event) {
    for (Watched& watched : watched_) {
      if (!covers(watched.subject, event)) continue;
      if (watched.offered.size() < offered_per_turn) {
        watched.offered.push_back(event);
      } else {
        ++watched.left_out;
      }
    }
  }

  std::vector<FlightEvent> events_;
  std::uint64_t written_ = 0;
  std::uint64_t now_us_ = 0;
  std::vector<Watched> watched_;
};

}  // namespace ringroom::realtime
