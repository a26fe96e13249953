#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "alloc/block.h"
#include "base/counter.h"
#include "realtime/access/permissions.h"
#include "realtime/ring_buffer.h"

namespace ringroom::realtime {

// The last publications of one room (R6), as the JSON envelopes that its listeners got: parts of
// the batches that were sent, held, not copied.
//
//   batch   | frame | frame | frame |        a block on its way to listeners
//               ^       ^                    entries: sequence, time, where in which block
//
// Kept is an unbroken run of sequences up to the last one, or nothing: what cannot be kept takes
// all before it along, so a reader never meets a hole.
//
// A reader gets what it holds the permissions for, and misses nothing by what it does not: it has
// lost something only if a message that it might hear is gone. Until the first message that
// requires a permission that costs nothing.
//
// Owner:  the room; its blocks belong to the core's heap.
// Bounds: by count, age and bytes (of memory: a block counts whole until its last entry goes),
//         per room, and by bytes over all rooms of a namespace and of the process.
class History {
 public:
  struct Limits {
    std::uint64_t count;
    std::uint64_t age_ms;
    std::uint64_t bytes;
  };
  // What all rooms of a core, or of one of its namespaces, may keep together.
  struct Budget {
    std::uint64_t bytes_max = 0;  // 0: no limit
    std::uint64_t bytes = 0;
    bool is_exceeded() const { return bytes_max != 0 && bytes > bytes_max; }
  };
  struct Account {
    Budget& of_namespace;
    Budget& of_core;
    Counter& memory;  // where its bytes are shown
  };
  // A publication of a batch: its envelope is bytes [begin, end) of the block.
  struct Mark {
    std::uint64_t sequence;
    std::uint32_t begin;
    std::uint32_t end;
    std::uint64_t key = 0;  // what a newer one of the same key takes the place of; see newest()
    std::uint64_t permission = no_permission;  // that a reader must hold
  };

  History(const Limits& limits, const Account& account) : limits_(limits), account_(account) {}
  ~History() { clear(); }
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Others from the next append or expire() on.
  void adopt(const Limits& limits) { limits_ = limits; }

  // In the order of the room. Returns how many entries went because a budget of many rooms is
  // spent, not because of the room's own limits.
  std::size_t append(const alloc::BlockRef& block, std::span<const Mark> marks,
                     std::uint64_t now_ms);
  // Forgets what is too old at `now_ms`; reads see what was left by the last call.
  void expire(std::uint64_t now_ms);
  // Forgets everything up to `sequence`.
  void forget_until(std::uint64_t sequence);
  void clear();

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }
  // The first sequence that is kept; nullopt: nothing is.
  std::optional<std::uint64_t> oldest() const;

  // Something behind `sequence` that the reader might hear was not kept.
  bool has_lost(std::uint64_t sequence, PermissionView reader) const;

  // All after `sequence`, if every one of them is kept; `last` is the room's last sequence. An
  // empty list if nothing was missed.
  enum class Recovery : std::uint8_t { complete, incomplete };
  Recovery since(std::uint64_t sequence, std::uint64_t last, std::size_t count_max,
                 std::size_t bytes_max, std::vector<std::string_view>& out,
                 PermissionView reader = {}) const;
  // Of those after `sequence` the newest that the bounds allow, oldest first: all of them, or of
  // each key only the last.
  enum class Pick : std::uint8_t { all, last_of_key };
  void newest(std::uint64_t sequence, Pick pick, std::size_t count_max, std::size_t bytes_max,
              std::vector<std::string_view>& out, PermissionView reader = {}) const;
  // At most `limit` messages, of those after (`reverse`: before) `from`. Oldest first, reversed:
  // newest first. Views until the next append, expire or clear.
  void read(std::uint64_t from, bool reverse, std::size_t limit, std::size_t bytes_max,
            std::vector<std::string_view>& out, PermissionView reader = {}) const;

 private:
  struct Entry {
    alloc::BlockRef block;
    std::uint64_t sequence = 0;
    std::uint64_t at_ms = 0;
    std::uint64_t key = 0;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  // Of the messages that require a permission; made by the first.
  struct Restricted {
    struct Entry {
      std::uint64_t sequence;
      std::uint64_t permission;
    };
    RingBuffer<Entry> kept;  // those among entries_
    // The last that went, of those that everybody might hear and by permission. Of more
    // permissions than there are places the last counts as one for everybody: a reader may then be
    // told of a loss that was none of its own.
    std::uint64_t gone = 0;
    std::map<std::uint64_t, std::uint64_t> gone_by_permission;
  };
  static constexpr std::size_t permissions_max = 64;
  std::uint64_t permission_at(std::uint64_t sequence) const;
  void restrict(std::span<const Mark> marks);
  void note_gone(std::uint64_t sequence);
  void pop_front();
  void charge(const alloc::Block& block);
  std::string_view text(const Entry& entry) const;

  Limits limits_;
  Account account_;
  RingBuffer<Entry> entries_;  // sequences without a gap
  std::uint64_t bytes_ = 0;
  std::unique_ptr<Restricted> restricted_;
};

}  // namespace ringroom::realtime
