#include "tools/load/findings.h"

namespace ringroom::load {

void Findings::merge(const Findings& other) {
  constexpr std::uint64_t Findings::*counts[] = {
      &Findings::sent,           &Findings::delivered,
      &Findings::handshakes,     &Findings::ready,
      &Findings::lost,           &Findings::duplicated,
      &Findings::misordered,     &Findings::corrupt,
      &Findings::unacknowledged, &Findings::refused,
      &Findings::disconnected,   &Findings::unfinished,
      &Findings::other_messages, &Findings::order_unchecked,
      &Findings::compressed,     &Findings::slow_pauses,
      &Findings::slow_closed};
  for (const auto count : counts) this->*count += other.*count;
  latency.merge(other.latency);
  lateness.merge(other.lateness);
  complain(other.complaint);
}

void Findings::show(Progress& progress) const {
  progress.ready.set(ready);
  progress.sent.set(sent);
  progress.delivered.set(delivered);
  progress.handshakes.set(handshakes);
  progress.duplicated.set(duplicated);
  progress.misordered.set(misordered);
  progress.corrupt.set(corrupt);
  progress.refused.set(refused);
  progress.closed.set(disconnected + slow_closed);
}

}  // namespace ringroom::load
