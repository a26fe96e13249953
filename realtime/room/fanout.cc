#include "realtime/room/fanout.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

#include "proto/bounds.h"
#include "proto/deflate_offer.h"
#include "proto/dialect/event_json.h"
#include "proto/dialect/native_binary.h"
#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "proto/json.h"
#include "realtime/bounds.h"
#include "realtime/room/sealer.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

std::size_t bytes_of(const Batch& batch) {
  std::size_t bytes = 0;
  for (const alloc::BlockBuilder& form : batch.forms) bytes += form.size();
  return bytes;
}

constexpr engine::Lane lane_of(proto::Priority priority) { return engine::Lane(priority); }
static_assert(lane_of(proto::Priority::low) == engine::Lane::low &&
                  lane_of(proto::Priority::critical) == engine::Lane::critical &&
                  std::size(proto::priority_names) == engine::lane_count,
              "a lane for each priority, in the same order");

// What is no object has to become one where payloads are JSON.
std::string_view object_of(std::string_view payload, PayloadKind kind, alloc::BlockBuilder& out) {
  if (kind == PayloadKind::text) {
    out.append(R"({"text":)");
    proto::append_json_string(out, payload);
    out.append('}');
  } else {
    out.append(R"({"base64":")");
    const std::size_t size = 4 * ((payload.size() + 2) / 3);
    // EVP_EncodeBlock ends its text with a NUL, which is not ours to keep.
    auto* text = reinterpret_cast<unsigned char*>(out.reserve(size + 1));
    EVP_EncodeBlock(text, reinterpret_cast<const unsigned char*>(payload.data()),
                    static_cast<int>(payload.size()));
    out.advance(size);
    out.append(R"("})");
  }
  return out.text();
}

}  // namespace

Fanout::Fanout(Shard& shard, Sealer& sealer) : shard_(shard), sealer_(sealer), plain_(shard.heap) {}

Batch& Fanout::batch_of(Room& room) {
  if (room.batch != nullptr) return *room.batch;
  if (spare_.empty())
    spare_.push_back(batches_.emplace_back(std::make_unique<Batch>(shard_.heap)).get());
  room.batch = spare_.back();
  spare_.pop_back();
  dirty_.push_back(&room);
  return *room.batch;
}

Batch& Fanout::batch_of(Room& room, proto::Priority priority) {
  Batch& batch = batch_of(room);
  batch.lane = std::max(batch.lane, lane_of(priority));
  return batch;
}

void Fanout::encode_with(Room& room, WireForm dialect, proto::Opcode opcode, Keep keep,
                         auto&& write) {
  const bool is_kept = keep != Keep::if_heard;
  const bool is_heard_plain = room.is_heard_in(dialect);
  const bool is_heard_deflated = room.is_heard_in(deflated(dialect));
  if (!is_heard_plain && !is_heard_deflated && !is_kept) return;
  Batch& batch = *room.batch;

  plain_.clear();
  alloc::BlockBuilder& plain =
      is_heard_plain || is_kept ? batch.forms[std::size_t(dialect)] : plain_;
  const std::size_t begin = proto::begin_frame(plain);
  write(plain);
  const std::span<const std::byte> payload = proto::end_frame(plain, begin, opcode);
  shard_.counters.fanout_encodes_total.add();
  if (keep == Keep::stored)
    batch.stored.push_back(
        {.sequence = batch.last_sequence,
         .begin = static_cast<std::uint32_t>(payload.data() - plain.data()),
         .end = static_cast<std::uint32_t>(payload.data() - plain.data() + payload.size()),
         .key = conflation_key_,
         .permission = permission_});
  if (!is_heard_deflated) return;
  shard_.append_deflated(batch.forms[std::size_t(deflated(dialect))], opcode, payload,
                         proto::whole_window_bits);
  if (is_heard_plain) shard_.counters.fanout_encodes_total.add();
}

Fanout::Keep Fanout::keep_for_batches(const Room& room) {
  return room.is_heard_in_either(WireForm::batched) ? Keep::for_batches : Keep::if_heard;
}

void Fanout::encode_raw(Room& room, const proto::Publication& publication, PayloadKind kind) {
  const bool is_binary = kind == PayloadKind::binary;
  encode_with(room, WireForm::raw, is_binary ? proto::Opcode::binary : proto::Opcode::text,
              Keep::if_heard, [&](alloc::BlockBuilder& out) {
                out.append(kind == PayloadKind::sealed ? Sealer::token_in(publication.payload)
                                                       : publication.payload);
              });
}

void Fanout::encode(Room& room, const proto::Publication& publication, PayloadKind kind) {
  // What the room remembers are its JSON envelopes, also while nobody hears them.
  const bool is_stored = room.history != nullptr && publication.sequence != 0;
  const Keep keep = is_stored ? Keep::stored : keep_for_batches(room);
  if (!is_stored && !room.has_members_listening()) return;
  const bool is_object = kind == PayloadKind::json || kind == PayloadKind::sealed;
  if (is_object && !room.is_heard_beyond_json())
    return encode_with(
        room, WireForm::json, proto::Opcode::text, keep,
        [&](alloc::BlockBuilder& out) { proto::dialect::native_json::encode(publication, out); });

  proto::Publication shown = publication;
  shown.room_number = room.number();
  shown.payload_is_raw = kind == PayloadKind::binary;
  alloc::BlockBuilder object(shard_.heap);
  if (!is_object) shown.payload = object_of(publication.payload, kind, object);
  encode_with(room, WireForm::json, proto::Opcode::text, keep,
              [&](alloc::BlockBuilder& out) { proto::dialect::native_json::encode(shown, out); });
  encode_with(room, WireForm::event, proto::Opcode::text, Keep::if_heard,
              [&](alloc::BlockBuilder& out) { proto::dialect::event_json::encode(shown, out); });
  if (shown.payload_is_raw) shown.payload = publication.payload;
  encode_with(room, WireForm::binary, proto::Opcode::binary, Keep::if_heard,
              [&](alloc::BlockBuilder& out) { proto::dialect::native_binary::encode(shown, out); });
}

void Fanout::add(Room& room, const proto::Publication& publication, PayloadKind kind,
                 std::span<const ConnectionId> without, proto::Priority priority,
                 std::uint64_t permission) {
  Batch& batch = batch_of(room, priority);
  permission_ = permission;
  const Marks begin = without.empty() ? Marks{} : marks(batch);
  if (publication.sequence != 0) {
    if (room.options().slow_consumer == SlowPolicy::keep_latest)
      conflation_key_ =
          shard_.node.hash(publication.key.empty() ? publication.type : publication.key);
    if (batch.first_sequence == 0) batch.first_sequence = publication.sequence;
    batch.last_sequence = publication.sequence;
  }
  mark_event(room, publication.type);
  encode(room, publication, kind);
  encode_raw(room, publication, kind);
  finish(room, begin, without);
}

void Fanout::announce(Room& room, const proto::Publication& publication,
                      const ConnectionId& without) {
  Batch& batch = batch_of(room, room.options().priority);
  const Marks begin = marks(batch);
  mark_event(room, publication.type);
  encode(room, publication, PayloadKind::json);
  const ConnectionId excluded[] = {presence_blind, without};
  finish(room, begin, std::span(excluded, without == nobody ? 1 : 2));
}

Ephemerals::Put Fanout::put(Room& room, std::uint64_t key, const Publish& publish) {
  if (!room.ephemerals) room.ephemerals = std::make_unique<Ephemerals>();
  batch_of(room);
  return room.ephemerals->put(key, publish);
}

void Fanout::add_ephemerals(Room& room) {
  Batch& batch = *room.batch;
  for (const Ephemerals::Pending& pending : room.ephemerals->pending()) {
    // Again if the batch was full and went out.
    if (!std::exchange(batch.has_ephemerals, true)) batch.ephemeral_begin = marks(batch);
    const MessageId::Text id = shard_.message_ids.next(shard_.wall_ms).text();
    // Nobody need be told that he types.
    ConnectionId without[3] = {pending.from};
    std::size_t count = 1;
    if (!(pending.exclude == nobody)) without[count++] = pending.exclude;
    if (pending.permission != no_permission) without[count++] = lacking(pending.permission);
    const bool is_sealed = Sealer::is_for(room);
    add(room,
        proto::Publication{.type = pending.type,
                           .room = room.shown_name(),
                           .message_id = {id.data(), id.size()},
                           .correlation_id = pending.message_id,
                           .sender = pending.sender,
                           .timestamp_ms = shard_.wall_ms,
                           .payload = is_sealed ? sealer_.seal(room, pending.payload, pending.kind)
                                                : pending.payload},
        is_sealed ? PayloadKind::sealed : pending.kind, std::span(without, count),
        room.options().priority, pending.permission);
  }
  room.ephemerals->sent(shard_.now_ms + room.options().ephemeral_interval_ms);
}

bool Fanout::is_waiting(const Room& room) const {
  return room.ephemerals != nullptr && !room.ephemerals->empty() &&
         room.ephemerals->next_ms() > shard_.now_ms;
}

void Fanout::reset(Room& room, std::string_view reason) {
  seal(room);
  room.sent = room.last();
  Batch& batch = batch_of(room, room.options().priority);
  batch.starts_anew = true;
  mark_event(room, EventFilter::always);
  const proto::RoomReset told{.room = room.shown_name(),
                              .epoch = room.epoch(),
                              .sequence = room.last().value,
                              .reason = reason};
  encode_with(room, WireForm::json, proto::Opcode::text, keep_for_batches(room),
              [&](alloc::BlockBuilder& out) { proto::dialect::native_json::encode(told, out); });
  encode_with(room, WireForm::event, proto::Opcode::text, Keep::if_heard,
              [&](alloc::BlockBuilder& out) { proto::dialect::event_json::encode(told, out); });
  encode_with(room, WireForm::binary, proto::Opcode::binary, Keep::if_heard,
              [&](alloc::BlockBuilder& out) { proto::dialect::native_binary::encode(told, out); });
  finish(room, {}, {});
  seal(room);
}

Fanout::Marks Fanout::marks(const Batch& batch) {
  Marks out;
  for (std::size_t form = 0; form < wire_forms; ++form)
    out[form] = static_cast<std::uint32_t>(batch.forms[form].size());
  return out;
}

void Fanout::mark_event(Room& room, std::string_view type) {
  if (room.is_heard_in_either(WireForm::event)) mark_event(room, shard_.event_filters.hash(type));
}

void Fanout::mark_event(Room& room, std::uint64_t type) {
  if (!room.is_heard_in_either(WireForm::event)) return;
  const auto begin = [&room](WireForm form) {
    return static_cast<std::uint32_t>(room.batch->forms[std::size_t(form)].size());
  };
  room.batch->events.push_back(
      {.type = type, .begin = {begin(WireForm::event), begin(deflated(WireForm::event))}});
}

void Fanout::finish(Room& room, const Marks& begin, std::span<const ConnectionId> without) {
  Batch& batch = *room.batch;
  if (batch.publications++ == 0) batch.since = shard_.stages.stamp();
  const Marks end = without.empty() ? Marks{} : marks(batch);
  for (const ConnectionId& connection : without) {
    Exclusion& exclusion = batch.exclusions.emplace_back();
    exclusion.connection = connection;
    for (std::size_t form = 0; form < wire_forms; ++form) {
      exclusion.begin[form] = begin[form];
      exclusion.end[form] = end[form];
    }
  }
  if (bytes_of(batch) >= bounds::batch_bytes_max && !is_held(room)) seal(room);
}

void Fanout::seal(Room& room) {
  if (room.batch == nullptr || room.batch->publications == 0) return;
  Batch& batch = *room.batch;
  if (room.is_heard_in_either(WireForm::batched) &&
      !batch.forms[std::size_t(WireForm::json)].empty())
    batch_up(room);
  alloc::BlockRef blocks[wire_forms];
  for (std::size_t form = 0; form < wire_forms; ++form)
    if (!batch.forms[form].empty()) blocks[form] = batch.forms[form].finish();
  if (!batch.stored.empty())
    shard_.counters.history_squeezed_total.add(
        room.history->append(blocks[std::size_t(WireForm::json)], batch.stored, shard_.now_ms));
  if (batch.last_sequence != 0) room.sent = Sequence{batch.last_sequence};

  const std::string_view exclusions(reinterpret_cast<const char*>(batch.exclusions.data()),
                                    batch.exclusions.size() * sizeof(Exclusion));
  const std::string_view events(reinterpret_cast<const char*>(batch.events.data()),
                                batch.events.size() * sizeof(EventMark));
  const std::span<const Room::Hearing> hearings = room.hearings();
  for (std::size_t i = 0; i < hearings.size();) {
    const CoreId core = hearings[i].core;
    FormBatch batches[wire_forms];
    std::size_t count = 0;
    for (; i < hearings.size() && hearings[i].core == core; ++i) {
      const auto form = std::size_t(hearings[i].form);
      if (!blocks[form]) continue;
      batches[count++] = {
          .block = blocks[form].share().release(),
          .ephemeral_begin = batch.has_ephemerals ? batch.ephemeral_begin[form] : ~std::uint32_t{0},
          .form = hearings[i].form};
    }
    if (count == 0 && !batch.starts_anew) continue;
    shard_.send(core, Deliver{.room = room.id(),
                              .batches = {reinterpret_cast<const char*>(batches),
                                          count * sizeof(FormBatch)},
                              .publications = batch.publications,
                              .since = batch.since,
                              .first_sequence = batch.first_sequence,
                              .last_sequence = batch.last_sequence,
                              .starts_anew = batch.starts_anew,
                              .lane = batch.lane,
                              .exclusions = exclusions,
                              .events = events});
  }
  shard_.counters.batches_total.add();
  shard_.counters.listeners_per_batch.add(room.listener_count());
  shard_.recorder.add(Happened::sealed, no_connection, 0, room.id().value, room.listener_count());
  if (room.gathering) {
    room.gathering->sent(shard_.now_us);
  } else if (room.listener_count() >= Gathering::listeners_min) {
    room.gathering = std::make_unique<Gathering>();
  }
  for (const ConnectionId& publisher : batch.throttled)
    shard_.send(CoreId{publisher.core}, Throttle{.to = publisher, .pause = false});
  batch.publications = 0;
  batch.first_sequence = batch.last_sequence = 0;
  batch.starts_anew = false;
  batch.lane = engine::Lane::low;
  batch.has_ephemerals = false;
  batch.stored.clear();
  batch.exclusions.clear();
  batch.events.clear();
  batch.throttled.clear();
}

void Fanout::append_batched(Room& room, std::span<const std::string_view> messages) {
  if (messages.empty()) return;
  encode_with(
      room, WireForm::batched, proto::Opcode::text, Keep::if_heard, [&](alloc::BlockBuilder& out) {
        if (messages.size() == 1) return out.append(messages.front());
        const MessageId::Text id = shard_.message_ids.next(shard_.wall_ms).text();
        proto::dialect::native_json::encode(proto::MessageBatch{.batch_id = {id.data(), id.size()},
                                                                .timestamp_ms = shard_.wall_ms,
                                                                .messages = messages},
                                            out);
      });
}

void Fanout::batch_up(Room& room) {
  Batch& batch = *room.batch;
  constexpr auto json = std::size_t(WireForm::json);
  constexpr std::size_t batched[] = {std::size_t(WireForm::batched),
                                     std::size_t(deflated(WireForm::batched))};
  const auto each_form = [&](auto& marks) {
    for (const std::size_t form : batched)
      marks[form] = static_cast<std::uint32_t>(batch.forms[form].size());
  };
  const std::span<const std::byte> frames = batch.forms[json].bytes();
  auto exclusion = batch.exclusions.begin();
  std::size_t gathered_bytes = 0;
  gathered_.clear();
  const auto end_run = [&] {
    append_batched(room, gathered_);
    gathered_.clear();
    gathered_bytes = 0;
  };
  for (std::size_t at = 0; at < frames.size();) {
    const proto::OwnFrame frame = proto::first_frame(frames.subspan(at));
    const std::string_view text(reinterpret_cast<const char*>(frame.payload.data()),
                                frame.payload.size());
    const bool is_excluded = exclusion != batch.exclusions.end() && exclusion->begin[json] == at;
    const bool begins_ephemerals = batch.has_ephemerals && batch.ephemeral_begin[json] == at;
    if (is_excluded || begins_ephemerals || gathered_.size() == proto::batch_messages_max ||
        gathered_bytes + text.size() > shard_.config().message_bytes_max)
      end_run();
    if (begins_ephemerals) each_form(batch.ephemeral_begin);
    if (is_excluded) {
      const auto first = exclusion;
      for (; exclusion != batch.exclusions.end() && exclusion->begin[json] == at; ++exclusion)
        each_form(exclusion->begin);
      append_batched(room, std::span(&text, 1));
      for (auto done = first; done != exclusion; ++done) each_form(done->end);
    } else {
      gathered_.push_back(text);
      gathered_bytes += text.size();
    }
    at += frame.frame_bytes;
  }
  end_run();
}

void Fanout::let_go(Room& room) {
  if (room.batch == nullptr) return;
  seal(room);
  spare_.push_back(std::exchange(room.batch, nullptr));
  std::erase(dirty_, &room);
}

bool Fanout::is_held(const Room& room) const {
  return room.busy_cores > 0 || shard_.subscribers.is_busy(room.id());
}

Fanout::Space Fanout::space(const Room& room) const {
  if (room.batch == nullptr || !is_held(room)) return Space::free;
  const std::size_t bytes = bytes_of(*room.batch);
  // A batch goes to a listener whole, so it may take half of what may wait for one.
  const std::uint64_t full = std::clamp<std::uint64_t>(
      shard_.config().queue_bytes_max / 2, bounds::batch_bytes_max, bounds::full_batch_bytes_max);
  return bytes < full                           ? Space::free
         : bytes < bounds::held_batch_bytes_max ? Space::full
                                                : Space::exhausted;
}

void Fanout::throttle(Room& room, const ConnectionId& publisher) {
  std::vector<ConnectionId>& throttled = room.batch->throttled;
  if (std::ranges::find(throttled, publisher) != throttled.end()) return;
  throttled.push_back(publisher);
  shard_.counters.throttled_total.add();
  shard_.send(CoreId{publisher.core}, Throttle{.to = publisher, .pause = true});
}

bool Fanout::gathers(Room& room) {
  if (!room.gathering || !room.gathering->waits(shard_.now_us, room.listener_count())) return false;
  const std::uint64_t until_us = room.gathering->until_us();
  if (gather_until_us_ == 0 || until_us < gather_until_us_) {
    gather_until_us_ = until_us;
    gather_missing_ = room.gathering->missing();
  }
  return true;
}

void Fanout::gather(engine::Outbox& outbox) const {
  if (gather_until_us_ == 0) return;
  const std::uint64_t left_us = gather_until_us_ - std::min(gather_until_us_, shard_.now_us);
  outbox.gather(static_cast<std::uint32_t>(left_us), gather_missing_);
}

void Fanout::flush() {
  flush_due_ms_ = 0;
  gather_until_us_ = 0;
  std::erase_if(dirty_, [this](Room* room) {
    // The newest of each sender waits until the batch before it is out.
    if (is_held(*room) || gathers(*room)) return false;
    const bool waits = is_waiting(*room);
    if (room->ephemerals != nullptr && !room->ephemerals->empty() && !waits) add_ephemerals(*room);
    seal(*room);
    if (waits) {
      const std::uint64_t due_ms = room->ephemerals->next_ms();
      flush_due_ms_ = flush_due_ms_ == 0 ? due_ms : std::min(flush_due_ms_, due_ms);
      return false;
    }
    spare_.push_back(std::exchange(room->batch, nullptr));
    return true;
  });
}

}  // namespace ringroom::realtime
