#include "realtime/http/arguments.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/dialect/native_json.h"
#include "proto/http.h"
#include "proto/json_fault.h"
#include "realtime/http/workspace_query.h"
#include "realtime/node.h"
#include "realtime/session/connection_text.h"

namespace ringroom::realtime {

namespace native_json = proto::dialect::native_json;

namespace {

bool is_list(FieldKind kind) { return kind == FieldKind::names || kind == FieldKind::connections; }

std::string range_of(const Field& field) {
  return std::to_string(field.min).append(" to ").append(std::to_string(field.max));
}

// What such a field must be, behind "must be ".
std::string demand_of(const Field& field, FieldKind kind) {
  constexpr std::uint64_t any = std::numeric_limits<std::uint64_t>::max();
  switch (kind) {
    case FieldKind::name:
      return "a name of 1 to 255 bytes without control characters";
    case FieldKind::names:
      return "an array of at most " + std::to_string(field.max) + " names";
    case FieldKind::type:
      return "a text that matches [a-z][a-z0-9_.:]{0,63}";
    case FieldKind::object:
      return field.max == 0 ? "a JSON object"
                            : "a JSON object of at most " + std::to_string(field.max) + " bytes";
    case FieldKind::text:
      return "a text of " + range_of(field) + " bytes without control characters";
    case FieldKind::number:
      return field.max == any ? "a whole number" : "a whole number from " + range_of(field);
    case FieldKind::flag:
      return "true or false";
    case FieldKind::time:
      return "seconds since 1970";
    case FieldKind::connection:
      return "a connection_id of connection_ack";
    case FieldKind::connections:
      return "an array of at most " + std::to_string(field.max) + " connection_ids";
    case FieldKind::priority:
      return "low, medium, high or critical";
    case FieldKind::quiet_hours:
      return "the name of quiet hours in this server's configuration";
  }
  return {};
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

constexpr double time_max_s = 1e12;

constexpr Field workspace_field{"workspace", FieldKind::name};

}  // namespace

Arguments::Place Arguments::find(std::string_view name) {
  for (std::size_t i = 0; i < fields_.size(); ++i)
    if (fields_[i].name == name) return {.field = &fields_[i], .value = &values_[i]};
  if (name == workspace_field.name) return {.field = &workspace_field, .value = &workspace_};
  return {.field = nullptr, .value = nullptr};
}

std::optional<Workspace> Arguments::workspace() const {
  return workspace_.is_said ? Workspace::of(workspace_.text) : std::nullopt;
}

void Arguments::begin(std::span<const Field> fields) {
  fields_ = fields;
  workspace_.is_said = false;
  if (values_.size() < fields.size()) values_.resize(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    Value& value = values_[i];
    value.is_said = false;
    value.text = {};
    value.number = 0;
    value.object.reset();
    value.names.clear();
    value.connections.clear();
  }
}

const Arguments::Value& Arguments::value(std::string_view name) const {
  for (std::size_t i = 0; i < fields_.size(); ++i)
    if (fields_[i].name == name) return values_[i];
  RR_CHECK(false);  // the call asks for a field that is no row
}

std::string Arguments::path_of(std::string_view name) const {
  std::string path(where_);
  if (!where_.empty()) {
    proto::append_json_path(path, name);
  } else if (!in_path_.empty() && name == in_path_) {
    path.append("{").append(name).append("}");
  } else {
    path.append("?");
    proto::append_json_path(path, name);
    if (path.starts_with("?.")) path.erase(1, 1);
  }
  return path;
}

Arguments::Fault Arguments::fault(std::string_view name, std::string_view problem) const {
  std::string path = path_of(name);
  std::string sentence = "`" + path + "` ";
  sentence.append(problem);
  return {.path = std::move(path), .sentence = std::move(sentence)};
}

Arguments::Fault Arguments::refuse(const Field& field, std::string_view path) const {
  const bool is_item = is_list(field.kind) && path.ends_with(']');
  const FieldKind kind = !is_item                         ? field.kind
                         : field.kind == FieldKind::names ? FieldKind::name
                                                          : FieldKind::connection;
  std::string sentence = "`";
  sentence.append(path).append("` must be ").append(demand_of(field, kind));
  return {.path = std::string(path), .sentence = std::move(sentence)};
}

std::optional<Arguments::Fault> Arguments::look_for_missing() const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field& field = fields_[i];
    if (field.need == Field::Need::required && !values_[i].is_said)
      return fault(field.name, "is required: " + demand_of(field, field.kind));
  }
  return std::nullopt;
}

std::optional<Arguments::Fault> Arguments::read(const proto::JsonValue& object,
                                                std::span<const Field> fields,
                                                std::string_view where) {
  where_ = where;
  in_path_ = {};
  begin(fields);
  for (const proto::JsonField said : object.fields()) {
    const Place place = find(said.name);
    if (place.field == nullptr) return fault(said.name, "is not known here; leave it out");
    if (place.value->is_said) return fault(said.name, "is said twice");
    place.value->is_said = true;
    if (auto fault = take(*place.field, said.value, *place.value)) return fault;
  }
  return look_for_missing();
}

std::optional<Arguments::Fault> Arguments::read(std::string_view query,
                                                std::optional<std::string_view> in_path,
                                                std::span<const Field> fields) {
  where_ = {};
  in_path_ = in_path ? fields.front().name : std::string_view();
  begin(fields);
  if (in_path) {
    Value& out = values_.front();
    out.kept = *in_path;
    out.is_said = true;
    if (!take_text(fields.front(), out.kept, out)) return refuse(fields.front(), path_of(in_path_));
  }
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto name = proto::percent_decoded(pair.substr(0, pair.find('=')));
    const Place place = find(name.value_or(""));
    if (place.field == nullptr || place.field->name == in_path_)
      return fault(name.value_or("?"), "is not known here; leave it out");
    if (auto fault = take_parameter(place, pair)) return fault;
  }
  return look_for_missing();
}

std::optional<Arguments::Fault> Arguments::take_parameter(const Place& place,
                                                          std::string_view pair) {
  const Field& field = *place.field;
  Value& out = *place.value;
  if (out.is_said) return fault(field.name, "is said twice");
  const auto said = proto::query_parameter(pair, field.name);
  if (!said) return fault(field.name, "has a broken percent sequence");
  out.kept = *said;
  out.is_said = true;
  if (!take_text(field, out.kept, out)) return refuse(field, path_of(field.name));
  return std::nullopt;
}

std::optional<Arguments::Fault> Arguments::read_workspace(std::string_view query) {
  const auto said = workspace_in_query(query);
  if (!said) return std::nullopt;
  if (workspace_.is_said && workspace_.text != *said)
    return fault(workspace_field.name, "is another one than in the query; say it once");
  workspace_.kept = *said;
  workspace_.is_said = true;
  if (!take_text(workspace_field, workspace_.kept, workspace_))
    return refuse(workspace_field, "?workspace");
  return std::nullopt;
}

std::optional<Arguments::Fault> Arguments::take(const Field& field, const proto::JsonValue& said,
                                                Value& out) {
  bool fits = false;
  switch (field.kind) {
    case FieldKind::names:
    case FieldKind::connections:
      return take_list(field, said, out);
    case FieldKind::object:
      fits = said.is_object() && (field.max == 0 || said.raw().size() <= field.max);
      if (!fits) break;
      out.kept = said.raw();
      native_json::blank_line_ends(std::as_writable_bytes(std::span(out.kept)));
      out.text = out.kept;
      out.object = said;
      break;
    case FieldKind::number:
      fits = said.unsigned_integer() && take_number(field, *said.unsigned_integer(), out);
      break;
    case FieldKind::flag:
      fits = said.boolean().has_value();
      out.number = said.boolean().value_or(false) ? 1 : 0;
      break;
    case FieldKind::time: {
      const auto seconds = said.number();  // a fraction is left out
      fits = seconds && *seconds >= 0 && *seconds <= time_max_s;
      if (fits) out.number = static_cast<std::uint64_t>(*seconds);
      break;
    }
    default:
      fits = said.is_string() && take_text(field, *said.string(), out);
  }
  if (!fits) return refuse(field, path_of(field.name));
  return std::nullopt;
}

std::optional<Arguments::Fault> Arguments::take_list(const Field& field,
                                                     const proto::JsonValue& said, Value& out) {
  if (!said.is_array() || said.size() > field.max) return refuse(field, path_of(field.name));
  std::size_t index = 0;
  for (const proto::JsonValue item : said.items()) {
    const auto refuse_item = [&] {
      return refuse(field, path_of(field.name) + "[" + std::to_string(index) + "]");
    };
    const auto text = item.string();
    if (!text) return refuse_item();
    if (field.kind == FieldKind::names) {
      if (!native_json::is_room_name(*text)) return refuse_item();
      out.names.push_back(*text);
    } else {
      const auto id = ConnectionText::parse(*text);
      if (!id || id->core >= node_.cores) return refuse_item();
      out.connections.push_back(*id);
    }
    ++index;
  }
  return std::nullopt;
}

bool Arguments::take_number(const Field& field, std::uint64_t said, Value& out) const {
  out.number = said;
  return said >= field.min && said <= field.max;
}

// A scalar as text, of a body or of a query.
bool Arguments::take_text(const Field& field, std::string_view said, Value& out) const {
  out.text = said;
  switch (field.kind) {
    case FieldKind::name:
      return native_json::is_room_name(said);
    case FieldKind::type:
      return native_json::is_type_name(said);
    case FieldKind::text:
      return said.size() >= field.min && said.size() <= field.max && !has_control(said);
    case FieldKind::number: {
      std::uint64_t number = 0;
      const auto end = std::from_chars(said.data(), said.data() + said.size(), number);
      return end.ec == std::errc{} && end.ptr == said.data() + said.size() &&
             take_number(field, number, out);
    }
    case FieldKind::flag:
      out.number = said == "true" || said == "1" ? 1 : 0;
      return out.number == 1 || said == "false" || said == "0";
    case FieldKind::connection: {
      const auto id = ConnectionText::parse(said);
      if (!id || id->core >= node_.cores) return false;
      out.connections.push_back(*id);
      return true;
    }
    case FieldKind::priority: {
      const auto priority = proto::priority_of(said);
      if (priority) out.number = static_cast<std::uint64_t>(*priority);
      return priority.has_value();
    }
    case FieldKind::quiet_hours: {
      const auto hours = node_.quiet_hours(said);
      if (hours) out.number = *hours;
      return hours.has_value();
    }
    default:
      RR_CHECK(false);  // no call takes such a field in its query
  }
}

}  // namespace ringroom::realtime
