#include "realtime/access/admission.h"

#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

std::size_t share(std::uint64_t limit, std::uint32_t cores) {
  return static_cast<std::size_t>((limit + cores - 1) / cores);
}

bool is_stranger(const Session& session) {
  if (session.state == SessionState::connected) return true;
  return session.state == SessionState::connecting && session.exchange->number == 0;
}

}  // namespace

Admission::Admission(Shard& shard)
    : shard_(shard),
      handshakes_per_second_(shard.config().handshakes_per_second_max),
      joins_per_second_(shard.config().joins_per_second_max),
      handshakes_(handshakes_per_second_, shard.node.cores),
      joins_(joins_per_second_, shard.node.cores),
      strangers_max_(share(shard.config().handshakes_pending_max, shard.node.cores)) {}

void Admission::adopt_settings() {
  const Config& config = shard_.config();
  // A bucket that is as it was keeps what is in it.
  const auto adopt = [this](TokenBucket& bucket, std::uint64_t& rate, std::uint64_t wanted) {
    if (rate == wanted) return;
    rate = wanted;
    bucket = TokenBucket(wanted, shard_.node.cores);
  };
  adopt(handshakes_, handshakes_per_second_, config.handshakes_per_second_max);
  adopt(joins_, joins_per_second_, config.joins_per_second_max);
  strangers_max_ = share(config.handshakes_pending_max, shard_.node.cores);
}

std::uint64_t Admission::handshake(Who who) {
  const std::uint64_t delay_ms = handshakes_.take(shard_.now_ms, who);
  if (delay_ms != 0) shard_.counters.handshakes_deferred_total.add();
  return delay_ms;
}

std::uint64_t Admission::join(Who who) {
  const std::uint64_t delay_ms = joins_.take(shard_.now_ms, who);
  if (delay_ms != 0) shard_.counters.joins_deferred_total.add();
  return delay_ms;
}

void Admission::arrived(const Session& session) {
  ++strangers_;
  if (strangers_max_ == 0) return;
  // Those who are known by now are swept out before they are the most of the queue.
  if (arrivals_.size() >= 64 + 2 * strangers_)
    std::erase_if(arrivals_, [this](engine::SocketId socket) {
      const Session* each = shard_.sessions.find(socket);
      return each == nullptr || !is_stranger(*each);
    });
  arrivals_.push_back(session.socket);
}

void Admission::withdrawn(const Session& session) {
  if (is_stranger(session)) known();
}

void Admission::close_oldest() {
  while (strangers_max_ != 0 && strangers_ > strangers_max_ && !arrivals_.empty()) {
    Session* session = shard_.sessions.find(arrivals_.front());
    arrivals_.pop_front();
    if (session == nullptr || !is_stranger(*session)) continue;
    shard_.counters.strangers_closed_total.add();
    static constexpr std::string_view sentence =
        "too many connections have not said who they are, and this one waited longest; connect "
        "again and say it at once";
    if (session->kind == SessionKind::http) {
      const proto::HttpHeader retry[] = {{"Retry-After", "1"}};
      shard_.exchanges.refuse(*session, 503, "rate_limited", sentence, retry, true);
    } else {
      shard_.lifecycle.close(*session, proto::CloseCode::try_later, sentence);
    }
  }
}

}  // namespace ringroom::realtime
