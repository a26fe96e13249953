#include "realtime/shard.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/clock.h"
#include "proto/frame.h"
#include "realtime/bounds.h"

namespace ringroom::realtime {

namespace {

// Between looks at whether the other shards are done too.
constexpr std::uint64_t leave_poll_ms = 2;

ApiKeys keys_of(const Config& config) {
  ApiKeys out;
  out.add("api-key", {Scope::publish, Scope::read, Scope::rooms, Scope::sessions}, {},
          config.api_key);
  out.add("admin-key", {Scope::publish, Scope::read, Scope::rooms, Scope::sessions, Scope::admin},
          {}, config.admin_key);
  for (const AccessKey& key : config.access_keys)
    out.add(key.name, key.scopes,
            key.workspace.empty() ? std::nullopt : Workspace::of(key.workspace), key.secret);
  return out;
}

}  // namespace

Shard::Shard(Node& node_, CoreId core_, engine::Outbox& outbox_)
    : node(node_),
      core(core_),
      edition_(node.settings.edition()),
      settings_(node.settings.current()),
      counters(*node.counters[core.value]),
      beat(*node.beats[core.value]),
      footprint(*node.footprints[core.value]),
      outbox(outbox_),
      now_ms(monotonic_ms()),
      wall_ms(ringroom::wall_ms()),
      stages(counters),
      recorder(node.config.recorder_events),
      heap(memory, core),
      http_pool(memory),
      message_pool(memory),
      inflater(memory),
      message_ids(node.hash_seed ^ (std::uint64_t(core.value) << 32) ^ monotonic_ns()),
      api_keys(std::make_shared<const ApiKeys>(keys_of(config()))),
      revocations(node),
      live_rights(node),
      identities(*this),
      sessions(node, memory),
      deflate_contexts(*this),
      event_filters(*this),
      dialects(*this),
      subscribers(*this),
      rooms(*this),
      reach(*this),
      room_life(*this),
      quotas(*this),
      room_places(*this),
      duplicates(*this),
      admission(*this),
      rate_limits(*this),
      lifecycle(*this),
      membership(*this),
      patterns(*this),
      listings(*this),
      rights(*this),
      questions(*this),
      orders(*this),
      room_tokens(*this),
      revoking(*this),
      commands(*this),
      greetings(*this),
      websockets(*this),
      exchanges(*this),
      api(*this),
      batches(*this),
      connection_lists(*this),
      name_lists(*this),
      broadcasts(*this),
      everybody(*this),
      scrapes(*this),
      system_health(*this),
      traces(*this),
      own_numbers(*this),
      drain(*this),
      deflater_(config().compression_bytes_min),
      mail_(node.cores) {
  for (const TopicRow& row : topics)
    permission_sets.known.push_back(node.permission(row.permission));
  outbox.arm(bounds::sweep_interval_ms, bounds::sweep_cookie);
  footprint.recorder_bytes.set(recorder.event_count() * sizeof(FlightEvent));
  beat.is(Doing::outside);
}

Shard::~Shard() { beat.is(Doing::nothing); }

void Shard::adopt_settings() {
  edition_ = node.settings.edition();
  settings_ = node.settings.current();
  api_keys = std::make_shared<const ApiKeys>(keys_of(config()));
  identities.adopt_settings();
  admission.adopt_settings();
  rate_limits.adopt_settings();
  rooms.adopt_settings();
}

void Shard::on_turn(const engine::Inbox& inbox, engine::Outbox&) {
  beat.begin_turn();
  beat.is(Doing::accepted);
  now_us = inbox.now_ns / 1'000;
  now_ms = inbox.now_ms;
  wall_ms = ringroom::wall_ms();
  if (node.settings.edition() != edition_) adopt_settings();
  stages.begin_turn(now_us);
  recorder.begin_turn(now_us);
  subscribers.begin_turn();

  for (const engine::Accepted& accepted : inbox.accepted) {
    lifecycle.accepted(accepted);
    // On its way when the listener closed.
    if (drain.has_begun()) lifecycle.close_http(sessions.at(accepted.socket));
  }
  for (const engine::Received& received : inbox.received) {
    beat.is(Doing::received);
    Session* session = sessions.find(received.socket);
    if (session == nullptr || session->state == SessionState::draining) continue;
    if (session->kind == SessionKind::http) {
      exchanges.received(*session, received.bytes);
    } else {
      websockets.received(*session, received.bytes);
    }
  }
  for (const engine::SocketId socket : inbox.drained) {
    exchanges.drained(socket);
    subscribers.drained(socket);
  }
  for (engine::Letter* letter : inbox.letters) read(static_cast<Letter&>(*letter));
  beat.is(Doing::timers);
  for (const engine::Fired& fired : inbox.fired) {
    if (fired.cookie == bounds::sweep_cookie) {
      rooms.begin_sweep();
      footprint.sessions_bytes.set(sessions.memory_bytes());
      footprint.blocks_bytes.set(heap.bytes());
      Watchdog::notice_silence(node.watchdog, now_ms);
      rights.expire();
      own_numbers.sweep();
      room_tokens.expire();
      outbox.arm(bounds::sweep_interval_ms, bounds::sweep_cookie);
    } else if (fired.cookie == bounds::presence_cookie) {
      rooms.tell_presence();
    } else if (fired.cookie == bounds::quiet_cookie) {
      rooms.hours_begin();
    } else if (fired.cookie == bounds::pace_cookie) {
      rooms.release_paced();
    } else if (fired.cookie == bounds::health_cookie) {
      system_health.fired();
    } else if (fired.cookie == bounds::trace_cookie) {
      traces.fired();
    } else if (fired.cookie == bounds::own_numbers_cookie) {
      own_numbers.fired();
    } else if (fired.cookie == bounds::leave_cookie) {
      awaits_others_ = false;
    } else if (fired.cookie == bounds::go_on_cookie) {
      goes_on_ = false;
    } else if (fired.cookie == bounds::drain_cookie) {
      drain.fired();
    } else if (fired.cookie == bounds::flush_cookie) {
      flush_due_ms_ = 0;
    } else {
      lifecycle.fired(fired);
    }
  }
  beat.is(Doing::closed);
  for (const engine::Closed& closed : inbox.closed) lifecycle.closed(closed.socket);

  // What was gathered before goes first; what rooms say now follows as far as the turn has room.
  beat.is(Doing::backlog);
  subscribers.serve_backlog();
  beat.is(Doing::reach);
  rooms.sweep();
  reach.walk();
  everybody.walk();
  connection_lists.walk();
  name_lists.walk();
  beat.is(Doing::scrape);
  scrapes.walk();
  traces.walk();
  own_numbers.walk();
  beat.is(Doing::flush);
  rooms.flush();
  traces.tell();
  end_unservable();
  admission.close_oldest();
  const bool has_more = subscribers.has_backlog() || reach.has_more() || scrapes.has_more() ||
                        connection_lists.has_more() || name_lists.has_more() || traces.has_more() ||
                        own_numbers.has_more() || everybody.has_more() || rooms.is_sweeping();
  if (has_more && !std::exchange(goes_on_, true)) outbox.arm(0, bounds::go_on_cookie);
  rooms.gather(outbox);
  arm_flush();
  if (inbox.stopping) leave_when_done();
  return_blocks(inbox.stopping);
  mail_.post(outbox);
  if (!stages.is_empty()) stages.end_turn(monotonic_ns() / 1'000);
  beat.is(Doing::outside);
}

void Shard::append_deflated(alloc::BlockBuilder& out, proto::Opcode opcode,
                            std::span<const std::byte> payload, std::uint8_t window_bits) {
  const std::size_t bytes = deflater_.append_frame(out, opcode, payload, window_bits);
  if (bytes == 0) return;
  counters.deflate_messages_total.add();
  counters.deflate_bytes_in_total.add(payload.size());
  counters.deflate_bytes_out_total.add(bytes);
}

void Shard::read(Letter& letter) {
  // Before the letter goes back: until then its sender is busy, so the count cannot touch zero.
  if (!std::exchange(is_busy_, true)) node.busy_shards.fetch_add(1, std::memory_order_relaxed);
  for (const LetterItem& item : letter.items()) {
    beat.is(Doing::letter, item.index());
    std::visit([this](const auto& each) { receive(each); }, item);
  }
  letter.hand_back();
}

void Shard::receive(const Published& published) {
  stages.answered(published.since);
  Session* session =
      sessions.find({.slot = published.to.slot, .generation = published.to.generation});
  if (session == nullptr || session->state == SessionState::draining) return;
  record(Happened::acknowledged, *session, published.room, published.sequence);
  if (session->kind == SessionKind::native) return commands.receive(*session, published);
  if (session->kind == SessionKind::http) return exchanges.receive(*session, published);
}

void Shard::receive(const RoomDescribed& room) {
  if (room.why == Described::listed) return listings.receive(room);
  const ConnectionId& to = room.asker.to;
  Session* session = sessions.find({.slot = to.slot, .generation = to.generation});
  if (session == nullptr || session->state == SessionState::draining) return;
  if (session->kind == SessionKind::http) return exchanges.receive(*session, room);
  commands.receive(*session, room);
}

void Shard::receive(const Refused& refused) {
  Session* session = sessions.find({.slot = refused.to.slot, .generation = refused.to.generation});
  if (session == nullptr || session->state == SessionState::draining) return;
  const bool is_order = orders.holds(refused.to, refused.ticket);
  membership.receive(refused);
  if (is_order) return;
  if (session->awaits_greeting) return greetings.receive(*session, refused);
  if (session->kind == SessionKind::native) return commands.receive(*session, refused);
  if (session->kind == SessionKind::http) return exchanges.receive(*session, refused);
  // The raw dialect has no words to refuse one message with.
  lifecycle.close(*session, proto::CloseCode::try_later);
}

void Shard::receive(const Answered& answered) {
  const ConnectionId& to = answered.asker.to;
  Session* session = sessions.find({.slot = to.slot, .generation = to.generation});
  if (session != nullptr && session->state != SessionState::draining)
    exchanges.answer(*session, answered.asker.exchange, answered.body);
}

void Shard::receive(const Throttle& item) {
  const engine::SocketId socket{.slot = item.to.slot, .generation = item.to.generation};
  item.pause ? outbox.pause(socket) : outbox.resume(socket);
}

void Shard::receive(const ToUsers& item) {
  Dialects::Told message(dialects, item.frame);
  each_line(item.user_ids, [&](std::string_view user_id) {
    const User* user = sessions.find_user(NameIn(item.workspace, user_id));
    if (user == nullptr) return;
    sessions.for_each_of(*user, [&](Session& session) {
      if (!(connection_id(session) == item.exclude) &&
          session.grants.permissions().has(item.permission))
        told(session.socket, message.to(session));
    });
  });
}

void Shard::receive(const ToConnection& item) {
  const engine::SocketId socket{.slot = item.to.slot, .generation = item.to.generation};
  Session* session = sessions.find(socket);
  if (session == nullptr || session->kind != SessionKind::native) return;
  told(socket, dialects.write(*session, item.frame, 0));
}

void Shard::receive(const ToNamed& item) {
  const engine::SocketId socket{.slot = item.to.slot, .generation = item.to.generation};
  const Session* session = sessions.find(socket);
  if (session == nullptr || !(workspace_of(*session) == item.workspace) ||
      !session->grants.permissions().has(item.permission))
    return;
  receive(ToConnection{.to = item.to, .frame = item.frame});
}

void Shard::receive(const HistoryRead& item) {
  const engine::SocketId socket{.slot = item.to.slot, .generation = item.to.generation};
  Session* session = sessions.find(socket);
  if (session == nullptr || session->kind != SessionKind::native) return;
  if (session->grants.edition() == item.edition)
    return told(socket, dialects.write(*session, item.frame, 0));
  proto::Command about;
  about.message_id = item.correlation_id;
  about.room = item.room_name;
  commands.refuse(*session, proto::ErrorCode::unavailable, about,
                  "your rights changed while this was read; ask again");
}

void Shard::told(engine::SocketId socket, engine::Outbox::Send sent) {
  if (sent == engine::Outbox::Send::queued) counters.messages_sent_total.add();
  if (sent == engine::Outbox::Send::over_limit) subscribers.too_slow().push_back(socket);
}

void Shard::end_unservable() {
  std::vector<engine::SocketId>& too_slow = subscribers.too_slow();
  // Closing one completes what its rooms hand out, to it as well, which may find another. A slow
  // one stays listed until all are closed: what comes behind a message that it was refused would be
  // heard behind a hole.
  while (!too_slow.empty() || !subscribers.lost().empty()) {
    const std::vector<engine::SocketId> lost = std::exchange(subscribers.lost(), {});
    for (const engine::SocketId socket : lost)
      if (Session* session = sessions.find(socket))
        lifecycle.close(*session, proto::CloseCode::insufficient_state);
    for (std::size_t i = 0; i < too_slow.size(); ++i) {  // by index: it may grow
      const engine::SocketId socket = too_slow[i];
      lifecycle.drop_slow(socket);
    }
    too_slow.clear();
    rooms.flush();
  }
}

void Shard::arm_flush() {
  const std::uint64_t due_ms = rooms.flush_due_ms();
  if (due_ms == 0 || (flush_due_ms_ != 0 && flush_due_ms_ <= due_ms)) return;
  outbox.cancel(flush_timer_);
  flush_timer_ = outbox.arm(due_ms - std::min(due_ms, now_ms), bounds::flush_cookie);
  flush_due_ms_ = due_ms;
}

void Shard::return_blocks(bool stopping) {
  std::vector<alloc::Block*>& returns = heap.returns();
  if (returns.empty()) return;
  std::size_t bytes = 0;
  for (const alloc::Block* block : returns) bytes += block->size_bytes;
  if (!stopping && returns.size() < bounds::returns_count_max && bytes < bounds::returns_bytes_max)
    return;
  for (alloc::Block* block : returns) mail_.add(block->heap->core(), BlockReturned{block});
  returns.clear();
}

// Once there are no sessions, no mail and no lent blocks anywhere, nobody can wake anybody any
// more.
void Shard::leave_when_done() {
  // Behind the flush above: what rooms have said goes out before who is to leave does.
  drain.turn();
  rooms.flush();
  const bool is_done = sessions.size() == 0 && heap.returns().empty() && mail_.is_idle();
  if (is_done && is_busy_) {
    is_busy_ = false;
    node.busy_shards.fetch_sub(1, std::memory_order_acq_rel);
  }
  if (!is_busy_ && node.busy_shards.load(std::memory_order_acquire) == 0) return outbox.finished();
  if (!std::exchange(awaits_others_, true)) outbox.arm(leave_poll_ms, bounds::leave_cookie);
}

}  // namespace ringroom::realtime
