#include "realtime/room/ephemeral.h"

namespace ringroom::realtime {

Ephemerals::Put Ephemerals::put(std::uint64_t key, const Publish& publish) {
  // A walk: few speak at once in an interval, and a table would cost more than it finds.
  std::size_t at = 0;
  while (at < count_ && slots_[at].key != key) ++at;
  const bool is_new = at == count_;
  if (is_new) {
    if (count_ == pending_max) return Put::full;
    if (count_ == slots_.size()) slots_.emplace_back();
    ++count_;
  }
  Pending& slot = slots_[at];
  slot.key = key;
  slot.from = publish.from;
  slot.exclude = publish.exclude;
  slot.permission = publish.permission;
  slot.kind = publish.payload_kind;
  slot.type.assign(publish.type);
  slot.sender.assign(publish.sender);
  slot.message_id.assign(publish.message_id);
  slot.payload.assign(publish.payload);
  return is_new ? Put::added : Put::replaced;
}

}  // namespace ringroom::realtime
