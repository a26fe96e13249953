#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alloc/block.h"
#include "proto/command.h"
#include "proto/json.h"
#include "realtime/access/admission.h"
#include "realtime/access/rate_limits.h"
#include "realtime/letters/publication.h"
#include "realtime/letters/refused.h"
#include "realtime/letters/room_life.h"
#include "realtime/session/questions.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// What a client of the native protocol can ask: one function per kind of command, and the table of
// them.
//
// Errors: an answer to the client that says what is wrong and what to do; the connection lives on,
// unless it never said who it is.
class Commands {
 public:
  explicit Commands(Shard& shard);

  // `message` may be changed; 64 bytes behind it can be read.
  void run(Session& session, std::span<std::byte> message);

  // Tells the client that it is in service, and in which rooms it is already.
  void greet(Session& session, std::string_view correlation_id,
             std::span<const proto::RoomPosition> rooms);
  // The rooms that a `connect` asks for.
  void join_all(Session& session, std::string_view correlation_id,
                std::span<const proto::RoomRequest> rooms);
  // Tells the client to come back that long after its close.
  void tell_reconnect(Session& session, std::uint64_t delay_ms, std::string_view reason);
  void tell_token_ends(Session& session, std::uint64_t in_ms);
  void refuse(Session& session, proto::ErrorCode code, const proto::Command& command,
              std::string_view message, std::optional<std::uint64_t> retry_after_ms = {});

  void receive(Session& session, const Published& published);
  void receive(Session& session, const Refused& refused);
  void receive(Session& session, const RoomDescribed& room);
  void receive(Session& session, const proto::RoomList& list);
  // The session is in the room no longer, and did not ask for that.
  void left(Session& session, std::string_view room, std::string_view reason);
  // Every core knows the session's pattern, and has entered it into its rooms.
  void joined_pattern(Session& session, std::string_view correlation_id, std::string_view pattern);

 private:
  friend struct CommandRow;
  using Run = void (Commands::*)(Session&, const proto::Command&);
  void connect(Session& session, const proto::Command& command);
  void join_room(Session& session, const proto::Command& command);
  void leave_room(Session& session, const proto::Command& command);
  void publish(Session& session, const proto::Command& command);
  void ping(Session& session, const proto::Command& command);
  void heartbeat(Session& session, const proto::Command& command);
  void message_batch(Session& session, const proto::Command& command);
  void refresh_token(Session& session, const proto::Command& command);
  void history(Session& session, const proto::Command& command);
  void presence(Session& session, const proto::Command& command);
  void update_presence(Session& session, const proto::Command& command);
  void subscribe(Session& session, const proto::Command& command);
  void unsubscribe(Session& session, const proto::Command& command);
  // The room of what happens in the connection's workspace, if it may hear that.
  void join_workspace(Session& session, const proto::Command& command);
  std::span<const std::string_view> event_types_of(const Session& session);
  void create_room(Session& session, const proto::Command& command);
  void delete_room(Session& session, const proto::Command& command);
  void list_rooms(Session& session, const proto::Command& command);
  void room_info(Session& session, const proto::Command& command);
  void acknowledge(Session& session, const proto::Command& command);
  // commands_admin.cc
  void request_metrics(Session& session, const proto::Command& command);
  void trace(Session& session, const proto::Command& command);
  void start_topic(Session& session, const proto::Command& command);
  void stop_topic(Session& session, const proto::Command& command);
  void admin_alert(Session& session, const proto::Command& command);
  // False: the refusal is out.
  bool is_admin(Session& session, const proto::Command& command);
  std::optional<proto::JsonValue> payload_of(const proto::Command& command);  // until the next
  void invalid(Session& session, const proto::Command& command, std::string_view path,
               std::string_view message);
  std::uint64_t permission_of(const proto::Command& command) const;  // that it requires
  Questions::About about(const Session& session, const proto::Command& command) const;
  void not_offered(Session& session, const proto::Command& command);
  void switched_off(Session& session, const proto::Command& command);

  // True: it is within its limits. Otherwise the refusal is out, and the end if it does not stop.
  bool is_within(Session& session, const proto::Command& command,
                 const RateLimits::Verdict& verdict);
  void run_binary(Session& session, std::span<std::byte> message);
  void dispatch(Session& session, const proto::Command& command);
  void refuse_text(Session& session, const proto::DecodeError& error);
  void join(Session& session, std::string_view room, const proto::Command& command,
            const std::optional<proto::Position>& recover);

  void join_pattern(Session& session, const proto::Command& about, bool looks_back);
  // False: the refusal is out.
  bool may_join_now(Session& session, const proto::Command& about, Admission::Who who);
  // The room's home takes so much text more; false: the refusal is out.
  bool keeps_up(Session& session, CoreId home, const proto::Command& command,
                std::size_t text_bytes);
  template <class Item>
  void say(Session& session, CoreId home, const proto::Command& command, const Item& item);
  template <class Value>
  void reply(Session& session, const Value& value);
  // Behind what the room said before.
  void say_left(Session& session, const proto::RoomLeft& left);
  template <class Value>
  void encode(const Session& session, const Value& value);  // as a frame, into frame_

  Shard& shard_;
  // By kind: as in the table, but for what is switched off.
  std::array<Run, std::size_t(proto::CommandKind::admin_alert) + 1> runs_;
  std::vector<std::string_view> features_off_;
  proto::JsonParser parser_, inner_parser_;  // a batch's own text is alive while its messages run
  proto::JsonParser payload_parser_;         // of a payload that only its command reads
  alloc::BlockBuilder frame_;
  std::span<std::byte> text_;                  // of the message in work
  std::string room_name_;                      // of a room that was called by its number
  std::vector<std::string_view> event_types_;  // scratch
};

}  // namespace ringroom::realtime
