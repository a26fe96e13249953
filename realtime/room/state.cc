#include "realtime/room/state.h"

#include "base/check.h"
#include "proto/merge_patch.h"

namespace ringroom::realtime {

const State::Value* State::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

std::uint64_t State::version(std::string_view key) const {
  const Value* value = find(key);
  return value == nullptr ? 0 : value->version;
}

bool State::has_room_for(std::string_view key, std::string_view json) const {
  const Value* value = find(key);
  if (value == nullptr)
    return values_.size() < options_->state_keys &&
           bytes_ + key.size() + json.size() <= options_->state_bytes;
  return bytes_ - value->json.size() + json.size() <= options_->state_bytes;
}

void State::set(std::string_view key, std::string_view json, std::uint64_t version) {
  RR_CHECK(has_room_for(key, json));
  auto found = values_.find(key);
  if (found == values_.end()) {
    found = values_.emplace(key, Value{}).first;
    bytes_ += key.size();
  }
  Value& value = found->second;
  RR_CHECK(version > value.version);
  bytes_ += json.size();
  bytes_ -= value.json.size();
  value.json.assign(json);
  value.version = version;
}

void State::remove(std::string_view key) {
  const auto found = values_.find(key);
  if (found == values_.end()) return;
  bytes_ -= found->first.size() + found->second.json.size();
  values_.erase(found);
}

std::string_view StateKeeper::keep(State& state, const Change& change) {
  if (change.remove) {
    state.remove(change.key);
    return {};
  }
  std::string_view patch;
  if (const State::Value* before = state.find(change.key);
      before != nullptr && state.options().state_deltas)
    patch = patch_between(before->json, change.json);
  state.set(change.key, change.json, change.version);
  return patch;
}

std::string_view StateKeeper::patch_between(std::string_view from, std::string_view to) {
  const auto before = before_.parse_copy(from);
  const auto after = after_.parse_copy(to);
  RR_CHECK(before && after);  // both were validated when they came in
  patch_.clear();
  if (!proto::append_merge_patch(*before, *after, patch_) || patch_.size() >= to.size()) return {};
  return patch_.text();
}

std::span<const proto::KeyValue> StateKeeper::snapshot(const State& state) {
  values_.clear();
  state.for_each([this](std::string_view key, const State::Value& value) {
    values_.push_back({.key = key, .json = value.json, .version = value.version});
  });
  return values_;
}

}  // namespace ringroom::realtime
