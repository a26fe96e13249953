#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/command.h"
#include "proto/json.h"
#include "realtime/connection_id.h"
#include "realtime/workspace.h"

namespace ringroom::realtime {

struct Node;

enum class FieldKind : std::uint8_t {
  name,  // of a room or a user
  names,
  type,    // of a message
  object,  // a JSON object; max: its bytes, 0: as the body
  text,    // min, max: its bytes
  number,  // min, max
  flag,
  time,  // seconds since 1970
  connection,
  connections,
  priority,
  quiet_hours
};

// What a call of the server API may say, a row for each field; what is no row is refused by name.
struct Field {
  enum class Need : bool { optional, required };

  std::string_view name;
  FieldKind kind;
  Need need = Need::optional;
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};

// What a call says: the fields of a JSON object, or of a path and a query, which are the same
// fields spelled as text.
//
// Owner:    Api; filled for one call after the other, in memory that is kept.
// Lifetime: of the texts: until the next call, and no longer than the parsed body.
class Arguments {
 public:
  explicit Arguments(const Node& node) : node_(node) {}

  struct Fault {
    std::string path;  // "$.rooms[2]", "?limit", "{room}"
    std::string sentence;
  };
  // `where` the object stands in the body: "$", or deeper in a batch.
  std::optional<Fault> read(const proto::JsonValue& object, std::span<const Field> fields,
                            std::string_view where);
  // `in_path`: the decoded value of the first field; nullopt: the path has none.
  std::optional<Fault> read(std::string_view query, std::optional<std::string_view> in_path,
                            std::span<const Field> fields);

  // `workspace` may be said with every call, in its body or its query.
  std::optional<Fault> read_workspace(std::string_view query);
  std::optional<Workspace> workspace() const;

  // By the name of a row. What was not said is empty, zero, false or nobody.
  bool has(std::string_view name) const { return value(name).is_said; }
  std::string_view text(std::string_view name) const { return value(name).text; }
  std::uint64_t number(std::string_view name, std::uint64_t otherwise = 0) const {
    return value(name).is_said ? value(name).number : otherwise;
  }
  bool flag(std::string_view name, bool otherwise = false) const {
    return number(name, otherwise ? 1 : 0) != 0;
  }
  // Of a FieldKind::object; nullopt: it was not said.
  const std::optional<proto::JsonValue>& object(std::string_view name) const {
    return value(name).object;
  }
  std::span<const std::string_view> names(std::string_view name) const { return value(name).names; }
  ConnectionId connection(std::string_view name) const {
    return value(name).is_said ? value(name).connections.front() : nobody;
  }
  std::span<const ConnectionId> connections(std::string_view name) const {
    return value(name).connections;
  }
  std::optional<proto::Priority> priority(std::string_view name) const {
    if (!value(name).is_said) return std::nullopt;
    return static_cast<proto::Priority>(value(name).number);
  }

  // What is wrong with a field in a way that only the call itself knows.
  Fault fault(std::string_view name, std::string_view problem) const;

 private:
  struct Value {
    bool is_said = false;
    std::string_view text;
    std::uint64_t number = 0;
    std::vector<std::string_view> names;
    std::vector<ConnectionId> connections;
    std::optional<proto::JsonValue> object;
    std::string kept;  // what `text` looks at, where that is not the body
  };
  void begin(std::span<const Field> fields);
  const Value& value(std::string_view name) const;
  struct Place {
    const Field* field;  // nullptr: there is none of that name
    Value* value;
  };
  Place find(std::string_view name);
  std::string path_of(std::string_view name) const;
  std::optional<Fault> take(const Field& field, const proto::JsonValue& said, Value& out);
  std::optional<Fault> take_list(const Field& field, const proto::JsonValue& said, Value& out);
  std::optional<Fault> take_parameter(const Place& place, std::string_view pair);
  bool take_text(const Field& field, std::string_view said, Value& out) const;
  bool take_number(const Field& field, std::uint64_t said, Value& out) const;
  Fault refuse(const Field& field, std::string_view path) const;
  std::optional<Fault> look_for_missing() const;

  const Node& node_;
  std::span<const Field> fields_;
  Value workspace_;
  std::vector<Value> values_;  // of fields_; more than there are
  std::string_view where_;     // empty: in a query
  std::string_view in_path_;   // the field that the path has; empty: none
};

}  // namespace ringroom::realtime
