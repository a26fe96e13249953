#include "realtime/session/dialects.h"

#include <utility>

#include "proto/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

Dialects::Dialects(Shard& shard) : shard_(shard), translator_(shard.heap), said_(shard.heap) {}

void Dialects::give_up(Session& session) {
  shard_.lifecycle.close(session, proto::CloseCode::internal,
                         "an answer is larger than this dialect can say; use ringroom.v1.json");
}

std::optional<std::string_view> Dialects::say(Session& session, std::string_view frames,
                                              std::uint32_t room_number, Events events) {
  if (is_json(session.dialect)) return frames;
  const auto bytes = std::as_bytes(std::span(frames));
  const auto hears = [&](std::string_view type) {
    const EventFilters& filters = shard_.event_filters;
    return events == Events::all || filters.of(session.socket.slot).hears(filters.hash(type));
  };
  said_.clear();
  const bool is_said = session.dialect == WireForm::binary
                           ? translator_.to_binary(bytes, room_number, said_)
                           : translator_.to_event(bytes, hears, said_);
  if (is_said) return said_.empty() ? std::string_view() : said_.text();
  give_up(session);
  return std::nullopt;
}

engine::Outbox::Send Dialects::write(Session& session, std::string_view frames,
                                     std::uint32_t room_number, Events events) {
  const auto said = say(session, frames, room_number, events);
  if (!said) return engine::Outbox::Send::gone;
  if (said->empty()) return engine::Outbox::Send::queued;
  return shard_.outbox.write(session.socket, std::as_bytes(std::span(*said)));
}

Dialects::Told::Told(Dialects& dialects, std::string_view frame) : dialects_(dialects) {
  said_[std::size_t(WireForm::json)] = dialects.shard_.heap.copy(std::as_bytes(std::span(frame)));
}

engine::Outbox::Send Dialects::Told::to(Session& session) {
  Shard& shard = dialects_.shard_;
  const WireForm dialect = is_json(session.dialect) ? WireForm::json : session.dialect;
  alloc::BlockRef& said = said_[std::size_t(dialect)];
  if (!said) {
    alloc::BlockBuilder out(shard.heap);
    const auto frame = said_[std::size_t(WireForm::json)].bytes();
    const auto hears = [&](std::string_view type) {
      event_ = shard.event_filters.hash(type);
      return true;
    };
    const bool is_said = session.dialect == WireForm::binary
                             ? dialects_.translator_.to_binary(frame, 0, out)
                             : dialects_.translator_.to_event(frame, hears, out);
    if (!is_said) {
      dialects_.give_up(session);
      return engine::Outbox::Send::gone;
    }
    said = out.finish();
  }
  if (session.dialect == WireForm::event &&
      !shard.event_filters.of(session.socket.slot).hears(event_))
    return engine::Outbox::Send::gone;
  return shard.outbox.send(session.socket, said.share());
}

}  // namespace ringroom::realtime
