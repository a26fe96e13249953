#include "proto/dialect/native_payload.h"

#include <cstdint>

#include "proto/bounds.h"

namespace ringroom::proto::dialect {

namespace {

static_assert(connect_rooms_max * sizeof(RoomRequest) + 256 <= json_scratch_bytes &&
                  batch_messages_max * sizeof(std::string_view) <= json_scratch_bytes &&
                  event_types_max * sizeof(std::string_view) <= json_scratch_bytes,
              "the lists of one command fit into the parser's scratch");
static_assert(type_bytes_max == 64 && room_bytes_max == 255 && user_bytes_max == 255 &&
                  connect_rooms_max == 128 && batch_messages_max == 128 && event_types_max == 64 &&
                  history_limit_max == 1000 && key_bytes_max == 128 &&
                  permission_bytes_max == 128 && info_bytes_max == 1024 &&
                  metadata_bytes_max == 4096 && rooms_listed_max == 1000,
              "the sentences below name these numbers");

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

Verdict read_priority(JsonValue value, std::optional<Priority>& to) {
  to = priority_of(value.string().value_or(""));
  return to ? good : Verdict(Fault{"priority", "must be low, medium, high or critical"});
}

}  // namespace

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

}  // namespace ringroom::proto::dialect
