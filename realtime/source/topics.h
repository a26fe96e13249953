#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace ringroom::realtime {

// The rooms in which the server says how it is itself (L3). They are about all of it, so they are
// in the default workspace only; clients do not speak there, and to hear one takes a permission.
//
//   admin:performance         every 5 s
//   admin:performance:30s     every 30 s

enum class Topic : std::uint8_t { system_monitoring, user_activity, performance };

struct TopicRow {
  Topic topic;
  std::string_view room;
  std::string_view start, stop;   // commands of clients
  std::string_view message_type;  // what is said there
  std::string_view permission;    // that a token has to hold
};
inline constexpr TopicRow topics[] = {
    {Topic::system_monitoring, "admin:system_monitoring", "start_monitoring", "stop_monitoring",
     "system_metrics", "analytics:read"},
    {Topic::user_activity, "admin:user_activity", "start_user_activity", "stop_user_activity",
     "user_activity", "audit:read"},
    {Topic::performance, "admin:performance", "start_performance", "stop_performance",
     "performance_metrics", "analytics:read"},
};
inline constexpr std::uint32_t topic_interval_s = 5, topic_interval_s_max = 3'600;

// The row whose rooms have such names; also of a name that is none of them, `admin:performance:x`.
constexpr const TopicRow* topic_of_room(std::string_view room) {
  if (!room.starts_with("admin:")) return nullptr;
  for (const TopicRow& row : topics) {
    if (!room.starts_with(row.room)) continue;
    const std::string_view rest = room.substr(row.room.size());
    if (rest.empty() || rest.front() == ':') return &row;
  }
  return nullptr;
}

struct TopicRoom {
  const TopicRow* row;
  std::uint32_t interval_s;

  std::string name() const {
    std::string out(row->room);
    if (interval_s != topic_interval_s) out += ":" + std::to_string(interval_s) + "s";
    return out;
  }
  // nullopt: no room of this name is ours.
  static std::optional<TopicRoom> parse(std::string_view room) {
    const TopicRow* const row = topic_of_room(room);
    if (row == nullptr) return std::nullopt;
    const std::string_view rest = room.substr(row->room.size());
    if (rest.empty()) return TopicRoom{row, topic_interval_s};
    TopicRoom out{row, 0};
    std::from_chars(rest.data() + 1, rest.data() + rest.size(), out.interval_s);
    // Of the ways to write an interval one is a room.
    if (out.interval_s == 0 || out.interval_s > topic_interval_s_max || out.name() != room)
      return std::nullopt;
    return out;
  }
};

constexpr const TopicRow* topic_of_command(std::string_view type) {
  for (const TopicRow& row : topics)
    if (row.start == type || row.stop == type) return &row;
  return nullptr;
}

}  // namespace ringroom::realtime
