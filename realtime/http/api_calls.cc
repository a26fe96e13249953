#include <algorithm>
#include <iterator>
#include <limits>

#include "proto/bounds.h"
#include "realtime/access/bounds.h"
#include "realtime/access/live_rights.h"
#include "realtime/bounds.h"
#include "realtime/http/api.h"

namespace ringroom::realtime {

namespace {

using Kind = FieldKind;
constexpr auto required = Field::Need::required;
constexpr auto optional = Field::Need::optional;
constexpr std::uint64_t any = std::numeric_limits<std::uint64_t>::max();

constexpr Field room{"room", Kind::name, required};
constexpr Field user{"user", Kind::name, required};
constexpr Field type{"type", Kind::type, required};
constexpr Field payload{"payload", Kind::object, required};
constexpr Field exclude{"exclude", Kind::connection};
constexpr Field priority{"priority", Kind::priority};
constexpr Field quiet_hours{"quiet_hours", Kind::quiet_hours};
constexpr Field requires_{"requires", Kind::text, optional, 1, proto::permission_bytes_max};

constexpr Field publish[] = {room,
                             type,
                             payload,
                             {"message_id", Kind::text, optional, 1, proto::id_bytes_max},
                             exclude,
                             {"key", Kind::text, optional, 1, proto::key_bytes_max},
                             {"remove", Kind::flag},
                             {"expected_version", Kind::number, optional, 0, any},
                             priority,
                             quiet_hours,
                             requires_};
constexpr Field publish_to_users[] = {{"users", Kind::names, required, 0, bounds::call_names_max},
                                      type,
                                      payload,
                                      exclude,
                                      priority,
                                      quiet_hours,
                                      requires_};
constexpr Field broadcast[] = {
    type,
    payload,
    {"rooms", Kind::names, optional, 0, bounds::call_names_max},
    {"users", Kind::names, optional, 0, bounds::call_names_max},
    {"connections", Kind::connections, optional, 0, bounds::call_names_max},
    exclude,
    priority,
    quiet_hours,
    requires_};
constexpr Field one_room[] = {room};
constexpr Field list_rooms[] = {{"prefix", Kind::text, optional, 0, proto::room_bytes_max},
                                {"after", Kind::text, optional, 0, proto::room_bytes_max},
                                {"limit", Kind::number, optional, 0, bounds::listed_rooms_max}};
constexpr Field create_room[] = {
    room,
    {"max_members", Kind::number, optional, 0, std::numeric_limits<std::uint32_t>::max()},
    {"public", Kind::flag},
    {"metadata", Kind::object, optional, 0, bounds::room_metadata_bytes_max},
    {"owner", Kind::name}};
constexpr Field history[] = {room,
                             {"limit", Kind::number, optional, 1, proto::history_limit_max},
                             {"reverse", Kind::flag},
                             {"sequence", Kind::number, optional, 0, any},
                             {"epoch", Kind::text, optional, 1, proto::epoch_bytes_max}};
constexpr Field user_and_room[] = {user, room};
constexpr Field disconnect[] = {{"user", Kind::name},
                                {"connection", Kind::connection},
                                {"except", Kind::connection},
                                {"code", Kind::number, optional, 1000, 4999},
                                {"reason", Kind::text, optional, 0, proto::close_reason_bytes_max}};
constexpr Field revoke[] = {{"jti", Kind::text, optional, 1, bounds::token_word_bytes_max},
                            {"user", Kind::text, optional, 1, bounds::token_word_bytes_max},
                            {"issued_before", Kind::time},
                            {"expires", Kind::time}};
constexpr Field block[] = {user,
                           {"rooms", Kind::names, optional, 1, LiveRights::room_changes_max},
                           {"expires", Kind::time}};
constexpr Field unblock[] = {user,
                             {"rooms", Kind::names, optional, 1, LiveRights::room_changes_max}};
constexpr Field grants[] = {{"user", Kind::name},
                            {"connection", Kind::connection},
                            {"rooms", Kind::object},
                            {"permissions", Kind::object},
                            {"expires", Kind::time}};
constexpr Field list_connections[] = {
    {"limit", Kind::number, optional, 1, bounds::listed_connections_max},
    {"cursor", Kind::text, optional, 12, 12},
    {"user", Kind::name},
    {"room", Kind::name},
    {"address", Kind::text, optional, 1, 64},
    {"slow", Kind::flag}};
constexpr Field list_names[] = {{"limit", Kind::number, optional, 1, bounds::listed_names_max},
                                {"prefix", Kind::text, optional, 0, bounds::token_word_bytes_max},
                                {"after", Kind::text, optional, 0, bounds::token_word_bytes_max}};

}  // namespace

// Publications first: they are the most.
const ApiCall ApiCall::rows[] = {
    {"POST", "/api/publish", Scope::publish, publish, &Api::publish, "publish", true},
    {"POST", "/api/publish/users", Scope::publish, publish_to_users, &Api::publish_to_users,
     "publish_to_users"},
    {"POST", "/api/broadcast", Scope::publish, broadcast, &Api::broadcast, "broadcast", false,
     Feature::broadcast},
    {"POST", "/api/batch", std::nullopt, {}, nullptr},
    {"POST", "/api/join", Scope::sessions, user_and_room, &Api::join, "join"},
    {"POST", "/api/leave", Scope::sessions, user_and_room, &Api::leave, "leave"},
    {"POST", "/api/disconnect", Scope::sessions, disconnect, &Api::disconnect, "disconnect"},
    {"POST", "/api/revoke", Scope::sessions, revoke, &Api::revoke, "revoke"},
    {"POST", "/api/block", Scope::sessions, block, &Api::block, "block"},
    {"POST", "/api/unblock", Scope::sessions, unblock, &Api::unblock, "unblock"},
    {"POST", "/api/grants", Scope::sessions, grants, &Api::grants, "grants"},
    {"GET", "/api/ws/rooms", Scope::read, list_rooms, &Api::list_rooms},
    {"POST", "/api/ws/rooms", Scope::rooms, create_room, &Api::create_room, "create_room"},
    {"GET", "/api/ws/rooms/{room}", Scope::read, one_room, &Api::describe_room, "describe_room"},
    {"DELETE", "/api/ws/rooms/{room}", Scope::rooms, one_room, &Api::delete_room, "delete_room"},
    {"GET", "/api/ws/rooms/{room}/presence", Scope::read, one_room, &Api::presence, "presence",
     false, Feature::presence},
    {"GET", "/api/ws/rooms/{room}/presence/stats", Scope::read, one_room, &Api::presence_stats,
     "presence_stats", false, Feature::presence},
    {"GET", "/api/ws/rooms/{room}/history", Scope::read, history, &Api::history, "history", false,
     Feature::history},
    {"DELETE", "/api/ws/rooms/{room}/history", Scope::rooms, one_room, &Api::clear_history,
     "clear_history", false, Feature::history},
    {"GET", "/api/ws/connections", Scope::sessions, list_connections, &Api::list_connections},
    {"GET", "/api/ws/users", Scope::sessions, list_names, &Api::list_users},
    {"GET", "/api/ws/workspaces", Scope::sessions, list_names, &Api::list_workspaces},
    {"GET", "/api/ws/metrics", Scope::read, {}, &Api::metrics},
    {"GET", "/api/info", Scope::read, {}, &Api::info},
};

std::span<const ApiCall> ApiCall::all() { return rows; }

const ApiCall* ApiCall::find_command(std::string_view name) {
  const auto row = std::ranges::find(rows, name, &ApiCall::command);
  return row == std::end(rows) || name.empty() ? nullptr : row;
}

}  // namespace ringroom::realtime
