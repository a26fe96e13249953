#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "alloc/block.h"
#include "proto/json.h"

namespace ringroom::proto {

// One JSON object while it is being written: puts the commas, and leaves out what is empty where
// the protocol says so. It opens with the constructor and closes with end().
//
//   JsonObject payload(out);  payload.text("room", room);  payload.end();
class JsonObject {
 public:
  explicit JsonObject(alloc::BlockBuilder& out) : out_(out) { out_.append('{'); }

  // Keys are ours and need no escaping. The value is for the caller to write.
  alloc::BlockBuilder& key(std::string_view name) {
    auto* at = reinterpret_cast<char*>(out_.reserve(name.size() + 4));
    char* end = at;
    if (!first_) *end++ = ',';
    first_ = false;
    *end++ = '"';
    std::memcpy(end, name.data(), name.size());
    end += name.size();
    *end++ = '"';
    *end++ = ':';
    out_.advance(static_cast<std::size_t>(end - at));
    return out_;
  }
  // A key that is not one of ours, such as the name of a room.
  alloc::BlockBuilder& foreign_key(std::string_view name) {
    if (!first_) out_.append(',');
    first_ = false;
    append_json_string(out_, name);
    out_.append(':');
    return out_;
  }
  void text(std::string_view name, std::string_view value) { append_json_string(key(name), value); }
  void text_if_any(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number(std::string_view name, std::uint64_t value) { append_number(key(name), value); }
  void number_if_any(std::string_view name, std::uint64_t value) {
    if (value != 0) number(name, value);
  }
  void flag(std::string_view name, bool value) { key(name).append(value ? "true" : "false"); }
  void raw(std::string_view name, std::string_view json) { key(name).append(json); }
  void raw_if_any(std::string_view name, std::string_view json) {
    if (!json.empty()) raw(name, json);
  }
  // Seconds, as all times of the protocol.
  void seconds(std::string_view name, std::uint64_t ms) { append_timestamp(key(name), ms); }
  void end() { out_.append('}'); }

 private:
  alloc::BlockBuilder& out_;
  bool first_ = true;
};

// [a,b,c]: `write` writes one item.
template <class Item, class Write>
void append_list(alloc::BlockBuilder& out, std::span<const Item> items, const Write& write) {
  out.append('[');
  bool first = true;
  for (const Item& item : items) {
    if (!first) out.append(',');
    first = false;
    write(item);
  }
  out.append(']');
}

// The items are JSON already.
inline void append_raw_list(alloc::BlockBuilder& out, std::span<const std::string_view> items) {
  append_list(out, items, [&out](std::string_view json) { out.append(json); });
}

inline void append_text_list(alloc::BlockBuilder& out, std::span<const std::string_view> items) {
  append_list(out, items, [&out](std::string_view text) { append_json_string(out, text); });
}

}  // namespace ringroom::proto
