#pragma once

#include <cstring>

#include "proto/json.h"

// The inside of JsonValue: included by json.h, because a walk over a message is a few loads per
// field when it is inlined, and twice as slow when every step is a call.

namespace ringroom::proto {

// What simdjson leaves behind, and what we read of it:
//
//   text   {"a":[1,true],"b":"x"}
//   marks  offsets of { } [ ] : , and of the first byte of every scalar: 0 1 4 5 6 7 8 12 13 ...
//   tape   r { "a [ l 1 t ] "b "x } r
//          one word per value (two for a number), its tag in the top byte; an opening word also
//          holds where its closing one is
//
// simdjson documents the tape (doc/tape.md) and leaves the marks of its first stage in place. Tape
// and marks list the values in the same order, so a walk over both knows a value and its bytes
// after one parse. On-Demand would scan the text a second time, and does not validate what it
// skips.
namespace tape {
constexpr std::uint64_t payload(std::uint64_t word) { return word & 0x00ff'ffff'ffff'ffff; }
constexpr char tag(std::uint64_t word) { return static_cast<char>(word >> 56); }
constexpr bool is_container(char tag) { return tag == '{' || tag == '['; }
}  // namespace tape

inline std::uint32_t JsonValue::tape_behind() const {
  const std::uint64_t word = parser_->tape_[tape_];
  const char tag = tape::tag(word);
  if (tape::is_container(tag)) return static_cast<std::uint32_t>(word);
  return tag == 'l' || tag == 'u' || tag == 'd' ? tape_ + 2 : tape_ + 1;
}

// The same for a value inside the container that ends at `tape_end` and, if that is known, at
// `mark_end`. The payload is mostly the last field of its message, so it is rarely walked through.
inline std::uint32_t JsonParser::mark_behind(const JsonValue& value, std::uint32_t tape_end,
                                             std::uint32_t mark_end) const {
  if (!tape::is_container(tape::tag(tape_[value.tape_]))) return value.mark_ + 1;
  if (mark_end != 0 && value.tape_behind() == tape_end) return mark_end - 1;
  return skip(value.mark_);
}

inline JsonKind JsonValue::kind() const {
  switch (tape::tag(parser_->tape_[tape_])) {
    case '{':
      return JsonKind::object;
    case '[':
      return JsonKind::array;
    case '"':
      return JsonKind::string;
    case 'l':
    case 'u':
      return JsonKind::integer;
    case 'd':
      return JsonKind::real;
    case 't':
    case 'f':
      return JsonKind::boolean;
    default:
      return JsonKind::null;
  }
}

inline std::optional<std::string_view> JsonValue::string() const {
  const std::uint64_t word = parser_->tape_[tape_];
  if (tape::tag(word) != '"') return std::nullopt;
  const std::uint8_t* at = parser_->strings_ + tape::payload(word);
  std::uint32_t bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  return std::string_view(reinterpret_cast<const char*>(at + sizeof bytes), bytes);
}

// Of a value of another kind, the first field is the end.
inline JsonFields JsonValue::fields() const {
  const std::uint64_t word = parser_->tape_[tape_];
  return {*this, tape::tag(word) == '{' ? static_cast<std::uint32_t>(word) - 1 : tape_ + 1};
}

inline JsonItems JsonValue::items() const {
  const std::uint64_t word = parser_->tape_[tape_];
  return {*this, tape::tag(word) == '[' ? static_cast<std::uint32_t>(word) - 1 : tape_ + 1};
}

// Marks of a field: its name, the colon, the value; then a comma or the end.
inline JsonFields::Iterator::Iterator(JsonValue object, std::uint32_t tape_end)
    : tape_(object.tape_ + 1),
      tape_end_(tape_end),
      mark_(object.mark_ + 1),
      mark_end_(object.end_),
      field_{.name = {}, .value = object} {
  if (tape_ != tape_end_) load();
}

inline void JsonFields::Iterator::load() {
  const JsonParser* parser = field_.value.parser_;
  field_.name = *JsonValue(parser, tape_, mark_, 0).string();
  field_.value = JsonValue(parser, tape_ + 1, mark_ + 2, 0);
  field_.value.end_ = parser->mark_behind(field_.value, tape_end_, mark_end_);
}

inline JsonFields::Iterator& JsonFields::Iterator::operator++() {
  tape_ = field_.value.tape_behind();
  mark_ = field_.value.end_ + 1;
  if (tape_ != tape_end_) load();
  return *this;
}

inline JsonItems::Iterator::Iterator(JsonValue array, std::uint32_t tape_end)
    : tape_end_(tape_end),
      mark_end_(array.end_),
      item_(array.parser_, array.tape_ + 1, array.mark_ + 1, 0) {
  if (item_.tape_ != tape_end_) load();
}

inline void JsonItems::Iterator::load() {
  item_.end_ = item_.parser_->mark_behind(item_, tape_end_, mark_end_);
}

inline JsonItems::Iterator& JsonItems::Iterator::operator++() {
  item_ = JsonValue(item_.parser_, item_.tape_behind(), item_.end_ + 1, 0);
  if (item_.tape_ != tape_end_) load();
  return *this;
}

}  // namespace ringroom::proto
