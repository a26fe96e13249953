#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

#include "proto/command.h"

namespace ringroom::realtime {

// Which features clients use: how their messages are counted by type. The set is closed, whatever
// clients call their own types: those are `other`.

inline constexpr std::string_view usage_names[] = {
    // In the order of proto::CommandKind; of the kinds that have several types, the usual one.
    "connect", "join_room", "leave_room", "room_message", "typing_indicator", "ping", "heartbeat",
    "presence", "history", "refresh_token", "subscribe", "unsubscribe", "request_metrics",
    "query_request", "query_cancel", "message_batch", "create_room", "delete_room", "list_rooms",
    "room_info", "update_presence", "acknowledge", "trace", "start_monitoring", "stop_monitoring",
    "admin_alert",
    // The others.
    "cursor_position", "other"};
inline constexpr std::size_t usage_count = std::size(usage_names);
inline constexpr std::size_t usage_kinds = std::size_t(proto::CommandKind::admin_alert) + 1;
static_assert(usage_count == usage_kinds + 2 &&
                  usage_names[std::size_t(proto::CommandKind::publish)] == "room_message" &&
                  usage_names[std::size_t(proto::CommandKind::acknowledge)] == "acknowledge",
              "usage_of indexes by the kind");

constexpr std::size_t usage_of(proto::CommandKind kind, std::string_view type) {
  if (kind == proto::CommandKind::publish && type != "room_message") return usage_count - 1;
  if (kind == proto::CommandKind::ephemeral && type == "cursor_position") return usage_kinds;
  return std::size_t(kind);
}

}  // namespace ringroom::realtime
