#include "realtime/room/conflation.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace ringroom::realtime {

namespace {

constexpr std::size_t streams_min = 16;
constexpr std::size_t slack_bytes = 1024;

std::size_t bytes_of(const Publish& publish) {
  return publish.type.size() + publish.sender.size() + publish.message_id.size() +
         publish.payload.size() + publish.key.size();
}

// A place that held something large does not stay large for something small.
void assign(std::string& to, std::string_view text) {
  if (to.capacity() > slack_bytes + 4 * text.size()) std::string().swap(to);
  to.assign(text);
}

}  // namespace

void Conflation::Waiting::keep(const Publish& publish, std::uint64_t key_of_id) {
  message_key = key_of_id;
  from = publish.from;
  exclude = publish.exclude;
  exchange = publish.exchange;
  payload_kind = publish.payload_kind;
  wants_answer = publish.wants_answer;
  remove = publish.remove;
  priority = publish.priority;
  expected_version = publish.expected_version;
  permission = publish.permission;
  assign(type, publish.type);
  assign(sender, publish.sender);
  assign(message_id, publish.message_id);
  assign(payload, publish.payload);
  assign(key, publish.key);
}

Publish Conflation::Waiting::publish() const {
  return {.room = {},
          .room_name = {},
          .from = from,
          .type = type,
          .sender = sender,
          .message_id = message_id,
          .payload = payload,
          .payload_kind = payload_kind,
          .ephemeral = false,
          .can_wait = false,
          .wants_answer = wants_answer,
          .exchange = exchange,
          .exclude = exclude,
          .remove = remove,
          .expected_version = expected_version,
          .key = key,
          .priority = priority,
          .permission = permission};
}

Conflation::Put Conflation::put(std::uint64_t name, const TypePace& pace, const Publish& publish,
                                std::uint64_t message_key, std::uint64_t now_ms) {
  Stream* stream = find_or_add(name, now_ms);
  if (stream == nullptr) return Put::full;
  const bool is_new = stream->waiting == none;
  if (is_new && pace.quiet_ms == 0 && stream->free_ms <= now_ms) {
    stream->free_ms = now_ms + pace.interval_ms;
    free_ms_ = std::max(free_ms_, stream->free_ms);
    return Put::passes;
  }
  if (!is_new && message_key != 0 && places_[stream->waiting].message.message_key == message_key) {
    // Its sender has come back, and is who wants to know.
    Waiting& message = places_[stream->waiting].message;
    message.from = publish.from;
    message.exchange = publish.exchange;
    message.wants_answer = publish.wants_answer;
    return Put::repeats;
  }
  const std::size_t before = is_new ? 0 : places_[stream->waiting].message.bytes();
  const std::size_t after = bytes_ - before + bytes_of(publish);
  if (after > bytes_max && bytes_ > before) return Put::full;
  bytes_ = after;
  if (is_new) {
    if (spare_.empty()) {
      spare_.push_back(static_cast<std::uint32_t>(places_.size()));
      places_.emplace_back();
    }
    stream->waiting = spare_.back();
    spare_.pop_back();
    places_[stream->waiting].first_ms = now_ms;
    places_[stream->waiting].stream = static_cast<std::uint32_t>(stream - streams_.data());
  }
  Place& place = places_[stream->waiting];
  if (!is_new) std::swap(displaced_, place.message);
  place.message.keep(publish, message_key);
  place.interval_ms = pace.interval_ms;
  const std::uint64_t quiet_ms =
      pace.quiet_ms == 0 ? 0
                         : std::min(now_ms + pace.quiet_ms, place.first_ms + pace.waiting_ms_max);
  place.due_ms = std::max(stream->free_ms, quiet_ms);
  if (is_new) push({.due_ms = place.due_ms, .number = ++number_, .place = stream->waiting});
  return is_new ? Put::waits : Put::replaces;
}

const Conflation::Waiting* Conflation::take(std::uint64_t now_ms, std::uint64_t until_ms) {
  while (!queue_.empty() && queue_.front().due_ms <= until_ms) {
    std::pop_heap(queue_.begin(), queue_.end());
    const Due due = queue_.back();
    queue_.pop_back();
    Place& place = places_[due.place];
    if (place.due_ms > until_ms) {
      push({.due_ms = place.due_ms, .number = due.number, .place = due.place});
      continue;
    }
    Stream& stream = streams_[place.stream];
    RR_CHECK(stream.waiting == due.place);
    stream.waiting = none;
    stream.free_ms = now_ms + place.interval_ms;
    free_ms_ = std::max(free_ms_, stream.free_ms);
    bytes_ -= place.message.bytes();
    std::swap(taken_, place.message);
    spare_.push_back(due.place);
    return &taken_;
  }
  return nullptr;
}

void Conflation::push(const Due& due) {
  queue_.push_back(due);
  std::push_heap(queue_.begin(), queue_.end());
}

// Where the name is in the index, or would be.
std::size_t Conflation::slot_of(std::uint64_t name) const {
  std::size_t at = name & (index_.size() - 1);
  while (index_[at] != 0 && streams_[index_[at] - 1].name != name)
    at = (at + 1) & (index_.size() - 1);
  return at;
}

Conflation::Stream* Conflation::find_or_add(std::uint64_t name, std::uint64_t now_ms) {
  if (!index_.empty()) {
    const std::uint32_t found = index_[slot_of(name)];
    if (found != 0) return &streams_[found - 1];
  }
  if (2 * (streams_.size() + 1) > index_.size() && !make_space(now_ms)) return nullptr;
  streams_.push_back({.name = name, .free_ms = 0, .waiting = none});
  index_[slot_of(name)] = static_cast<std::uint32_t>(streams_.size());
  return &streams_.back();
}

// Forgets the streams that might as well be new, and grows if half of them or more stay: so it is
// rare enough to cost nothing, and memory is as large as what is used at a time.
bool Conflation::make_space(std::uint64_t now_ms) {
  const bool is_largest = index_.size() == 2 * streams_max;
  if (is_largest && std::exchange(swept_ms_, now_ms) == now_ms) return false;
  std::erase_if(streams_, [now_ms](const Stream& stream) {
    return stream.waiting == none && stream.free_ms <= now_ms;
  });
  if (streams_.size() == streams_max) return false;
  std::size_t capacity = std::max(streams_min, index_.size() / 2);
  if (2 * streams_.size() >= capacity) capacity = std::min(2 * capacity, streams_max);
  index_.assign(2 * capacity, 0);
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    index_[slot_of(streams_[i].name)] = static_cast<std::uint32_t>(i) + 1;
    if (streams_[i].waiting != none)
      places_[streams_[i].waiting].stream = static_cast<std::uint32_t>(i);
  }
  return true;
}

}  // namespace ringroom::realtime
