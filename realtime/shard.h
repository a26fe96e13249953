#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "alloc/block.h"
#include "alloc/core_heap.h"
#include "engine/handler.h"
#include "engine/outbox.h"
#include "proto/deflate.h"
#include "proto/http.h"
#include "proto/json.h"
#include "proto/message.h"
#include "realtime/access/admission.h"
#include "realtime/access/api_key.h"
#include "realtime/access/duplicates.h"
#include "realtime/access/live_rights.h"
#include "realtime/access/permissions.h"
#include "realtime/access/quota.h"
#include "realtime/access/rate_limits.h"
#include "realtime/access/revocations.h"
#include "realtime/access/room_places.h"
#include "realtime/flight_recorder.h"
#include "realtime/http/api.h"
#include "realtime/http/batches.h"
#include "realtime/http/broadcasts.h"
#include "realtime/http/connection_lists.h"
#include "realtime/http/exchange.h"
#include "realtime/http/metrics.h"
#include "realtime/http/name_lists.h"
#include "realtime/http/system_health.h"
#include "realtime/http/traces.h"
#include "realtime/letters.h"
#include "realtime/mail.h"
#include "realtime/node.h"
#include "realtime/room/message_id.h"
#include "realtime/room/reach.h"
#include "realtime/room/room_life.h"
#include "realtime/room/room_table.h"
#include "realtime/room/subscribers.h"
#include "realtime/session/commands.h"
#include "realtime/session/deflate_contexts.h"
#include "realtime/session/dialects.h"
#include "realtime/session/drain.h"
#include "realtime/session/event_filters.h"
#include "realtime/session/everybody.h"
#include "realtime/session/greetings.h"
#include "realtime/session/identity.h"
#include "realtime/session/lifecycle.h"
#include "realtime/session/listings.h"
#include "realtime/session/membership.h"
#include "realtime/session/orders.h"
#include "realtime/session/patterns.h"
#include "realtime/session/questions.h"
#include "realtime/session/revoking.h"
#include "realtime/session/rights.h"
#include "realtime/session/room_tokens.h"
#include "realtime/session/session_table.h"
#include "realtime/session/websocket_session.h"
#include "realtime/source/own_numbers.h"
#include "realtime/stages.h"

namespace ringroom::realtime {

// The product on one core: takes a turn and hands each event to the part it belongs to. A table of
// contents; what happens is in the parts.
//
//   bytes   --> http/exchange | session/websocket_session --> session/commands
//   command --> session/membership, send(home of the room) --> room/room_table --> room/fanout
//   batch   --> send(each listening core) --> room/subscribers --> Outbox
//
// Owner: its core. What other cores say comes as letters, as items of letters.h.
class Shard : public engine::Handler {
 public:
  Shard(Node& node, CoreId core, engine::Outbox& outbox);
  ~Shard() override;

  void on_turn(const engine::Inbox& inbox, engine::Outbox& outbox) override;

  // To the part that takes such items on that core: at once if it is this one.
  template <class Item>
  void send(CoreId to, const Item& item) {
    if (to == core) {
      receive(item);
    } else {
      mail_.add(to, item);
    }
  }
  template <class Item>
  void send_to_all(const Item& item) {
    for (std::uint16_t to = 0; to < node.cores; ++to) send(CoreId{to}, item);
  }
  // To the core of the connection that it is for.
  template <class Item>
  void answer(const Item& item) {
    if constexpr (requires { item.to; }) {
      send(CoreId{item.to.core}, item);
    } else {
      send(CoreId{item.asker.to.core}, item);
    }
  }
  bool accepts_mail(CoreId to, std::size_t text_bytes) const {
    return to == core || mail_.accepts(to, text_bytes);
  }
  std::size_t mail_bytes() const { return mail_.waiting_bytes_max(); }
  // A frame for peers that agreed to permessage-deflate, compressed if that pays.
  void append_deflated(alloc::BlockBuilder& out, proto::Opcode opcode,
                       std::span<const std::byte> payload, std::uint8_t window_bits);
  // For the flight recorder: what happened to the session, there or in a room.
  void record(Happened what, const Session& session, RoomId room = RoomId{0},
              std::uint64_t detail = 0) {
    recorder.add(what, connection_id(session), session.user == nullptr ? 0 : session.user->hash(),
                 room.value, detail);
  }
  // What came of sending one message to it.
  void told(engine::SocketId socket, engine::Outbox::Send sent);
  ConnectionId connection_id(const Session& session) const {
    return {
        .core = core.value, .slot = session.socket.slot, .generation = session.socket.generation};
  }

  // The edition that this core goes by, as long as the turn lasts.
  const Config& config() const { return settings_->config; }
  const Namespaces& namespaces() const { return settings_->namespaces; }
  std::span<const std::shared_ptr<Limit>> limits() const { return settings_->limits; }

  Node& node;
  const CoreId core;

 private:
  std::uint32_t edition_;  // of the settings
  std::shared_ptr<const Settings> settings_;

 public:
  ShardCounters& counters;
  Beat& beat;
  alloc::Footprint& footprint;
  engine::Outbox& outbox;
  std::uint64_t now_us = 0;   // of this turn, monotonic
  std::uint64_t now_ms = 0;   // the same
  std::uint64_t wall_ms = 0;  // of this turn, since 1970
  Stages stages;
  FlightRecorder recorder;

  alloc::CoreHeap memory;
  alloc::BlockHeap heap;
  proto::HttpPool http_pool;
  proto::MessagePool message_pool;
  proto::Inflater inflater;
  MessageIds message_ids;

  std::shared_ptr<const ApiKeys> api_keys;
  Revocations revocations;
  LiveRights live_rights;
  PermissionSets permission_sets;
  Identities identities;

  SessionTable sessions;
  DeflateContexts deflate_contexts;
  EventFilters event_filters;
  Dialects dialects;
  Subscribers subscribers;
  RoomTable rooms;
  Reach reach;
  RoomLife room_life;
  Quotas quotas;
  RoomPlaces room_places;
  Duplicates duplicates;
  Admission admission;
  RateLimits rate_limits;
  Lifecycle lifecycle;
  Membership membership;
  Patterns patterns;
  Listings listings;
  Rights rights;
  Questions questions;
  Orders orders;
  RoomTokens room_tokens;
  Revoking revoking;
  Commands commands;
  Greetings greetings;
  WebsocketSessions websockets;
  Exchanges exchanges;
  Api api;
  Batches batches;
  ConnectionLists connection_lists;
  NameLists name_lists;
  Broadcasts broadcasts;
  Everybody everybody;
  Scrapes scrapes;
  SystemHealth system_health;
  Traces traces;
  OwnNumbers own_numbers;
  Drain drain;

 private:
  void receive(const JoinRoom& item) { rooms.receive(item); }
  void receive(const LeaveRoom& item) { rooms.receive(item); }
  void receive(const Acknowledge& item) { rooms.receive(item); }
  void receive(const Farewell& item) { rooms.receive(item); }
  void receive(const FarewellSaid& item) { drain.receive(item); }
  void receive(const Publish& item) { rooms.receive(item); }
  void receive(const ReadHistory& item) { rooms.receive(item); }
  void receive(const HistoryRead& item);
  void receive(const CreateRoom& item) { room_life.receive(item); }
  void receive(const DeleteRoom& item) { room_life.receive(item); }
  void receive(const DescribeRoom& item) { room_life.receive(item); }
  void receive(const ListRooms& item) { room_life.receive(item); }
  void receive(const RoomDescribed& item);
  void receive(const RoomsListed& item) { listings.receive(item); }
  void receive(const CatchUp& item) { rooms.receive(item); }
  void receive(const CaughtUp& item) { subscribers.receive(item); }
  void receive(const RoomGone& item) { subscribers.disperse(item); }
  void receive(const ReadPresence& item) { rooms.receive(item); }
  void receive(const UpdatePresence& item) { rooms.receive(item); }
  void receive(const RoomBusy& item) { rooms.receive(item); }
  void receive(const Joined& item) { membership.receive(item); }
  void receive(const Published& item);
  void receive(const Refused& item);
  void receive(const Deliver& item) { subscribers.deliver(item); }
  void receive(const AuditPosition& item) { subscribers.compare(item); }
  void receive(const BlockReturned& item) { heap.give_back(*item.block); }
  void receive(const AcquireQuota& item) { quotas.receive(item); }
  void receive(const QuotaAnswer& item) { quotas.receive(item); }
  void receive(const ReleaseQuota& item) { quotas.receive(item); }
  void receive(const Revoke& item) { revoking.receive(item); }
  void receive(const Revoked& item) { revoking.receive(item); }
  void receive(const RightsChange& item) { rights.receive(item); }
  void receive(const RightsChanged& item) { revoking.receive(item); }
  void receive(const TakeSeat& item) { duplicates.receive(item); }
  void receive(const LeaveSeat& item) { duplicates.receive(item); }
  void receive(const SeatLost& item) { duplicates.receive(item); }
  void receive(const Unseat& item) { membership.receive(item); }
  void receive(const Throttle& item);
  void receive(const ToUsers& item);
  void receive(const ReachRooms& item) { reach.receive(item); }
  void receive(const JoinPattern& item) { reach.receive(item); }
  void receive(const LeavePattern& item) { reach.receive(item); }
  void receive(const PatternKnown& item) { patterns.receive(item); }
  void receive(const RoomsReached& item) { broadcasts.receive(item); }
  void receive(const Answered& answered);
  void receive(const ClearHistory& item) { rooms.receive(item); }
  void receive(const SessionOrder& item) { orders.receive(item); }
  void receive(const OrderDone& item) { orders.receive(item); }
  void receive(const ListConnections& item) { connection_lists.receive(item); }
  void receive(const ConnectionsListed& item) { connection_lists.receive(item); }
  void receive(const ListNames& item) { name_lists.receive(item); }
  void receive(const NamesListed& item) { name_lists.receive(item); }
  void receive(const ToConnection& item);
  void receive(const ToNamed& item);
  void receive(const ToEverybody& item) { everybody.receive(item); }
  void receive(const AskHealth& item) { system_health.receive(item); }
  void receive(const HealthTold& item) { system_health.receive(item); }
  void receive(const ReadTrace& item) { traces.receive(item); }
  void receive(const TraceRead& item) { traces.receive(item); }
  void receive(const WatchTrace& item) { traces.receive(item); }
  void receive(const AdminAlert& item) { own_numbers.receive(item); }

  void adopt_settings();
  void read(Letter& letter);
  // Those who cannot be served any further as they are: slow ones, and ones with a gap.
  void end_unservable();
  void arm_flush();
  void return_blocks(bool stopping);
  void leave_when_done();

  proto::Deflater deflater_;
  Mail mail_;
  bool is_busy_ = true;
  bool awaits_others_ = false;  // leave_cookie is armed
  bool goes_on_ = false;        // go_on_cookie is armed
  engine::TimerId flush_timer_ = engine::no_timer;
  std::uint64_t flush_due_ms_ = 0;  // of that timer; 0: not armed
};

}  // namespace ringroom::realtime
