#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "alloc/block.h"
#include "proto/command.h"
#include "proto/frame.h"
#include "realtime/letters/delivery.h"
#include "realtime/letters/publication.h"
#include "realtime/room/room.h"

namespace ringroom::realtime {

class Sealer;
class Shard;

// The publications of one room in one turn, as the bytes that its listeners get.
//
//   forms[json]    | frame | frame | frame |    one contiguous run per wire form, so that a
//   forms[binary]  | frame | frame | frame |    listener costs one send whatever the number
//   ... and the same again, with compressed frames
//
// Nothing in it depends on who listens.
struct Batch {
  explicit Batch(alloc::BlockHeap& heap) : Batch(heap, std::make_index_sequence<wire_forms>()) {}
  alloc::BlockBuilder forms[wire_forms];
  std::uint32_t publications = 0;
  std::uint32_t since = 0;  // Stages: when it had its first publication
  std::array<std::uint32_t, wire_forms> ephemeral_begin{};  // valid with has_ephemerals
  bool has_ephemerals = false;
  std::uint64_t first_sequence = 0, last_sequence = 0;  // of numbered publications; 0: none
  bool starts_anew = false;
  engine::Lane lane = engine::Lane::low;  // the highest of its publications
  std::vector<History::Mark> stored;      // of a room with history, in forms[json]
  std::vector<Exclusion> exclusions;      // in the order of the frames
  std::vector<EventMark> events;          // each publication, while somebody listens to events
  std::vector<ConnectionId> throttled;    // not read until the batch is out

 private:
  template <std::size_t... form>
  Batch(alloc::BlockHeap& heap, std::index_sequence<form...>)
      : forms{(static_cast<void>(form), alloc::BlockBuilder(heap))...} {}
};

// Encodes each publication once per wire form somebody listens in, gathers a turn's worth of them
// per room, and hands the batch to every listening core: by reference, no byte is copied.
//
// Owner: the home core of the rooms.
class Fanout {
 public:
  Fanout(Shard& shard, Sealer& sealer);

  // `without` are those who must not hear it, see Exclusion.
  void add(Room& room, const proto::Publication& publication, PayloadKind kind,
           std::span<const ConnectionId> without, proto::Priority priority,
           std::uint64_t permission = no_permission);
  // To be said at the end of the room's next batch, of which it becomes the tail; the newest of its
  // key. The room is part of flush() from here on.
  Ephemerals::Put put(Room& room, std::uint64_t key, const Publish& publish);
  // Of presence: for those who may see it and have words for it, but one.
  void announce(Room& room, const proto::Publication& publication, const ConnectionId& without);
  // The room's numbering has begun anew: tells its listeners, behind what was said before.
  void reset(Room& room, std::string_view reason);
  // Sends what is gathered now. Before somebody begins to listen: a batch goes to those who were
  // there when its first publication was made.
  void seal(Room& room);
  // The same for every room of this turn, but for those whose last batches are still being handed
  // out somewhere: what they say meanwhile goes into one batch, and each listener gets one send of
  // it.
  void flush();
  // When flush() wants to be called again for ephemeral messages that must wait; 0: not.
  std::uint64_t flush_due_ms() const { return flush_due_ms_; }
  // After flush(): a room waits for more, and so should the core.
  void gather(engine::Outbox& outbox) const;
  // The room is about to be forgotten: nothing of it may be left here.
  void let_go(Room& room);
  // How much more may be gathered while it cannot go out.
  enum class Space : std::uint8_t {
    free,
    full,      // publishers that can be refused or made to wait should be
    exhausted  // those made to wait had more on its way than anybody needs
  };
  Space space(const Room& room) const;
  // Stops reading from the publisher until the batch is out.
  void throttle(Room& room, const ConnectionId& publisher);

 private:
  Batch& batch_of(Room& room);
  // The same, for something of that priority.
  Batch& batch_of(Room& room, proto::Priority priority);
  void add_ephemerals(Room& room);
  bool is_waiting(const Room& room) const;
  bool is_held(const Room& room) const;
  // For those who are about to speak.
  bool gathers(Room& room);
  // Where each form of a batch ends: before a publication and after it.
  using Marks = std::array<std::uint32_t, wire_forms>;
  static Marks marks(const Batch& batch);
  // Before a publication is encoded.
  void mark_event(Room& room, std::string_view type);
  void mark_event(Room& room, std::uint64_t type);  // by its hash
  void finish(Room& room, const Marks& begin, std::span<const ConnectionId> without);
  // For members, in their dialects; the JSON form also for the room's memory.
  void encode(Room& room, const proto::Publication& publication, PayloadKind kind);
  void encode_raw(Room& room, const proto::Publication& publication, PayloadKind kind);
  // The JSON form once more, as message_batch: its frames side by side in one, but for those that
  // somebody must not hear.
  void batch_up(Room& room);
  void append_batched(Room& room, std::span<const std::string_view> messages);
  // Write a frame's payload and return; the frame around it is closed here. As it is and
  // compressed, each if somebody listens, each once.
  enum class Keep : std::uint8_t {
    if_heard,
    for_batches,  // batch_up() reads it
    stored        // the room remembers it
  };
  static Keep keep_for_batches(const Room& room);
  void encode_with(Room& room, WireForm dialect, proto::Opcode opcode, Keep keep, auto&& write);

  Shard& shard_;
  Sealer& sealer_;
  std::vector<std::string_view> gathered_;  // scratch
  alloc::BlockBuilder plain_;               // what is compressed and nobody hears as it is
  std::vector<Room*> dirty_;  // with a batch: something gathered, or ephemeral messages waiting
  std::uint64_t flush_due_ms_ = 0;
  std::uint64_t gather_until_us_ = 0;  // the first of those that wait for more; 0: none
  std::uint32_t gather_missing_ = 0;
  // Of the publication being added; see History::Mark.
  std::uint64_t conflation_key_ = 0;
  std::uint64_t permission_ = no_permission;
  std::vector<Batch*> spare_;
  std::vector<std::unique_ptr<Batch>> batches_;  // all there are
};

}  // namespace ringroom::realtime
