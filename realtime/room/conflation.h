#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/letters/publication.h"
#include "realtime/namespace.h"

namespace ringroom::realtime {

// Messages of one room whose types may not go as often as they come (R9): of each stream, which is
// a type and a key or else a sender, the newest waits here until it may go.
//
//   put()  passes    it may go now
//          waits     it will be taken when it is due
//          replaces  the same, and the one that waited before is `displaced()`: it never goes
//          repeats   it waits already, sent once more
//   take() the next that is due
//
//   interval   | x--------| x--------|x         not before the last one's interval has ended
//   debounce    x x x -----| or longest         when nothing newer came for a while, or the first
//                                               of those replaced has waited for longest
//
// Owner:  the room. No clock: time is an argument.
// Bounds: streams and bytes; what is beyond is `full`.
// Memory: is used again, so a room that speaks all the time allocates nothing; is_idle() says when
//         all of it can go.
class Conflation {
 public:
  // A publish on its way, in memory of its own.
  struct Waiting {
    std::uint64_t message_key = 0;  // for RoomTable::remember; 0: it has no id
    ConnectionId from{}, exclude{};
    std::uint32_t exchange = 0;
    PayloadKind payload_kind{};
    bool wants_answer = false, remove = false;
    std::optional<proto::Priority> priority;
    std::uint64_t expected_version = any_version;
    std::uint64_t permission = no_permission;
    std::string type, sender, message_id, payload, key;

    void keep(const Publish& publish, std::uint64_t message_key);
    // As it came, but for the room. Views of this.
    Publish publish() const;
    std::size_t bytes() const {
      return type.size() + sender.size() + message_id.size() + payload.size() + key.size();
    }
  };

  enum class Put : std::uint8_t { passes, waits, replaces, repeats, full };
  Put put(std::uint64_t stream, const TypePace& pace, const Publish& publish,
          std::uint64_t message_key, std::uint64_t now_ms);
  // Of the last put() that replaced one; valid until the next.
  const Waiting& displaced() const { return displaced_; }

  // The next of those due at `until_ms`, which goes now; nullptr: there is none. Valid until the
  // next put() or take().
  const Waiting* take(std::uint64_t now_ms, std::uint64_t until_ms);
  // No message is due before; 0: none waits.
  std::uint64_t due_ms() const { return queue_.empty() ? 0 : queue_.front().due_ms; }

  std::size_t waiting() const { return queue_.size(); }
  // Nothing waits and no interval goes on: a new one would do the same.
  bool is_idle(std::uint64_t now_ms) const { return queue_.empty() && free_ms_ <= now_ms; }

  static constexpr std::size_t streams_max = 64 * 1024;
  // Of all that waits; one of any size is always taken.
  static constexpr std::size_t bytes_max = 4 * 1024 * 1024;

 private:
  static constexpr std::uint32_t none = 0xffff'ffff;
  struct Stream {
    std::uint64_t name;
    std::uint64_t free_ms;  // its next may go from then on
    std::uint32_t waiting;  // in places_; none: nothing does
  };
  struct Place {
    Waiting message;
    std::uint64_t first_ms = 0;  // since when the stream waits
    std::uint64_t due_ms = 0;
    std::uint64_t interval_ms = 0;
    std::uint32_t stream = 0;  // in streams_
  };
  // What is due first is at the front. An entry may be earlier than its place, which is then put
  // back: so a debounced stream that goes on and on costs nothing here.
  struct Due {
    std::uint64_t due_ms;
    std::uint64_t number;  // equal times: in the order in which they began to wait
    std::uint32_t place;
    bool operator<(const Due& other) const {
      return due_ms != other.due_ms ? due_ms > other.due_ms : number > other.number;
    }
  };

  // nullptr: there are as many as there may be.
  Stream* find_or_add(std::uint64_t name, std::uint64_t now_ms);
  bool make_space(std::uint64_t now_ms);
  std::size_t slot_of(std::uint64_t name) const;
  void push(const Due& due);

  std::vector<Stream> streams_;
  std::vector<std::uint32_t> index_;  // streams_ by name, plus one; open addressing, at most half
  std::vector<Place> places_;
  std::vector<std::uint32_t> spare_;  // places that are free
  std::vector<Due> queue_;            // a heap, one entry for each place in use
  std::uint64_t number_ = 0;
  std::uint64_t free_ms_ = 0;   // the last that any stream's interval ends
  std::uint64_t swept_ms_ = 0;  // when make_space() looked through all there may be
  std::size_t bytes_ = 0;
  Waiting displaced_, taken_;
};

}  // namespace ringroom::realtime
