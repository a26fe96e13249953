#include "realtime/source/own_numbers.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "engine/engine.h"
#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

// What is said as so many a second; a row each. The first are of the shards, the others of the
// engine.
struct RateRow {
  Topic topic;
  std::string_view name;
  Counter ShardCounters::*shard;
  Counter engine::EngineCounters::*engine;
};
constexpr RateRow rates[] = {
    {Topic::user_activity, "opened", &ShardCounters::connections_total, nullptr},
    {Topic::user_activity, "joins", &ShardCounters::joins_total, nullptr},
    {Topic::user_activity, "leaves", &ShardCounters::leaves_total, nullptr},
    {Topic::user_activity, "reconnects", &ShardCounters::reconnects_admitted_total, nullptr},
    {Topic::user_activity, "token_refreshes", &ShardCounters::token_refreshes_total, nullptr},
    {Topic::performance, "received", &ShardCounters::messages_received_total, nullptr},
    {Topic::performance, "sent", &ShardCounters::messages_sent_total, nullptr},
    {Topic::performance, "published", &ShardCounters::publications_total, nullptr},
    {Topic::performance, "delivered", &ShardCounters::deliveries_total, nullptr},
    {Topic::performance, "slow_consumers", &ShardCounters::slow_consumers_total, nullptr},
    {Topic::performance, "rate_limited", &ShardCounters::rate_limited_total, nullptr},
    {Topic::performance, "bytes_received", nullptr, &engine::EngineCounters::bytes_received},
    {Topic::performance, "bytes_sent", nullptr, &engine::EngineCounters::bytes_sent},
};

void append_real(alloc::BlockBuilder& out, double value) {
  char text[40];
  const int size = std::snprintf(text, sizeof text, "%.3f", value);
  out.append(std::string_view(text, static_cast<std::size_t>(size)));
}

// An object that is written member by member.
class Object {
 public:
  explicit Object(alloc::BlockBuilder& out) : out_(out) { out_.append('{'); }

  alloc::BlockBuilder& key(std::string_view name) {
    if (!std::exchange(is_first_, false)) out_.append(',');
    proto::append_json_string(out_, name);
    out_.append(':');
    return out_;
  }
  void number(std::string_view name, std::uint64_t value) {
    proto::append_number(key(name), value);
  }
  void real(std::string_view name, double value) { append_real(key(name), value); }
  void end() { out_.append('}'); }

 private:
  alloc::BlockBuilder& out_;
  bool is_first_ = true;
};

void write_times(Object& object, std::string_view name, const HistogramSum& times) {
  Object inner(object.key(name));
  inner.number("count", times.count());
  const auto quantile = [&](std::string_view label, double share) {
    inner.real(label, static_cast<double>(times.quantile(share)) / 1'000);
  };
  quantile("p50_ms", 0.5);
  quantile("p90_ms", 0.9);
  quantile("p99_ms", 0.99);
  quantile("p999_ms", 0.999);
  inner.end();
}

}  // namespace

OwnNumbers::OwnNumbers(Shard& shard) : shard_(shard), out_(shard.heap), frame_(shard.heap) {}

void OwnNumbers::listened(RoomId id, std::string_view name) {
  if (std::ranges::find(rooms_, id, &Room::id) != rooms_.end()) return;
  const auto topic = TopicRoom::parse(name);
  if (!topic) return;
  // The first numbers come soon, the next ones are about an interval.
  rooms_.push_back({.id = id,
                    .topic = *topic,
                    .name = std::string(name),
                    .due_ms = shard_.now_ms + bounds::own_numbers_first_ms,
                    .before = nullptr});
  arm();
}

bool OwnNumbers::request(const Session& session, std::string_view correlation_id) {
  if (requests_.size() >= bounds::own_numbers_requests_max) return false;
  requests_.push_back(
      {.to = shard_.connection_id(session), .correlation_id = std::string(correlation_id)});
  look();
  return true;
}

void OwnNumbers::arm() {
  if (rooms_.empty()) return;
  const std::uint64_t due_ms = std::ranges::min_element(rooms_, {}, &Room::due_ms)->due_ms;
  if (armed_ms_ != 0 && armed_ms_ <= due_ms && armed_ms_ > shard_.now_ms) return;
  armed_ms_ = due_ms;
  shard_.outbox.arm(due_ms - std::min(due_ms, shard_.now_ms), bounds::own_numbers_cookie);
}

void OwnNumbers::fired() {
  std::erase_if(rooms_, [this](const Room& room) {
    return room.due_ms <= shard_.now_ms && !shard_.rooms.is_listened_to(room.id);
  });
  if (std::ranges::any_of(rooms_,
                          [this](const Room& room) { return room.due_ms <= shard_.now_ms; }))
    look();
  arm();
}

void OwnNumbers::look() {
  if (totals_) return;  // what is under way serves those too that came late
  totals_ = std::make_unique<Totals>();
  next_core_ = 0;
}

void OwnNumbers::walk() {
  if (!totals_) return;
  const auto end = static_cast<std::uint16_t>(
      std::min<std::size_t>(shard_.node.cores, next_core_ + bounds::scraped_cores_per_turn));
  for (; next_core_ < end; ++next_core_)
    totals_->add(shard_.node, CoreId{next_core_}, shard_.wall_ms / 1'000);
  if (next_core_ < shard_.node.cores) return;
  for (Room& room : rooms_)
    if (room.due_ms <= shard_.now_ms) tell(room);
  for (const Request& request : std::exchange(requests_, {})) answer(request);
  totals_.reset();
  arm();
}

void OwnNumbers::say(const Room& room, std::string_view type, std::string_view payload,
                     proto::Priority priority) {
  shard_.rooms.receive(Publish{.room = room.id,
                               .room_name = NameIn(Workspace(), room.name),
                               .from = nobody,
                               .type = type,
                               .sender = {},
                               .message_id = {},
                               .payload = payload,
                               .payload_kind = PayloadKind::json,
                               .ephemeral = false,
                               .can_wait = false,
                               .wants_answer = false,
                               .exchange = 0,
                               .exclude = nobody,
                               .priority = priority});
}

void OwnNumbers::receive(const AdminAlert& alert) {
  for (const Room& room : rooms_)
    if (room.topic.row->topic == Topic::system_monitoring)
      say(room, "admin_alert", alert.payload, alert.priority);
}

void OwnNumbers::sweep() {
  const std::uint64_t stalled = shard_.node.watchdog.cores_stalled.read();
  if (std::exchange(stalled_, stalled) == stalled || rooms_.empty()) return;
  receive(stalled > 0
              ? AdminAlert{.payload =
                               R"({"severity":"critical","message":"a core does not come to )"
                               R"(the end of its turn; the log says which, and at what"})",
                           .priority = proto::Priority::critical}
              : AdminAlert{.payload = R"({"severity":"info","message":"all cores go on"})",
                           .priority = proto::Priority::medium});
}

std::unique_ptr<OwnNumbers::Snapshot> OwnNumbers::snapshot() const {
  auto out = std::make_unique<Snapshot>();
  static_assert(std::size(rates) <= std::tuple_size_v<decltype(out->counts)>);
  out->at_us = shard_.now_us;
  for (std::size_t i = 0; i < std::size(rates); ++i)
    out->counts[i] = rates[i].shard != nullptr ? (totals_->shard.*rates[i].shard).read()
                                               : (totals_->engine.*rates[i].engine).read();
  out->turn = totals_->of(&ShardCounters::turn_duration_us);
  out->to_room = totals_->of(&ShardCounters::receive_to_room_us);
  out->to_send = totals_->of(&ShardCounters::room_to_send_us);
  out->to_ack = totals_->of(&ShardCounters::publish_to_ack_us);
  const engine::Engine* const engine = shard_.node.engine.load(std::memory_order_acquire);
  for (std::uint16_t core = 0; core < shard_.node.cores; ++core)
    out->processor_us.push_back(engine == nullptr ? 0 : engine->processor_us(CoreId{core}));
  return out;
}

void OwnNumbers::write_system(const Snapshot& now, const Snapshot& before) {
  const ShardCounters& shard = totals_->shard;
  Object object(out_);
  object.number("uptime_s", (shard_.wall_ms - shard_.node.started_wall_ms) / 1'000);
  {
    Object connections(object.key("connections"));
    connections.number("connecting", shard.connections_connecting.read());
    connections.number("connected", shard.connections_connected.read());
    connections.number("authenticated", shard.connections_authenticated.read());
    connections.number("draining", shard.connections_draining.read());
    connections.end();
  }
  object.number("rooms", shard.rooms.read());
  object.number("subscriptions", shard.subscriptions.read());
  object.number("queue_bytes", totals_->engine.queue_bytes.read());
  object.number("sockets_blocked", totals_->engine.sockets_blocked.read());
  {
    const WatchdogReport& watchdog = shard_.node.watchdog;
    Object memory(object.key("memory_bytes"));
    memory.number("resident", watchdog.resident_bytes.read());
    memory.number("limit", watchdog.memory_limit_bytes.read());
    for (const auto& row : alloc::footprint_rows) {
      // purpose="history"
      const std::string_view purpose = row.label.substr(row.label.find('"') + 1);
      memory.number(purpose.substr(0, purpose.size() - 1), (totals_->memory.*row.field).read());
    }
    memory.end();
    object.number("cores_stalled", watchdog.cores_stalled.read());
  }
  const auto passed_us = static_cast<double>(std::max<std::uint64_t>(now.at_us - before.at_us, 1));
  const engine::Engine* const engine = shard_.node.engine.load(std::memory_order_acquire);
  object.key("cores").append('[');
  for (std::uint16_t core = 0; core < shard_.node.cores; ++core) {
    if (core > 0) out_.append(',');
    Object one(out_);
    one.number("core", core);
    const std::uint64_t used_us =
        now.processor_us[core] - std::min(now.processor_us[core], before.processor_us[core]);
    one.real("cpu", std::min(1.0, static_cast<double>(used_us) / passed_us));
    if (engine != nullptr) {
      one.number("sockets", engine->counters(CoreId{core}).sockets_open.read());
      one.number("queue_bytes", engine->counters(CoreId{core}).queue_bytes.read());
    }
    one.end();
  }
  out_.append(']');
  object.end();
}

void OwnNumbers::write_users(const Snapshot& now, const Snapshot& before) {
  ShardCounters& shard = totals_->shard;
  Object object(out_);
  {
    Object active(object.key("active_users"));
    for (std::size_t i = 0; i < ActiveUsers::windows.size(); ++i)
      active.number(ActiveUsers::windows[i].name, totals_->users.users(i));
    active.end();
  }
  object.number("connections", shard.connections_authenticated.read());
  for (std::size_t i = 0; i < std::size(rates); ++i)
    if (rates[i].topic == Topic::user_activity)
      object.number(rates[i].name, now.counts[i] - before.counts[i]);
  // Since the start, as all that has no room in a snapshot.
  {
    Object types(object.key("messages_by_type_total"));
    for (std::size_t i = 0; i < usage_count; ++i)
      types.number(usage_names[i], shard.messages_of_type[i].read());
    types.end();
  }
  {
    Object ends(object.key("disconnects_total"));
    for (std::size_t i = 0; i < std::size(proto::close_codes); ++i)
      if (const std::uint64_t count = shard.disconnects[i].read(); count > 0)
        ends.number(proto::digits_of(proto::close_codes[i]), count);
    ends.number("other", shard.disconnects.back().read());
    ends.end();
  }
  object.end();
}

void OwnNumbers::write_performance(const Snapshot& now, const Snapshot& before) {
  Object object(out_);
  const double passed_s =
      static_cast<double>(std::max<std::uint64_t>(now.at_us - before.at_us, 1)) / 1e6;
  object.real("over_s", passed_s);
  {
    Object per_s(object.key("per_s"));
    for (std::size_t i = 0; i < std::size(rates); ++i)
      if (rates[i].topic == Topic::performance)
        per_s.real(rates[i].name, static_cast<double>(now.counts[i] - before.counts[i]) / passed_s);
    per_s.end();
  }
  write_times(object, "turn", now.turn.since(before.turn));
  write_times(object, "receive_to_room", now.to_room.since(before.to_room));
  write_times(object, "room_to_send", now.to_send.since(before.to_send));
  write_times(object, "publish_to_ack", now.to_ack.since(before.to_ack));
  object.end();
}

void OwnNumbers::tell(Room& room) {
  auto now = snapshot();
  const Snapshot& before = room.before ? *room.before : *now;
  out_.clear();
  switch (room.topic.row->topic) {
    case Topic::system_monitoring:
      write_system(*now, before);
      break;
    case Topic::user_activity:
      write_users(*now, before);
      break;
    case Topic::performance:
      write_performance(*now, before);
      break;
  }
  room.before = std::move(now);
  room.due_ms = shard_.now_ms + std::uint64_t{1'000} * room.topic.interval_s;
  say(room, room.topic.row->message_type, out_.text(), proto::Priority::medium);
}

void OwnNumbers::answer(const Request& request) {
  const auto now = snapshot();
  Snapshot start;
  start.at_us =
      now->at_us - std::min(now->at_us, 1'000 * (shard_.wall_ms - shard_.node.started_wall_ms));
  start.processor_us.resize(now->processor_us.size());
  out_.clear();
  out_.append(R"({"system":)");
  write_system(*now, start);
  out_.append(R"(,"performance":)");
  write_performance(*now, start);
  out_.append('}');
  frame_.clear();
  proto::dialect::native_json::append_frame(
      proto::Publication{.type = "metrics",
                         .correlation_id = request.correlation_id,
                         .timestamp_ms = shard_.wall_ms,
                         .payload = out_.text()},
      frame_);
  shard_.answer(ToConnection{.to = request.to, .frame = frame_.text()});
}

}  // namespace ringroom::realtime
