#include "proto/dialect/native_command.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "proto/bounds.h"
#include "proto/dialect/native_payload.h"
#include "proto/utf8.h"

namespace ringroom::proto::dialect {

namespace {

static_assert(type_bytes_max == 64 && room_bytes_max == 255 && id_bytes_max == 128,
              "the sentences below name these numbers");

struct EnvelopeField {
  std::string_view name;
  std::optional<JsonValue> Envelope::*field;
};
constexpr EnvelopeField envelope_fields[] = {
    {"type", &Envelope::type},
    {"room", &Envelope::room},
    {"payload", &Envelope::payload},
    {"message_id", &Envelope::message_id},
    {"timestamp", &Envelope::timestamp},
    {"correlation_id", &Envelope::correlation_id},
    {"messages", &Envelope::messages},
    {"key", &Envelope::key},
    {"remove", &Envelope::remove},
    {"expected_version", &Envelope::expected_version},
    {"priority", &Envelope::priority},
    {"requires", &Envelope::required_permission},
    {"event_types", &Envelope::event_types},
};

// Seconds as a number, or ISO 8601. Only its form is judged; our clock is what counts.
bool is_timestamp(JsonValue value) {
  if (value.number()) return true;
  const auto text = value.string();
  if (!text || text->size() < 16 || text->size() > 40) return false;
  constexpr std::string_view form = "dddd-dd-ddTdd:dd";
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = (*text)[i];
    if (form[i] == 'd' ? c < '0' || c > '9' : c != form[i]) return false;
  }
  return true;
}

enum class Room : std::uint8_t { required, optional, none };

struct TypeRow {
  std::string_view name;
  CommandKind kind;
  Room room;
  Verdict (*read)(const Reading&, Command&) = nullptr;
};
constexpr TypeRow client_types[] = {
    {"room_message", CommandKind::publish, Room::required, read_publish},
    {"typing_indicator", CommandKind::ephemeral, Room::required, read_reach},
    {"cursor_position", CommandKind::ephemeral, Room::required, read_reach},
    {"ping", CommandKind::ping, Room::none},
    {"heartbeat", CommandKind::heartbeat, Room::none},
    {"connect", CommandKind::connect, Room::none, read_connect},
    {"join_room", CommandKind::join_room, Room::required, read_join},
    {"leave_room", CommandKind::leave_room, Room::required},
    {"presence", CommandKind::presence, Room::required, read_presence},
    {"history", CommandKind::history, Room::required, read_history},
    {"refresh_token", CommandKind::refresh_token, Room::none, read_refresh_token},
    {"subscribe", CommandKind::subscribe, Room::optional, read_event_types},
    {"unsubscribe", CommandKind::unsubscribe, Room::optional, read_event_types},
    {"request_metrics", CommandKind::request_metrics, Room::none},
    {"query_request", CommandKind::query_request, Room::optional, read_query_request},
    {"query_cancel", CommandKind::query_cancel, Room::optional, read_query_cancel},
    {"message_batch", CommandKind::message_batch, Room::none, read_batch},
    {"create_room", CommandKind::create_room, Room::required, read_create_room},
    {"delete_room", CommandKind::delete_room, Room::required},
    {"list_rooms", CommandKind::list_rooms, Room::none, read_list_rooms},
    {"room_info", CommandKind::room_info, Room::required},
    {"update_presence", CommandKind::update_presence, Room::required, read_update_presence},
    {"acknowledge", CommandKind::acknowledge, Room::optional, read_acknowledge},
    {"trace", CommandKind::trace, Room::none},
    {"start_monitoring", CommandKind::start_topic, Room::none},
    {"start_user_activity", CommandKind::start_topic, Room::none},
    {"start_performance", CommandKind::start_topic, Room::none},
    {"stop_monitoring", CommandKind::stop_topic, Room::none},
    {"stop_user_activity", CommandKind::stop_topic, Room::none},
    {"stop_performance", CommandKind::stop_topic, Room::none},
    {"admin_alert", CommandKind::admin_alert, Room::none},
};
constexpr TypeRow custom_type{"", CommandKind::publish, Room::required, read_publish};

constexpr std::string_view server_types[] = {
    "ack",           "room_joined",     "room_left",        "connection_ack",
    "user_joined",   "user_left",       "query_progress",   "query_result",
    "pong",          "query_cancelled", "ontology_search",  "ontology_suggestion",
    "room_reset",    "endpoint_status", "endpoint_health",  "system_message",
    "notification",  "error_message",   "validation_error", "service_degradation",
    "reconnect",     "room_created",    "room_deleted",     "room_list",
    "presence_diff", "user_updated",    "subscribed",       "unsubscribed",
};

const TypeRow* find_client_type(std::string_view type) {
  for (const TypeRow& row : client_types)
    if (row.name == type) return &row;
  return nullptr;
}

Verdict read_room(const Reading& in, Room need, Command& command) {
  if (need == Room::none || command.room_number != 0) return good;
  const Fault fault{"room", "must be a room name: 1 to 255 bytes of text, no control characters"};
  if (in.envelope.room) {
    if (const Verdict bad = read_text(in.envelope.room, room_bytes_max, fault, command.room))
      return bad;
  } else {
    for (const std::string_view name : {"room", "room_id"}) {
      const auto value = in.find(name);
      if (!value || !value->is_string()) continue;
      if (!is_room_name(*value->string())) return fault;
      command.room = *value->string();
      break;
    }
  }
  if (command.room.empty() && need == Room::required)
    return Fault{"room", "required: name the room in the field room of the envelope"};
  return good;
}

// A name of the table is well-formed; any other one may be a custom type.
Verdict read_type(std::string_view type, const TypeRow*& row) {
  row = find_client_type(type);
  if (row != nullptr) return good;
  row = &custom_type;
  if (!is_type_name(type))
    return Fault{"type",
                 "must be a lower-case letter and then at most 63 of a-z, 0-9, underscore, dot "
                 "and colon"};
  if (is_server_type(type))
    return Fault{"type", "only the server sends this type; choose another one"};
  return good;
}

Verdict read_payload(const Envelope& envelope, Command& command) {
  if (command.payload_is_raw || !envelope.payload) return good;
  if (!envelope.payload->is_object())
    return Fault{"payload", "must be an object; wrap other values, as in {\"value\": 1}"};
  command.payload = envelope.payload->raw();
  return good;
}

}  // namespace

bool is_name(std::string_view text, std::size_t bytes_max) {
  return is_plain(text, bytes_max) && is_utf8(text);
}

bool is_room_name(std::string_view name) { return is_name(name, room_bytes_max); }

bool is_type_name(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (name.empty() || name.size() > type_bytes_max || !is_letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';
  });
}

bool is_server_type(std::string_view type) {
  return std::find(std::begin(server_types), std::end(server_types), type) !=
         std::end(server_types);
}

void blank_line_ends(std::span<std::byte> json) {
  for (const char end : {'\n', '\r'}) {
    std::byte* at = json.data();
    std::byte* const last = at + json.size();
    while (at != last &&
           (at = static_cast<std::byte*>(std::memchr(at, end, std::size_t(last - at)))) != nullptr)
      *at++ = std::byte(' ');
  }
}

Verdict read_envelope(JsonValue object, Envelope& envelope) {
  unsigned seen = 0;
  for (const JsonField& field : object.fields()) {
    for (std::size_t i = 0; i < std::size(envelope_fields); ++i) {
      const EnvelopeField& known = envelope_fields[i];
      if (field.name != known.name) continue;
      if ((seen & 1u << i) != 0)
        return Fault{known.name, "given twice; send every field of the envelope once"};
      seen |= 1u << i;
      if (!field.value.is_null()) envelope.*known.field = field.value;
      break;
    }
  }
  return good;
}

Verdict read_message_id(const std::optional<JsonValue>& value, Command& command) {
  return read_text(value, id_bytes_max,
                   {"message_id", "must be a string of 1 to 128 bytes without control characters"},
                   command.message_id);
}

DecodeError no_json(JsonError error) {
  const bool too_large = error == JsonError::too_large;
  return {.code = too_large ? ErrorCode::too_large : ErrorCode::bad_request,
          .correlation_id = {},
          .path = {},
          .message = sentence_of(error)};
}

Verdict read_command(const Envelope& envelope, JsonParser& parser, Command& command) {
  const TypeRow* row = nullptr;
  if (const Verdict bad = read_type(command.type, row)) return bad;
  if (const Verdict bad = read_text(
          envelope.correlation_id, id_bytes_max,
          {"correlation_id", "must be a string of 1 to 128 bytes without control characters"},
          command.correlation_id))
    return bad;
  if (envelope.timestamp && !is_timestamp(*envelope.timestamp))
    return Fault{"timestamp", "must be seconds as a number, or an ISO 8601 string"};
  if (const Verdict bad = read_payload(envelope, command)) return bad;

  const Reading reading{envelope, envelope.payload, parser};
  command.kind = row->kind;
  const bool speaks = row->kind == CommandKind::publish || row->kind == CommandKind::ephemeral;
  if (command.payload_is_raw && !speaks)
    return Fault{"payload", "must be JSON: what the server reads itself is not raw bytes"};
  if (const Verdict bad = read_room(reading, row->room, command)) return bad;
  return row->read == nullptr ? good : row->read(reading, command);
}

}  // namespace ringroom::proto::dialect
