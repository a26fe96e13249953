#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "alloc/block.h"
#include "base/check.h"
#include "base/result.h"

namespace ringroom::proto {

// JSON in: a whole text is validated (grammar, UTF-8, lone surrogates, nothing behind it) and then
// looked at through views. JSON out: writers that append to a block. simdjson stays behind json.cc.

enum class JsonKind : std::uint8_t { null, boolean, integer, real, string, array, object };

enum class JsonError : std::uint8_t { syntax, not_utf8, too_deep, too_large, number, empty };
std::string_view sentence_of(JsonError error);  // what is wrong and what to do

class JsonParser;
class JsonFields;
class JsonItems;

// A value inside a parsed text. Cheap to copy; valid until the next parse() of its parser, and only
// as long as the text.
class JsonValue {
 public:
  JsonKind kind() const;
  bool is_object() const { return kind() == JsonKind::object; }
  bool is_array() const { return kind() == JsonKind::array; }
  bool is_string() const { return kind() == JsonKind::string; }
  bool is_null() const { return kind() == JsonKind::null; }

  // nullopt if it is of another kind, or a number that the type cannot hold exactly.
  std::optional<std::string_view> string() const;  // escapes decoded; may contain NUL
  std::optional<std::uint64_t> unsigned_integer() const;
  std::optional<std::int64_t> integer() const;
  std::optional<double> number() const;  // integers too
  std::optional<bool> boolean() const;

  // The bytes of the value as they stand in the text.
  std::string_view raw() const;

  // Of an object: the first field of that name. nullopt: none, or this is no object.
  std::optional<JsonValue> find(std::string_view name) const;
  JsonFields fields() const;  // of an object, in order, duplicates included; else empty
  JsonItems items() const;    // of an array, in order; else empty
  std::size_t size() const;   // number of fields or items; else 0

 private:
  friend class JsonParser;
  friend class JsonFields;
  friend class JsonItems;
  // Places in simdjson's tables; json.cc has the picture. `end` 0: not known yet.
  JsonValue(const JsonParser* parser, std::uint32_t tape, std::uint32_t mark, std::uint32_t end)
      : parser_(parser), tape_(tape), mark_(mark), end_(end) {}
  std::uint32_t tape_behind() const;

  const JsonParser* parser_;
  std::uint32_t tape_;  // the value
  std::uint32_t mark_;  // its first structural character, for raw()
  std::uint32_t end_;   // the first one behind it
};

struct JsonField {
  std::string_view name;
  JsonValue value;
};

// for (JsonField field : object.fields()) ...
class JsonFields {
 public:
  struct End {};
  class Iterator {
   public:
    const JsonField& operator*() const { return field_; }
    Iterator& operator++();
    bool operator!=(End) const { return tape_ != tape_end_; }

   private:
    friend class JsonFields;
    Iterator(JsonValue object, std::uint32_t tape_end);
    void load();

    std::uint32_t tape_, tape_end_;  // of this field's name, of the end of the object
    std::uint32_t mark_, mark_end_;
    JsonField field_;
  };
  Iterator begin() const { return Iterator(object_, tape_end_); }
  End end() const { return {}; }

 private:
  friend class JsonValue;
  JsonFields(JsonValue object, std::uint32_t tape_end) : object_(object), tape_end_(tape_end) {}
  JsonValue object_;
  std::uint32_t tape_end_;
};

// for (JsonValue item : array.items()) ...
class JsonItems {
 public:
  struct End {};
  class Iterator {
   public:
    const JsonValue& operator*() const { return item_; }
    Iterator& operator++();
    bool operator!=(End) const { return item_.tape_ != tape_end_; }

   private:
    friend class JsonItems;
    Iterator(JsonValue array, std::uint32_t tape_end);
    void load();

    std::uint32_t tape_end_, mark_end_;
    JsonValue item_;
  };
  Iterator begin() const { return Iterator(array_, tape_end_); }
  End end() const { return {}; }

 private:
  friend class JsonValue;
  JsonItems(JsonValue array, std::uint32_t tape_end) : array_(array), tape_end_(tape_end) {}
  JsonValue array_;
  std::uint32_t tape_end_;
};

// Owner:  one core; tables are kept from text to text, so the steady state allocates nothing.
// Errors: all of them the sender's.
class JsonParser {
 public:
  JsonParser();
  // For our own texts, in which those of clients stand deeper than they were.
  explicit JsonParser(std::size_t depth_max);
  ~JsonParser();
  JsonParser(const JsonParser&) = delete;
  JsonParser& operator=(const JsonParser&) = delete;

  // `text` is not changed; 64 bytes behind it must be readable (their content does not matter).
  // The values of the text before end here, and its scratch.
  Result<JsonValue, JsonError> parse(std::string_view text);

  // For texts without readable bytes behind them (configuration, tests): copies first.
  Result<JsonValue, JsonError> parse_copy(std::string_view text);

  // Room for values that live as long as the parsed text, such as the lists of a decoded command;
  // json_scratch_bytes in all, so counts are bounded before.
  template <class T>
  std::span<T> scratch(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignof(std::max_align_t));
    T* first = static_cast<T*>(scratch_bytes(count * sizeof(T)));
    for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(first + i)) T{};
    return {first, count};
  }

 private:
  friend class JsonValue;
  friend class JsonFields;
  friend class JsonItems;
  void* scratch_bytes(std::size_t bytes);
  void fit(std::size_t text_bytes);
  std::uint32_t skip(std::uint32_t mark) const;
  std::uint32_t mark_behind(const JsonValue& value, std::uint32_t tape_end,
                            std::uint32_t mark_end) const;

  struct Tables;  // simdjson's parser and document
  const std::size_t depth_max_;
  std::unique_ptr<Tables> tables_;
  const std::uint64_t* tape_ = nullptr;
  const std::uint8_t* strings_ = nullptr;
  const std::uint32_t* marks_ = nullptr;  // offsets of structural characters in the text
  std::string_view text_;
  std::vector<char> copy_;
  std::unique_ptr<std::max_align_t[]> scratch_;
  std::size_t scratch_used_ = 0;
};

// Writers. Each appends a complete JSON value or the piece its name says; none allocates beyond the
// block. Text must be UTF-8: it comes from our parser, our tokens or our configuration.
void append_json_string(alloc::BlockBuilder& out, std::string_view text);  // with the quotes
void append_number(alloc::BlockBuilder& out, std::uint64_t value);
void append_number(alloc::BlockBuilder& out, std::int64_t value);
void append_hex(alloc::BlockBuilder& out, std::span<const std::byte> bytes);  // without quotes
// Milliseconds since 1970 as seconds with three decimals: 1696248000.123
void append_timestamp(alloc::BlockBuilder& out, std::uint64_t wall_ms);
// The same as ISO 8601, with the quotes: "2023-10-02T10:40:00.123Z". Up to the year 9999.
void append_iso_timestamp(alloc::BlockBuilder& out, std::uint64_t wall_ms);

}  // namespace ringroom::proto

#include "proto/json_view.h"
