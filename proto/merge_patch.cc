#include "proto/merge_patch.h"

#include "proto/bounds.h"

namespace ringroom::proto {

namespace {

// A patch applies null as "remove" on every level of an object, but takes arrays as they are.
bool holds_null(const JsonValue& value) {
  if (value.is_null()) return true;
  if (!value.is_object()) return false;
  for (const JsonField& field : value.fields())
    if (holds_null(field.value)) return true;
  return false;
}

// Readers differ in which of two members of one name they take, and we look members up one by one.
bool can_be_compared(const JsonValue& object) {
  if (object.size() > patch_members_max) return false;
  for (const JsonField& field : object.fields())
    if (object.find(field.name)->raw().data() != field.value.raw().data()) return false;
  return true;
}

bool append_change(const JsonValue& from, const JsonValue& to, alloc::BlockBuilder& out) {
  if (!can_be_compared(from) || !can_be_compared(to)) return false;
  out.append('{');
  bool first = true;
  const auto key = [&](std::string_view name) {
    if (!first) out.append(',');
    first = false;
    append_json_string(out, name);
    out.append(':');
  };
  for (const JsonField& field : to.fields()) {
    const auto before = from.find(field.name);
    if (before && before->raw() == field.value.raw()) continue;
    key(field.name);
    if (before && before->is_object() && field.value.is_object()) {
      if (!append_change(*before, field.value, out)) return false;
    } else {
      if (holds_null(field.value)) return false;
      out.append(field.value.raw());
    }
  }
  for (const JsonField& field : from.fields()) {
    if (to.find(field.name)) continue;
    key(field.name);
    out.append("null");
  }
  out.append('}');
  return true;
}

}  // namespace

bool append_merge_patch(const JsonValue& from, const JsonValue& to, alloc::BlockBuilder& out) {
  const std::size_t begin = out.size();
  if (append_change(from, to, out)) return true;
  out.truncate(begin);
  return false;
}

}  // namespace ringroom::proto
