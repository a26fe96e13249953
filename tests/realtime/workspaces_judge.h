#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/json.h"
#include "realtime/access/grants.h"
#include "tests/support/scripted_node.h"

namespace ringroom::realtime {

// Who finds out if something of one workspace is heard, read or counted in another: a model that
// knows nothing but what the members of each workspace did themselves.

inline std::string text_of(const proto::JsonValue& object, std::string_view name) {
  const auto value = object.find(name);
  return value && value->is_string() ? std::string(*value->string()) : std::string();
}
inline std::uint64_t number_of(const proto::JsonValue& object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->unsigned_integer().value_or(0) : 0;
}
// What is known of one workspace by what was done in it.
struct World {
  std::string id, mark;
  std::set<std::string> named = {};  // rooms and patterns that somebody in it has said
  std::map<std::string, std::string> messages = {};  // room, epoch and sequence -> the message's id
  std::map<std::string, int> sayings = {};  // room, user and message id -> how often it was said
  std::set<std::string> revoked = {};
};
struct Judge {
  std::vector<World> worlds;
  std::vector<std::string> faults;
  std::uint64_t heard = 0;

  void fault(const World& world, const std::string& what) {
    if (faults.size() < 20) faults.push_back(world.id + ": " + what);
  }
  // Whatever it is.
  void look(const World& world, std::string_view text) {
    ++heard;
    for (const World& other : worlds)
      if (&other != &world && text.find(other.mark) != text.npos)
        fault(world, "hears what was written in " + other.id + ": " + std::string(text));
  }
};

// A member of a workspace, on whichever connection it has.
class Member {
 public:
  Member(Judge& judge, World& world, std::string user)
      : judge_(judge), world_(world), user_(std::move(user)) {}
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  void use(support::ScriptedClient& connection) {
    connection_ = &connection;
    inside_.clear(), positions_.clear(), epochs_.clear(), counts_.clear();
    connection.on_message = [this, &connection](std::string_view json) {
      if (&connection == connection_) hear(json);
    };
  }
  void say(const std::string& type, const std::string& room, const std::string& payload,
           const std::string& more = {}, std::string id = {}) {
    if (id.empty()) id = user_ + "-" + std::to_string(++said_) + world_.mark;
    if (type == "note" || type == "room_message") ++world_.sayings[room + '\n' + user_ + '\n' + id];
    connection_->say(R"({"type":")" + type + R"(","message_id":")" + id + "\"" +
                     (room.empty() ? "" : R"(,"room":")" + room + "\"") + more + R"(,"payload":)" +
                     payload + "}");
  }
  void expect_count(const std::string& room, std::size_t members, std::size_t connections) {
    counts_[room] = {members, connections};
    say("presence", room, R"({"counts":true})");
  }
  bool was_told_all() const { return counts_.empty(); }

  support::ScriptedClient& connection() { return *connection_; }
  World& world() { return world_; }
  const std::string& user() const { return user_; }
  const std::set<std::string>& inside() const { return inside_; }
  const std::string& id() const { return id_; }

 private:
  void hear(std::string_view json) {
    judge_.look(world_, json);
    const auto message = parser_.parse_copy(json);
    RR_CHECK(message);
    const std::string type = text_of(*message, "type"), room = text_of(*message, "room");
    if (!room.empty() && !world_.named.contains(room) && type != "error_message")
      judge_.fault(world_, "hears of a room that nobody in it has named: " + std::string(json));
    const auto payload = message->find("payload");
    if (number_of(*message, "sequence") != 0) return take(*message, room);
    if (type == "connection_ack") return greeted(*payload);
    if (type == "room_joined") return joined(*message, *payload, room);
    if (type == "room_left") return left(room);
    if (type == "ack") return acknowledged(*message, *payload);
    if (type == "history") return each_of(*payload, room, text_of(*payload, "epoch"));
    if (type == "room_list") return listed(*payload);
    if (type == "presence") return counted(*payload, room);
    if (type == "error_message" && text_of(*payload, "code") == "not_found" && !counts_.empty())
      counted(room, 0, 0);
  }

  void is(const std::string& room, const std::string& epoch, std::uint64_t sequence,
          const std::string& id) {
    const std::string& known =
        world_.messages.emplace(room + '\n' + epoch + '\n' + std::to_string(sequence), id)
            .first->second;
    if (known != id) judge_.fault(world_, "has two messages of one number in " + room);
  }
  void take(const proto::JsonValue& message, const std::string& room) {
    const std::uint64_t sequence = number_of(message, "sequence");
    const auto position = positions_.find(room);
    if (position != positions_.end() && sequence != position->second + 1)
      judge_.fault(world_, user_ + " hears " + std::to_string(sequence) + " behind " +
                               std::to_string(position->second) + " in " + room);
    positions_[room] = sequence;
    is(room, epochs_[room], sequence, text_of(message, "message_id"));
  }
  void greeted(const proto::JsonValue& payload) {
    id_ = text_of(payload, "connection_id");
    if (const auto rooms = payload.find("rooms"))
      for (const proto::JsonField each : rooms->fields()) {
        epochs_[std::string(each.name)] = text_of(each.value, "epoch");
        positions_[std::string(each.name)] = number_of(each.value, "sequence");
      }
  }
  void each_of(const proto::JsonValue& payload, const std::string& room, const std::string& epoch) {
    if (const auto messages = payload.find("messages"))
      for (const proto::JsonValue each : messages->items()) {
        if (text_of(each, "room") != room) judge_.fault(world_, room + " remembers another's");
        is(room, epoch, number_of(each, "sequence"), text_of(each, "message_id"));
      }
  }
  void joined(const proto::JsonValue& message, const proto::JsonValue& payload,
              const std::string& room) {
    if (!text_of(message, "correlation_id").empty()) inside_.insert(room);
    epochs_[room] = text_of(payload, "epoch");
    positions_[room] = number_of(payload, "sequence");
    each_of(payload, room, epochs_[room]);
  }
  void left(const std::string& room) {
    inside_.erase(room);
    positions_.erase(room);
    if (!has_star(room) || is_personal_of(room, user_)) return;
    std::erase_if(positions_, [&](const auto& each) {
      return !inside_.contains(each.first) && matches(room, each.first);
    });
  }
  void acknowledged(const proto::JsonValue& message, const proto::JsonValue& payload) {
    const auto duplicate = payload.find("duplicate");
    const std::string room = text_of(payload, "room");
    if (!duplicate || !*duplicate->boolean()) return;
    if (world_.sayings[room + '\n' + user_ + '\n' + text_of(message, "correlation_id")] < 2)
      judge_.fault(world_, user_ + " is told that it said before what it says for the first time");
  }
  void listed(const proto::JsonValue& payload) {
    for (const proto::JsonValue each : payload.find("rooms")->items())
      if (!world_.named.contains(text_of(each, "room")))
        judge_.fault(world_, "has a room that nobody made: " + text_of(each, "room"));
  }
  void counted(const proto::JsonValue& payload, const std::string& room) {
    if (!payload.find("members"))
      counted(room, number_of(payload, "count"), number_of(payload, "connections"));
  }
  void counted(const std::string& room, std::size_t members, std::size_t connections) {
    const auto expected = counts_.find(room);
    if (expected == counts_.end()) return;
    if (expected->second != std::pair(members, connections))
      judge_.fault(world_, room + " has " + std::to_string(members) + " members by " +
                               std::to_string(connections) + " connections, and should have " +
                               std::to_string(expected->second.first) + " by " +
                               std::to_string(expected->second.second));
    counts_.erase(expected);
  }

  Judge& judge_;
  World& world_;
  const std::string user_;
  proto::JsonParser parser_;
  support::ScriptedClient* connection_ = nullptr;
  std::string id_;
  std::set<std::string> inside_;  // by its name
  std::map<std::string, std::uint64_t> positions_;
  std::map<std::string, std::string> epochs_;
  std::map<std::string, std::pair<std::size_t, std::size_t>> counts_;
  std::uint64_t said_ = 0;
};

}  // namespace ringroom::realtime
