#include "realtime/http/traces.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "base/clock.h"
#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "realtime/bounds.h"
#include "realtime/http/workspace_query.h"
#include "realtime/session/connection_text.h"
#include "realtime/shard.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

namespace {

// Every line begins with it, so that lines are in the order of time as texts.
constexpr std::string_view line_begin = R"({"at":")";

// Of what is gone only the hash is left; equal ones are the same.
void append_name(alloc::BlockBuilder& out, ScopedName name, std::string_view key,
                 std::uint64_t hash) {
  out.append(",\"");
  out.append(key);
  if (name.empty()) {
    char text[32];
    const int size = std::snprintf(text, sizeof text, "_hash\":\"%016" PRIx64 "\"", hash);
    return out.append(std::string_view(text, static_cast<std::size_t>(size)));
  }
  out.append("\":");
  proto::append_json_string(out, name.shown());
  if (name.workspace().is_default()) return;
  out.append(",\"");
  out.append(key);
  out.append("_workspace\":");
  proto::append_json_string(out, name.workspace().id());
}

void append_detail(alloc::BlockBuilder& out, DetailKind kind, std::uint32_t detail) {
  const auto named = [&](std::string_view key, std::string_view value) {
    out.append(key);
    proto::append_json_string(out, value);
  };
  const auto number = [&](std::string_view key) {
    out.append(key);
    proto::append_number(out, std::uint64_t{detail});
  };
  switch (kind) {
    case DetailKind::none:
      return;
    case DetailKind::sequence:
      return number(R"(,"sequence":)");
    case DetailKind::close_code:
      return number(R"(,"code":)");
    case DetailKind::count:
      return number(R"(,"listeners":)");
    case DetailKind::error_code:
      if (detail < std::size(proto::error_rows))
        named(R"(,"code":)", proto::error_rows[detail].name);
      return;
    case DetailKind::command:
      if (detail < usage_count) named(R"(,"command":)", usage_names[detail]);
      return;
    case DetailKind::reason:
      if (detail < std::size(refusal_rows))
        named(R"(,"code":)", proto::row_of(refusal_rows[detail].code).name);
      return;
  }
}

}  // namespace

Traces::Traces(Shard& shard) : shard_(shard), lines_(shard.heap), frame_(shard.heap) {}

void Traces::begin(Session& session, const proto::Request& request) {
  const auto refuse = [&](std::string_view sentence) {
    shard_.exchanges.refuse(session, proto::ErrorCode::bad_request, sentence);
  };
  const auto connection = proto::query_parameter(request.query, "connection");
  const auto user = proto::query_parameter(request.query, "user");
  const auto room = proto::query_parameter(request.query, "room");
  if (connection.has_value() + user.has_value() + room.has_value() != 1)
    return refuse("say one of `connection`, `user` and `room`");
  const std::string said = workspace_in_query(request.query).value_or("default");
  const auto workspace = Workspace::of(said);
  if (!workspace) return refuse("`workspace` must be the id of one");
  const auto is_name = [](const std::optional<std::string>& name) {
    return !name || proto::dialect::native_json::is_room_name(*name);
  };
  if (!is_name(user) || !is_name(room))
    return refuse("a name is 1 to 255 bytes of UTF-8 without control characters");
  FlightSubject subject{.kind = FlightSubject::Kind::connection};
  if (connection) {
    const auto id = ConnectionText::parse(*connection);
    if (!id || id->core >= shard_.node.cores)
      return refuse("`connection` must be a connection_id of ours");
    subject.connection = *id;
  } else if (user) {
    subject = {.kind = FlightSubject::Kind::user,
               .hash = shard_.node.hash(NameIn(*workspace, *user)->text())};
  } else {
    subject = {.kind = FlightSubject::Kind::room,
               .hash = shard_.node.room_id(NameIn(*workspace, *room)).value};
  }
  std::uint32_t limit = bounds::traced_usual;
  if (const auto text = proto::query_parameter(request.query, "limit")) {
    const auto end = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (end.ec != std::errc{} || end.ptr != text->data() + text->size() ||
        limit > bounds::traced_max)
      return refuse("`limit` must be a whole number of events, 0 to 1000");
  }
  if (asked_.size() >= bounds::traces_max)
    return shard_.exchanges.refuse(session, proto::ErrorCode::unavailable,
                                   "several traces are being read; try again in a second");
  const std::uint32_t number = next_++;
  const std::uint32_t exchange = shard_.exchanges.wait(session);
  asked_.emplace(number, Asked{.socket = session.socket,
                               .exchange = exchange,
                               .due_ms = shard_.now_ms + bounds::health_wait_ms,
                               .limit = limit,
                               .lines = std::vector<std::string>(shard_.node.cores),
                               .answered = std::vector<bool>(shard_.node.cores),
                               .waiting = shard_.node.cores});
  shard_.outbox.arm(bounds::health_wait_ms, bounds::trace_cookie);
  shard_.send_to_all(ReadTrace{
      .asker = {.to = shard_.connection_id(session), .exchange = exchange},
      .number = number,
      .limit = limit,
      .wall_offset_us = std::uint64_t{1'000} * ringroom::wall_ms() - monotonic_ns() / 1'000,
      .subject = subject});
}

void Traces::receive(const ReadTrace& read) {
  reading_.push_back({.asker = read.asker,
                      .number = read.number,
                      .limit = read.limit,
                      .wall_offset_us = read.wall_offset_us,
                      .subject = read.subject,
                      .next = shard_.recorder.written(),
                      .found = {}});
}

void Traces::walk() {
  if (reading_.empty()) return;
  if (look(reading_.front())) reading_.erase(reading_.begin());
}

bool Traces::look(Reading& reading) {
  const FlightRecorder& recorder = shard_.recorder;
  const std::uint64_t first = recorder.first();
  for (std::size_t looks = 0; looks < bounds::trace_looks_per_turn; ++looks) {
    if (reading.next <= first || reading.found.size() == reading.limit) {
      lines_.clear();
      for (std::size_t i = reading.found.size(); i-- > 0;) {
        if (reading.found[i] < first) continue;  // pushed out since
        write(lines_, recorder.at(reading.found[i]), reading.wall_offset_us);
        lines_.append('\n');
      }
      shard_.send(
          CoreId{reading.asker.to.core},
          TraceRead{.number = reading.number, .core = shard_.core.value, .lines = lines_.text()});
      return true;
    }
    --reading.next;
    if (covers(reading.subject, recorder.at(reading.next))) reading.found.push_back(reading.next);
  }
  return false;
}

void Traces::write(alloc::BlockBuilder& out, const FlightEvent& event,
                   std::uint64_t wall_offset_us) {
  const HappenedRow& row = row_of(event.what());
  const std::uint64_t at_us = event.at_us() + wall_offset_us;
  char time[40];
  const int size = std::snprintf(time, sizeof time, "%010" PRIu64 ".%06" PRIu64 "\"",
                                 at_us / 1'000'000, at_us % 1'000'000);
  out.append(line_begin);
  out.append(std::string_view(time, static_cast<std::size_t>(size)));
  out.append(R"(,"core":)");
  proto::append_number(out, std::uint64_t{shard_.core.value});
  out.append(R"(,"event":)");
  proto::append_json_string(out, row.name);
  if (event.has_connection()) {
    out.append(R"(,"connection":)");
    proto::append_json_string(out, ConnectionText(event.connection()));
  }
  if (event.room != 0) {
    ScopedName name = shard_.rooms.name_of(RoomId{event.room});
    if (name.empty()) name = shard_.subscribers.name_of(RoomId{event.room});
    append_name(out, name, "room", event.room);
  }
  if (event.user != 0) {
    const Session* session =
        event.connection().core == shard_.core.value
            ? shard_.sessions.find(
                  {.slot = event.connection().slot, .generation = event.connection().generation})
            : nullptr;
    const bool is_here = session != nullptr && session->user != nullptr;
    append_name(out, is_here ? session->user->name() : ScopedName(), "user", event.user);
  }
  append_detail(out, row.detail, event.detail);
  out.append('}');
}

void Traces::receive(const TraceRead& read) {
  const auto found = asked_.find(read.number);
  if (found == asked_.end()) return;  // it came too late
  Asked& asked = found->second;
  asked.lines[read.core] = read.lines;
  asked.answered[read.core] = true;
  if (--asked.waiting > 0) return;
  finish(asked_.extract(found).mapped());
}

void Traces::fired() {
  std::vector<std::uint32_t> ended;
  for (const auto& [number, asked] : asked_)
    if (asked.due_ms <= shard_.now_ms) ended.push_back(number);
  for (const std::uint32_t number : ended) finish(asked_.extract(number).mapped());
}

void Traces::finish(const Asked& asked) {
  Session* session = shard_.sessions.find(asked.socket);
  if (session == nullptr || session->kind != SessionKind::http ||
      session->state == SessionState::draining)
    return;
  std::vector<std::string_view> lines;
  for (const std::string& of_core : asked.lines)
    each_line(of_core, [&](std::string_view line) { lines.push_back(line); });
  // Of one instant, in the order of the cores and of each core's events.
  constexpr std::size_t time_end = line_begin.size() + 17;
  std::ranges::stable_sort(lines, {},
                           [](std::string_view line) { return line.substr(0, time_end); });
  if (lines.size() > asked.limit)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(asked.limit));
  alloc::BlockBuilder body(shard_.heap);
  body.append(R"({"events":[)");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    body.append(i == 0 ? "\n" : ",\n");
    body.append(lines[i]);
  }
  body.append(R"(],"kept_per_core":)");
  proto::append_number(body, std::uint64_t{shard_.recorder.event_count()});
  body.append(R"(,"cores_missing":[)");
  bool is_first = true;
  for (std::size_t core = 0; core < asked.answered.size(); ++core) {
    if (asked.answered[core]) continue;
    body.append(std::exchange(is_first, false) ? "" : ",");
    proto::append_number(body, std::uint64_t{core});
  }
  body.append("]}\n");
  shard_.exchanges.answer(*session, asked.exchange,
                          {.status = 200, .content_type = "application/json", .body = body.text()});
}

bool Traces::watch(Session& session, const FlightSubject& subject) {
  unwatch(session);
  if (shard_.recorder.watched().size() >= bounds::watchers_max) return false;
  shard_.send_to_all(
      WatchTrace{.watcher = shard_.connection_id(session), .on = true, .subject = subject});
  return true;
}

void Traces::unwatch(const Session& session) {
  shard_.send_to_all(WatchTrace{.watcher = shard_.connection_id(session), .on = false});
}

void Traces::receive(const WatchTrace& watch) {
  auto& watched = shard_.recorder.watched();
  std::erase_if(watched, [&](const auto& each) { return each.watcher == watch.watcher; });
  if (!watch.on || watched.size() >= bounds::watchers_max) return;
  auto& added = watched.emplace_back();
  added.watcher = watch.watcher;
  added.subject = watch.subject;
  added.offered.reserve(FlightRecorder::offered_per_turn);
}

void Traces::tell() {
  for (FlightRecorder::Watched& watched : shard_.recorder.watched()) {
    if (watched.offered.empty()) continue;
    const std::uint64_t wall_offset_us = std::uint64_t{1'000} * shard_.wall_ms - shard_.now_us;
    lines_.clear();
    lines_.append(R"({"events":[)");
    for (std::size_t i = 0; i < watched.offered.size(); ++i) {
      if (i > 0) lines_.append(',');
      write(lines_, watched.offered[i], wall_offset_us);
    }
    lines_.append(R"(],"left_out":)");
    proto::append_number(lines_, std::exchange(watched.left_out, 0));
    lines_.append('}');
    watched.offered.clear();
    frame_.clear();
    proto::dialect::native_json::append_frame(
        proto::Publication{
            .type = "trace", .timestamp_ms = shard_.wall_ms, .payload = lines_.text()},
        frame_);
    shard_.answer(ToConnection{.to = watched.watcher, .frame = frame_.text()});
  }
}

}  // namespace ringroom::realtime
