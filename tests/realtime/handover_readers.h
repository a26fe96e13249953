#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "proto/json.h"
#include "tests/support/scripted_node.h"

namespace ringroom::realtime {

using support::ScriptedClient;

// Those who listen in the room of handover_test.cc, and the judgement of what they have heard.

// What is known about one room: which message has which number, and what went wrong.
struct Record {
  std::string room;
  std::map<std::uint64_t, std::string> messages;
  std::map<std::string, std::uint64_t> acks;
  std::vector<std::string> faults;
  std::uint64_t recovered = 0;
  std::uint64_t told = 0;
  bool may_be_told = false;  // history is too short for some

  void is(std::uint64_t sequence, const std::string& id) {
    const std::string& known = messages.emplace(sequence, id).first->second;
    if (known != id)
      faults.push_back("number " + std::to_string(sequence) + " is " + known + " and " + id);
  }
};

inline std::string text_of(const proto::JsonValue& object, std::string_view name) {
  const auto value = object.find(name);
  return value && value->is_string() ? std::string(*value->string()) : std::string();
}
inline std::uint64_t number_of(const proto::JsonValue& object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->unsigned_integer().value_or(0) : 0;
}

// A client that comes and goes, remembers its position, and takes what it hears apart. It may have
// several connections, one after the other.
class Reader {
 public:
  Reader(Record& record, std::string name) : record_(record), name_(std::move(name)) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void use(ScriptedClient& connection) {
    connection_ = &connection;
    is_inside_ = wants_in_ = false;
    said_.clear();
    connection.on_message = [this, &connection](std::string_view json) {
      if (&connection == connection_) hear(json);
    };
  }
  ScriptedClient& connection() { return *connection_; }

  void join() {
    wants_in_ = true;
    const std::string id = name_ + "-j" + std::to_string(++joins_);
    said_.push_back({.join = id, .asked = position_});
    std::string recover;
    if (!epoch_.empty())
      recover =
          R"("recover":{"epoch":")" + epoch_ + R"(","sequence":)" + std::to_string(position_) + "}";
    say("join_room", id, "{" + recover + "}");
  }
  void leave() {
    wants_in_ = false;
    said_.push_back({.join = {}, .asked = 0});
    say("leave_room", name_ + "-l", "{}");
  }
  void publish() {
    const std::string id = name_ + "-" + std::to_string(++published_);
    say("room_message", id, R"({"n":)" + std::to_string(published_) + "}");
  }

  bool is_inside() const { return is_inside_; }
  bool wants_in() const { return wants_in_; }
  std::uint64_t position() const { return position_; }
  std::uint64_t published() const { return published_; }
  const std::string& name() const { return name_; }

 private:
  void say(const std::string& type, const std::string& id, const std::string& payload) {
    connection_->say(R"({"type":")" + type + R"(","message_id":")" + id + R"(","room":")" +
                     record_.room + R"(","payload":)" + payload + "}");
  }

  void fault(const std::string& what) { record_.faults.push_back(name_ + ": " + what); }

  void hear(std::string_view json) {
    const auto message = parser_.parse_copy(json);
    RR_CHECK(message);
    const std::string type = text_of(*message, "type");
    if (type == "room_message") {
      if (!is_inside_) fault("hears a message where it is not");
      take(*message);
    } else if (type == "room_joined") {
      joined(*message);
    } else if (type == "room_left") {
      left();
    } else if (type == "ack") {
      acknowledged(*message);
    } else if (type == "error_message") {
      fault(std::string(json));
    }
  }

  void take(const proto::JsonValue& message) {
    const std::uint64_t sequence = number_of(message, "sequence");
    if (sequence != position_ + 1)
      fault("hears " + std::to_string(sequence) + " behind " + std::to_string(position_));
    position_ = sequence;
    record_.is(sequence, text_of(message, "correlation_id"));
  }

  void joined(const proto::JsonValue& message) {
    if (said_.empty() || text_of(message, "correlation_id") != said_.front().join)
      return fault("is told of a join that is past, or not asked for");
    const std::uint64_t asked = said_.front().asked;
    said_.pop_front();
    if (is_inside_) fault("comes in twice");
    is_inside_ = true;
    const proto::JsonValue payload = *message.find("payload");
    const std::uint64_t sequence = number_of(payload, "sequence");
    const auto recovered = payload.find("recovered");
    if (recovered.has_value() == epoch_.empty()) fault("was not told whether it recovered");
    epoch_ = text_of(payload, "epoch");
    if (recovered && *recovered->boolean()) {
      ++record_.recovered;
      position_ = asked;
      if (const auto messages = payload.find("messages"))
        for (const proto::JsonValue each : messages->items()) take(each);
      if (position_ != sequence)
        fault("recovered to " + std::to_string(position_) + " of " + std::to_string(sequence));
    } else if (recovered) {
      ++record_.told;
      if (!record_.may_be_told) fault("was told of a gap where there is none");
      if (sequence <= asked) fault("was told of a gap behind the end");
    }
    position_ = sequence;
  }

  // Joins before it that were on their way are not answered any more.
  void left() {
    is_inside_ = false;
    while (!said_.empty() && !said_.front().join.empty()) said_.pop_front();
    if (said_.empty()) return fault("is told to have left and did not ask");
    said_.pop_front();
  }

  void acknowledged(const proto::JsonValue& message) {
    const std::string id = text_of(message, "correlation_id");
    const std::uint64_t sequence = number_of(*message.find("payload"), "sequence");
    if (!record_.acks.emplace(id, sequence).second) fault(id + " is acknowledged twice");
    record_.is(sequence, id);
  }

  Record& record_;
  const std::string name_;
  proto::JsonParser parser_;
  ScriptedClient* connection_ = nullptr;
  // What it waits for an answer to: a join by its id and the position it gave, or a leave.
  struct Said {
    std::string join;
    std::uint64_t asked;
  };
  std::deque<Said> said_;
  std::string epoch_;
  std::uint64_t position_ = 0;
  bool is_inside_ = false, wants_in_ = false;
  std::uint64_t joins_ = 0, published_ = 0;
};

// Everybody has come to rest: who is inside has heard all there is, and all that was said is there.
inline void judge(Record& record, std::deque<Reader>& readers) {
  std::uint64_t said = 0;
  for (Reader& reader : readers) said += reader.published();
  if (record.acks.size() != said)
    record.faults.push_back(std::to_string(said) + " were said and " +
                            std::to_string(record.acks.size()) + " acknowledged");
  if (record.messages.size() != said || (said > 0 && record.messages.rbegin()->first != said))
    record.faults.push_back("the numbers have a hole or are too many");
  for (Reader& reader : readers) {
    const auto close_code = reader.connection().close_code();
    if (close_code)
      record.faults.push_back(reader.name() + " was closed: " + std::to_string(*close_code));
    if (reader.wants_in() != reader.is_inside())
      record.faults.push_back(reader.name() + " is not where it should be");
    if (reader.is_inside() && reader.position() != said)
      record.faults.push_back(reader.name() + " stands at " + std::to_string(reader.position()) +
                              " of " + std::to_string(said));
  }
}

inline std::string all_of(const std::vector<std::string>& faults) {
  std::string out;
  for (const std::string& fault : faults) out += "  " + fault + "\n";
  return out;
}

}  // namespace ringroom::realtime
