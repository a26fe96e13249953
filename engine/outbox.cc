#include "engine/outbox.h"

#include <algorithm>

#include "engine/core.h"

namespace ringroom::engine {

Outbox::Send Outbox::send(SocketId id, alloc::BlockRef bytes) {
  Socket* socket = core_.open_socket(id);
  return socket == nullptr ? Send::gone : core_.sends_.send(id.slot, *socket, std::move(bytes));
}

Outbox::Send Outbox::send(SocketId id, alloc::BlockRef bytes, Lane lane, LanePlace& place) {
  Socket* socket = core_.open_socket(id);
  return socket == nullptr ? Send::gone
                           : core_.sends_.send(id.slot, *socket, std::move(bytes), lane, place);
}

bool Outbox::has_lanes(SocketId id) const {
  const Socket* socket = core_.open_socket(id);
  return socket != nullptr && core_.sends_.has_lanes(*socket);
}

bool Outbox::any_has_lanes() const { return core_.sends_.any_has_lanes(); }

Outbox::Send Outbox::write(SocketId id, std::span<const std::byte> bytes) {
  Socket* socket = core_.open_socket(id);
  return socket == nullptr ? Send::gone : core_.sends_.write(id.slot, *socket, bytes);
}

std::span<std::byte> Outbox::reserve(std::size_t bytes_max) {
  return core_.sends_.reserve(bytes_max);
}

Outbox::Send Outbox::commit(SocketId id, std::size_t bytes) {
  Socket* socket = core_.open_socket(id);
  return socket == nullptr ? Send::gone : core_.sends_.commit(id.slot, *socket, bytes);
}

std::size_t Outbox::queued_bytes(SocketId id) const {
  const Socket* socket = core_.open_socket(id);
  return socket == nullptr ? 0 : core_.sends_.queued_bytes(*socket);
}

bool Outbox::is_blocked(SocketId id) const {
  const Socket* socket = core_.open_socket(id);
  return socket != nullptr && socket->blocked;
}

void Outbox::tell_when_drained(SocketId id) {
  Socket* socket = core_.open_socket(id);
  if (socket != nullptr) core_.sends_.tell_when_drained(id.slot, *socket);
}

void Outbox::close(SocketId socket, std::span<const std::byte> farewell, Peer peer) {
  Socket* open = core_.open_socket(socket);
  if (open == nullptr) return;
  open->peer_has_ended = peer == Peer::has_ended;
  RR_CHECK(farewell.size() <= bounds::farewell_bytes_max);
  core_.sends_.write_last(socket.slot, *open, farewell);
  core_.closer_.close(socket.slot, core_.now_ms_);
  // A paused socket reads again, to see the peer's FIN.
  core_.receiver_.resume(socket.slot);
}

void Outbox::abort(SocketId socket) {
  if (core_.sockets_.find(socket.slot, socket.generation) == nullptr) return;
  core_.closer_.abort(socket.slot);
}

void Outbox::pause(SocketId socket) {
  if (core_.open_socket(socket) != nullptr) core_.receiver_.pause(socket.slot);
}

void Outbox::resume(SocketId socket) {
  if (core_.open_socket(socket) != nullptr) core_.receiver_.resume(socket.slot);
}

TimerId Outbox::arm(std::uint64_t delay_ms, std::uint64_t cookie) {
  // The turn's clock may be a tick behind; the extra tick keeps "not before" true.
  const std::uint64_t ticks = delay_ms == 0 ? 0 : delay_ms + bounds::tick_ms;
  return core_.timers_.arm(core_.now_ms_ + ticks, cookie);
}

bool Outbox::cancel(TimerId timer) { return core_.timers_.cancel(timer); }

bool Outbox::post(CoreId core, Letter& letter) {
  RR_CHECK(core != core_.id_);
  RR_CHECK(core.value < core_.office_.cores());
  core_.posted_to_[core.value] = true;
  if (core_.office_.box(core_.id_, core).push(letter)) return true;
  core_.counters_.mailbox_full.add();
  core_.mailbox_was_full_ = true;
  return false;
}

void Outbox::gather(std::uint32_t us, std::uint32_t completions) {
  core_.gather_us_ = std::clamp<std::uint32_t>(us, 1, bounds::gather_longer_us);
  core_.gather_completions_ = std::max<std::uint32_t>(completions, 1);
}

CoreId Outbox::core() const { return core_.id_; }
std::uint32_t Outbox::core_count() const { return core_.office_.cores(); }
std::uint32_t Outbox::open_sockets() const { return core_.sockets_.open_count(); }

void Outbox::stop_accepting() { core_.acceptor_.stop(); }
void Outbox::finished() { core_.finish(); }

}  // namespace ringroom::engine
