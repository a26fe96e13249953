#include "proto/dialect/native_command.h"

#include <algorithm>
#include <cstring>

#include "proto/bounds.h"
#include "proto/utf8.h"

namespace ringroom::proto::dialect {

namespace {

static_assert(connect_rooms_max * sizeof(RoomRequest) + 256 <= json_scratch_bytes &&
                  batch_messages_max * sizeof(std::string_view) <= json_scratch_bytes &&
                  event_types_max * sizeof(std::string_view) <= json_scratch_bytes,
              "the lists of one command fit into the parser's scratch");
static_assert(type_bytes_max == 64 && room_bytes_max == 255 && id_bytes_max == 128 &&
                  user_bytes_max == 255 && epoch_bytes_max == 64 && connect_rooms_max == 128 &&
                  batch_messages_max == 128 && event_types_max == 64 && history_limit_max == 1000 &&
                  key_bytes_max == 128 && permission_bytes_max == 128 && info_bytes_max == 1024 &&
                  metadata_bytes_max == 4096 && rooms_listed_max == 1000,
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

bool is_plain(std::string_view text, std::size_t bytes_max) {
  if (text.empty() || text.size() > bytes_max) return false;
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// An optional string: absent leaves `to` empty.
Verdict read_text(const std::optional<JsonValue>& value, std::size_t bytes_max, Fault fault,
                  std::string_view& to) {
  if (!value || value->is_null()) return good;
  const auto text = value->string();
  if (!text || !is_plain(*text, bytes_max)) return fault;
  to = *text;
  return good;
}

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

template <class Flag>  // bool, or an optional one
Verdict read_flag(JsonValue payload, std::string_view name, Fault fault, Flag& to) {
  const auto value = payload.find(name);
  if (!value || value->is_null()) return good;
  const auto flag = value->boolean();
  if (!flag) return fault;
  to = *flag;
  return good;
}

// An optional object, taken as it was written.
Verdict read_object(const std::optional<JsonValue>& value, std::size_t bytes_max, Fault fault,
                    std::string_view& to) {
  if (!value || value->is_null()) return good;
  const std::string_view raw = value->is_object() ? value->raw() : std::string_view();
  if (raw.empty() || raw.size() > bytes_max) return fault;
  to = raw;
  return good;
}

constexpr std::string_view position_sentence =
    "must be {\"sequence\": n, \"epoch\": \"...\"}, both as the server gave them";

Verdict read_position(JsonValue value, std::string_view path, std::optional<Position>& to) {
  if (value.is_null()) return good;
  const auto sequence = value.find("sequence");
  const auto epoch = value.find("epoch");
  const Fault fault{path, position_sentence};
  if (!sequence || !epoch || !sequence->unsigned_integer()) return fault;
  Position position{.epoch = {}, .sequence = *sequence->unsigned_integer()};
  if (const Verdict bad = read_text(epoch, epoch_bytes_max, fault, position.epoch)) return bad;
  if (position.epoch.empty()) return fault;
  to = position;
  return good;
}

Verdict read_history_limit(JsonValue value, std::string_view path, std::uint32_t& to) {
  const auto limit = value.unsigned_integer();
  if (!limit || *limit > history_limit_max)
    return Fault{path, "must be a whole number of messages, 0 to 1000"};
  to = static_cast<std::uint32_t>(*limit);
  return good;
}

// ---- one function per kind that has something in its payload -----------------------------------

// Everything such a function may look at. `parser` lends the room for lists.
struct Reading {
  const Envelope& envelope;
  const std::optional<JsonValue>& payload;
  JsonParser& parser;

  std::optional<JsonValue> find(std::string_view name) const {
    return payload ? payload->find(name) : std::nullopt;
  }
};

Verdict read_connect_rooms(const Reading& in, Command& command) {
  const auto list = in.find("rooms");
  if (!list || list->is_null()) return good;
  const Fault fault{"payload.rooms",
                    "must be a list of at most 128 {\"room\": name} objects, with sequence and "
                    "epoch to recover"};
  if (!list->is_array() || list->size() > connect_rooms_max) return fault;

  const auto rooms = in.parser.scratch<RoomRequest>(list->size());
  std::size_t count = 0;
  for (const JsonValue& item : list->items()) {
    RoomRequest& request = rooms[count++];
    const auto room = item.find("room");
    if (!room || !room->string() || !is_room_name(*room->string())) return fault;
    request.room = *room->string();
    if (!item.find("sequence") && !item.find("epoch")) continue;
    if (const Verdict bad = read_position(item, "payload.rooms", request.recover)) return bad;
  }
  command.rooms = rooms;
  return good;
}

Verdict read_token(const Reading& in, Command& command) {
  return read_text(in.find("token"), message_bytes_ceiling,
                   {"payload.token", "must be a string, the token as it was issued"},
                   command.token);
}

Verdict read_info(const Reading& in, Command& command) {
  return read_object(in.find("info"), info_bytes_max,
                     {"payload.info", "must be an object of at most 1024 bytes"}, command.info);
}

Verdict read_connect(const Reading& in, Command& command) {
  if (const Verdict bad = read_token(in, command)) return bad;
  if (const Verdict bad = read_info(in, command)) return bad;
  if (const Verdict bad = read_text(
          in.find("user_id"), user_bytes_max,
          {"payload.user_id", "must be a string of 1 to 255 bytes without control characters"},
          command.user_id))
    return bad;
  if (in.payload) {
    if (const Verdict bad = read_flag(
            *in.payload, "batch", {"payload.batch", "must be true or false"}, command.want_batches))
      return bad;
  }
  return read_connect_rooms(in, command);
}

Verdict read_refresh_token(const Reading& in, Command& command) {
  if (const Verdict bad = read_token(in, command)) return bad;
  if (command.token.empty())
    return Fault{"payload.token", "required: put the fresh token into payload.token"};
  return good;
}

Verdict read_join(const Reading& in, Command& command) {
  if (!in.payload) return good;
  if (const Verdict bad = read_token(in, command)) return bad;
  if (const Verdict bad = read_info(in, command)) return bad;
  if (const auto recover = in.find("recover")) {
    if (const Verdict bad = read_position(*recover, "payload.recover", command.recover)) return bad;
  }
  if (const auto history = in.find("history"); history && !history->is_null()) {
    if (const Verdict bad = read_history_limit(*history, "payload.history", command.history_limit))
      return bad;
  }
  return read_flag(*in.payload, "presence", {"payload.presence", "must be true or false"},
                   command.want_members);
}

Verdict read_history(const Reading& in, Command& command) {
  const auto limit = in.find("limit");
  if (!limit) return Fault{"payload.limit", "required: how many messages, 0 to 1000"};
  if (const Verdict bad = read_history_limit(*limit, "payload.limit", command.history_limit))
    return bad;
  if (const auto since = in.find("since")) {
    if (const Verdict bad = read_position(*since, "payload.since", command.recover)) return bad;
  }
  return read_flag(*in.payload, "reverse", {"payload.reverse", "must be true or false"},
                   command.reverse);
}

Verdict read_event_types(const Reading& in, Command& command) {
  if (const auto recover = in.find("recover")) {
    if (const Verdict bad = read_position(*recover, "payload.recover", command.recover)) return bad;
  }
  const auto list = in.envelope.event_types ? in.envelope.event_types : in.find("event_types");
  if (!list || list->is_null()) {
    if (!command.room.empty()) return good;
    return Fault{"payload.event_types", "required: a list of event types, or a room_id"};
  }
  const Fault fault{"payload.event_types",
                    "must be a list of 1 to 64 names, each of 1 to 64 bytes"};
  const std::size_t count = list->size();
  if (!list->is_array() || count == 0 || count > event_types_max) return fault;
  const auto types = in.parser.scratch<std::string_view>(count);
  std::size_t at = 0;
  for (const JsonValue& item : list->items()) {
    const auto type = item.string();
    if (!type || !is_plain(*type, type_bytes_max)) return fault;
    types[at++] = *type;
  }
  command.event_types = types;
  return good;
}

Verdict read_batch(const Reading& in, Command& command) {
  const auto list = in.envelope.messages ? in.envelope.messages : in.find("messages");
  const Fault fault{"messages", "required: a list of 1 to 128 messages"};
  if (!list || !list->is_array()) return fault;
  const std::size_t count = list->size();
  if (count == 0 || count > batch_messages_max) return fault;
  const auto messages = in.parser.scratch<std::string_view>(count);
  std::size_t at = 0;
  for (const JsonValue& item : list->items()) messages[at++] = item.raw();
  command.messages = messages;
  return good;
}

Verdict read_priority(JsonValue value, std::optional<Priority>& to) {
  to = priority_of(value.string().value_or(""));
  return to ? good : Verdict(Fault{"priority", "must be low, medium, high or critical"});
}

// Whom a message reaches, and how soon.
Verdict read_reach(const Reading& in, Command& command) {
  if (in.envelope.priority) {
    if (const Verdict bad = read_priority(*in.envelope.priority, command.priority)) return bad;
  }
  return read_text(in.envelope.required_permission, permission_bytes_max,
                   {"requires", "must be the name of a permission, 1 to 128 bytes"},
                   command.required_permission);
}

Verdict read_publish(const Reading& in, Command& command) {
  const Envelope& envelope = in.envelope;
  if (const Verdict bad = read_reach(in, command)) return bad;
  if (const Verdict bad = read_text(
          envelope.key, key_bytes_max,
          {"key", "must be a string of 1 to 128 bytes without control characters"}, command.key))
    return bad;
  if (envelope.expected_version) {
    command.expected_version = envelope.expected_version->unsigned_integer();
    if (!command.expected_version)
      return Fault{"expected_version", "must be a version as the server gave it; 0: no value yet"};
  }
  // A value is kept and shown to whoever joins, and a patch of it says what was there before.
  if (!command.required_permission.empty() && !command.key.empty())
    return Fault{"requires", "cannot be said of a value that the room keeps: leave out `key`"};
  if (command.payload_is_raw && !command.key.empty())
    return Fault{"payload", "must be JSON: a room keeps the value of a key as an object"};
  if (!envelope.remove) return good;
  if (!envelope.remove->boolean()) return Fault{"remove", "must be true or false"};
  command.remove = *envelope.remove->boolean();
  if (command.remove && command.key.empty())
    return Fault{"key", "required: name the key whose value is to be removed"};
  return good;
}

Verdict read_presence(const Reading& in, Command& command) {
  if (!in.payload) return good;
  return read_flag(*in.payload, "counts", {"payload.counts", "must be true or false"},
                   command.counts_only);
}

Verdict read_update_presence(const Reading& in, Command& command) {
  if (const Verdict bad = read_info(in, command)) return bad;
  if (command.info.empty())
    return Fault{"payload.info", "required: an object, what others may know about you"};
  return good;
}

Verdict read_create_room(const Reading& in, Command& command) {
  if (!in.payload) return good;
  if (const auto members = in.find("max_members"); members && !members->is_null()) {
    const auto count = members->unsigned_integer();
    if (!count || *count == 0 || *count > std::uint32_t(-1))
      return Fault{"payload.max_members", "must be a whole number from 1 on"};
    command.max_members = static_cast<std::uint32_t>(*count);
  }
  if (const Verdict bad = read_flag(*in.payload, "public",
                                    {"payload.public", "must be true or false"}, command.is_public))
    return bad;
  return read_object(in.find("metadata"), metadata_bytes_max,
                     {"payload.metadata", "must be an object of at most 4096 bytes"},
                     command.metadata);
}

Verdict read_list_rooms(const Reading& in, Command& command) {
  if (const auto value = in.find("limit"); value && !value->is_null()) {
    const auto limit = value->unsigned_integer();
    if (!limit || *limit == 0 || *limit > rooms_listed_max)
      return Fault{"payload.limit", "must be a whole number of rooms, 1 to 1000"};
    command.list_limit = static_cast<std::uint32_t>(*limit);
  }
  return read_text(in.find("prefix"), room_bytes_max,
                   {"payload.prefix", "must be the beginning of a room name, 1 to 255 bytes"},
                   command.prefix);
}

Verdict read_acknowledge(const Reading& in, Command& command) {
  constexpr std::string_view path = "payload";
  if (in.payload) {
    if (const Verdict bad = read_position(*in.payload, path, command.acknowledged)) return bad;
  }
  return command.acknowledged ? good : Verdict(Fault{path, position_sentence});
}

Verdict read_query_request(const Reading&, Command& command) {
  if (command.message_id.empty())
    return Fault{"message_id", "required: the answers of a query carry it as correlation_id"};
  return good;
}

Verdict read_query_cancel(const Reading&, Command& command) {
  if (command.correlation_id.empty())
    return Fault{"correlation_id", "required: the message_id of the query to cancel"};
  return good;
}

// ---- the types ---------------------------------------------------------------------------------

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
