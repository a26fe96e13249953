#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "alloc/block.h"
#include "proto/command.h"
#include "proto/json.h"
#include "realtime/namespace.h"

namespace ringroom::realtime {

// The last value of each key of a room (R11). A value's version is the sequence of the publication
// that set it, so a snapshot and the position it was taken at say the same thing, and a client that
// goes on from there misses nothing.
//
// Owner:  the room. Bounded by the namespace's state_keys and state_bytes (keys and values as they
//         stand in JSON; the table around them takes about 100 bytes a key more).
class State {
 public:
  explicit State(const Namespace& rules) : options_(&rules) {}
  // Others, which outlive it too. What is kept beyond them stays, and nothing is added.
  void adopt(const Namespace& rules) { options_ = &rules; }

  struct Value {
    std::string json;  // an object
    std::uint64_t version;
  };
  // nullptr: the key has no value.
  const Value* find(std::string_view key) const;
  // 0: the key has no value.
  std::uint64_t version(std::string_view key) const;

  // Whether set() may be called: the room has room for it.
  bool has_room_for(std::string_view key, std::string_view json) const;
  void set(std::string_view key, std::string_view json, std::uint64_t version);
  void remove(std::string_view key);

  const Namespace& options() const { return *options_; }
  std::size_t size() const { return values_.size(); }
  std::size_t bytes() const { return bytes_; }
  // f(key, value), in no order.
  void for_each(auto&& f) const {
    for (const auto& [key, value] : values_) f(std::string_view(key), value);
  }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  const Namespace* options_;
  std::unordered_map<std::string, Value, TextHash, std::equal_to<>> values_;
  std::size_t bytes_ = 0;
};

// Changes and shows the states of rooms.
//
// Owner: one core, for all its rooms.
class StateKeeper {
 public:
  explicit StateKeeper(alloc::BlockHeap& heap) : patch_(heap) {}

  struct Change {
    std::string_view key;
    std::string_view json;  // a valid object; there is room for it
    bool remove;
    std::uint64_t version;
  };
  // What to tell listeners, who know the value before: an RFC 7396 merge patch, valid until the
  // next call; empty: the value itself, because the namespace asks for no patches or it would not
  // be smaller.
  std::string_view keep(State& state, const Change& change);

  // Every value, valid until the state changes or the next call.
  std::span<const proto::KeyValue> snapshot(const State& state);

 private:
  std::string_view patch_between(std::string_view from, std::string_view to);

  proto::JsonParser before_, after_;
  alloc::BlockBuilder patch_;
  std::vector<proto::KeyValue> values_;
};

}  // namespace ringroom::realtime
