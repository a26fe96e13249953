#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <tuple>

#include "base/counter.h"
#include "base/histogram.h"
#include "proto/close_code.h"
#include "proto/command.h"
#include "realtime/access/token_error.h"
#include "realtime/usage.h"

namespace ringroom::realtime {

// Why somebody was not let in, besides what may be wrong with a token.
enum class AuthRefusal : std::uint8_t {
  credentials,  // none, or none that count here
  other_user,   // a fresh token, but of somebody else
  api_key,      // none of ours
  scope,        // one of ours, but not for this
  blocked       // the user is
};
inline constexpr std::string_view auth_refusal_names[] = {"credentials", "other_user", "api_key",
                                                          "scope", "blocked"};

// What the product counts, one set per core; /metrics sums them. A new row is all a new metric
// needs. No label has values that a client can choose, so the number of series is fixed.
struct ShardCounters {
  // By code; what has none of ours is in the last.
  std::array<Counter, std::size(proto::error_rows) + 1> errors;
  std::array<Counter, std::size(proto::close_codes) + 1> disconnects;
  // By usage_names.
  std::array<Counter, usage_count> messages_of_type;
  // TokenError, then AuthRefusal.
  std::array<Counter, token_error_count + std::size(auth_refusal_names)> auth_failures;

  void refused(proto::ErrorCode code) { errors[std::size_t(code)].add(); }
  void refused_otherwise() { errors.back().add(); }
  void not_let_in(TokenError why) { auth_failures[std::size_t(why)].add(); }
  void not_let_in(AuthRefusal why) { auth_failures[token_error_count + std::size_t(why)].add(); }
  void disconnected(proto::CloseCode code) {
    std::size_t row = 0;
    while (row < std::size(proto::close_codes) && proto::close_codes[row].code != code) ++row;
    disconnects[row].add();
  }

  Histogram turn_duration_us, receive_to_room_us, room_to_send_us, publish_to_ack_us, broadcast_us;
  Histogram connection_duration_us, ping_rtt_us;
  Histogram listeners_per_batch;

  Counter reconnects_admitted_total, reconnects_refused_total;
  Counter connections_connecting, connections_connected, connections_authenticated,
      connections_draining;
  Counter connections_total, upgrades_total, upgrades_refused_total, http_requests_total;
  Counter messages_received_total, messages_sent_total;
  Counter publications_total, publications_remote_total, fanout_encodes_total, deliveries_total,
      batches_total;
  Counter deflate_messages_total, deflate_bytes_in_total, deflate_bytes_out_total;
  Counter deflate_contexts, deflate_context_bytes, deflate_contexts_refused_total,
      deflate_context_messages_total, deflate_context_bytes_in_total,
      deflate_context_bytes_out_total;
  Counter presence_told_total;
  Counter rooms, subscriptions, patterns, joins_total, leaves_total;
  Counter lagging_total, conflated_total, ephemerals_skipped_total;
  Counter paced_total, paced_replaced_total;
  Counter duplicates_total, recoveries_complete_total, recoveries_failed_total,
      recovered_messages_total, history_squeezed_total, position_gaps_total;
  Counter offline_brought_total, offline_dropped_total, acknowledgements_total;
  Counter rate_limited_total, rate_closes_total, limit_keys_squeezed_total;
  Counter origins_refused_total, forwarded_unreadable_total, proxy_headers_refused_total;
  Counter fernet_sealed_total, fernet_opened_total, fernet_refused_total;
  Counter held, held_total, held_refused_total, held_lost_total;
  Counter handshakes_deferred_total, joins_deferred_total, strangers_closed_total;
  Counter drain_closes_total, drain_cut_off_total;
  Counter events_unheard_total, withheld_total;
  Counter refused_limit_total, duplicate_sessions_total;
  Counter signatures_checked_total, keys_missing_total, token_refreshes_total, tokens_expired_total,
      revoked_total;
  Counter rights_changes_total, blocked_total, expelled_total;
  Counter throttled_total;
  Counter slow_consumers_total, protocol_errors_total, pings_total, pong_timeouts_total,
      hello_timeouts_total;
};

inline constexpr CounterRow<ShardCounters> shard_counters[] = {
    {"connections_connecting", CounterKind::gauge,
     "Connections before the end of the HTTP exchange.", &ShardCounters::connections_connecting},
    {"connections_connected", CounterKind::gauge, "WebSockets that have not said who they are.",
     &ShardCounters::connections_connected},
    {"connections_authenticated", CounterKind::gauge, "WebSockets in service.",
     &ShardCounters::connections_authenticated},
    {"connections_draining", CounterKind::gauge, "Connections told to go, not yet gone.",
     &ShardCounters::connections_draining},
    {"connections_total", CounterKind::total, "Connections accepted.",
     &ShardCounters::connections_total},
    {"upgrades_total", CounterKind::total, "WebSocket handshakes completed.",
     &ShardCounters::upgrades_total},
    {"upgrades_refused_total", CounterKind::total, "WebSocket handshakes refused.",
     &ShardCounters::upgrades_refused_total},
    {"http_requests_total", CounterKind::total, "HTTP requests, handshakes included.",
     &ShardCounters::http_requests_total},
    {"messages_received_total", CounterKind::total, "WebSocket data messages from clients.",
     &ShardCounters::messages_received_total},
    {"messages_sent_total", CounterKind::total,
     "WebSocket data messages queued to clients, deliveries included.",
     &ShardCounters::messages_sent_total},
    {"publish_total", CounterKind::total, "Publications accepted by their room.",
     &ShardCounters::publications_total},
    {"publish_remote_total", CounterKind::total,
     "Publications that came to their room from another core.",
     &ShardCounters::publications_remote_total},
    {"fanout_encodes_total", CounterKind::total,
     "Publications encoded: once for each wire form somebody listens in.",
     &ShardCounters::fanout_encodes_total},
    {"deliveries_total", CounterKind::total, "Publications queued to listeners.",
     &ShardCounters::deliveries_total},
    {"batches_total", CounterKind::total, "Room batches sealed: one send per listener each.",
     &ShardCounters::batches_total},
    {"events_unheard_total", CounterKind::total,
     "Events that a listener had not asked for, or must not hear.",
     &ShardCounters::events_unheard_total},
    {"withheld_total", CounterKind::total,
     "Publications that a listener did not hear for want of the permission they require.",
     &ShardCounters::withheld_total},
    {"deflate_messages_total", CounterKind::total,
     "Messages compressed, each once for all of its listeners.",
     &ShardCounters::deflate_messages_total},
    {"deflate_bytes_in_total", CounterKind::total, "Bytes of those messages before.",
     &ShardCounters::deflate_bytes_in_total},
    {"deflate_bytes_out_total", CounterKind::total, "Bytes of those messages compressed.",
     &ShardCounters::deflate_bytes_out_total},
    {"deflate_contexts", CounterKind::gauge,
     "Connections whose compression goes on from message to message.",
     &ShardCounters::deflate_contexts},
    {"deflate_context_bytes", CounterKind::gauge, "Memory of their windows.",
     &ShardCounters::deflate_context_bytes},
    {"deflate_contexts_refused_total", CounterKind::total,
     "Connections that found no place among compression-contexts-max.",
     &ShardCounters::deflate_contexts_refused_total},
    {"deflate_context_messages_total", CounterKind::total,
     "Messages compressed for one such connection each.",
     &ShardCounters::deflate_context_messages_total},
    {"deflate_context_bytes_in_total", CounterKind::total, "Bytes of those messages before.",
     &ShardCounters::deflate_context_bytes_in_total},
    {"deflate_context_bytes_out_total", CounterKind::total, "Bytes of those messages compressed.",
     &ShardCounters::deflate_context_bytes_out_total},
    {"presence_told_total", CounterKind::total,
     "Messages to rooms about who came, left or changed; a difference of many is one.",
     &ShardCounters::presence_told_total},
    {"rooms", CounterKind::gauge, "Rooms alive.", &ShardCounters::rooms},
    {"subscriptions", CounterKind::gauge, "Listeners in rooms.", &ShardCounters::subscriptions},
    {"patterns", CounterKind::gauge, "Room patterns that connections listen to.",
     &ShardCounters::patterns},
    {"joins_total", CounterKind::total, "Joins granted.", &ShardCounters::joins_total},
    {"leaves_total", CounterKind::total, "Leaves, closed connections included.",
     &ShardCounters::leaves_total},
    {"lagging_total", CounterKind::total,
     "Times a listener was left out until it had read what waited for it (slow-consumer).",
     &ShardCounters::lagging_total},
    {"ephemeral_conflated_total", CounterKind::total,
     "Ephemeral messages that a newer one of the same sender and type took the place of.",
     &ShardCounters::conflated_total},
    {"ephemeral_skipped_total", CounterKind::total,
     "Batches whose ephemeral messages were left out for a listener that did not keep up.",
     &ShardCounters::ephemerals_skipped_total},
    {"publish_paced_total", CounterKind::total,
     "Publications that had to wait for their type's interval or debounce.",
     &ShardCounters::paced_total},
    {"publish_replaced_total", CounterKind::total,
     "Of those, the ones that a newer one took the place of.",
     &ShardCounters::paced_replaced_total},
    {"publish_duplicates_total", CounterKind::total,
     "Publications that a room knew by their message id: answered again, not stored again.",
     &ShardCounters::duplicates_total},
    {"recoveries_total", CounterKind::total,
     "Joins that asked for what they had missed: brought all of it, or told that something is "
     "missing (recovered is false).",
     &ShardCounters::recoveries_complete_total, "result=\"recovered\""},
    {"recoveries_total",
     CounterKind::total,
     {},
     &ShardCounters::recoveries_failed_total,
     "result=\"failed\""},
    {"reconnects_total", CounterKind::total,
     "WebSocket handshakes of clients that say they come back (resume=1).",
     &ShardCounters::reconnects_admitted_total, "result=\"admitted\""},
    {"reconnects_total",
     CounterKind::total,
     {},
     &ShardCounters::reconnects_refused_total,
     "result=\"refused\""},
    {"messages_dropped_total", CounterKind::total,
     "Messages that somebody did not get: a newer one of the same sender and type took their "
     "place, they had to wait for their type's pace, the reader was behind, a user's queue was "
     "full, or their room was gone when their hours began.",
     &ShardCounters::conflated_total, "reason=\"conflated\""},
    {"messages_dropped_total",
     CounterKind::total,
     {},
     &ShardCounters::paced_replaced_total,
     "reason=\"paced\""},
    {"messages_dropped_total",
     CounterKind::total,
     {},
     &ShardCounters::ephemerals_skipped_total,
     "reason=\"slow_reader\""},
    {"messages_dropped_total",
     CounterKind::total,
     {},
     &ShardCounters::offline_dropped_total,
     "reason=\"offline_full\""},
    {"messages_dropped_total",
     CounterKind::total,
     {},
     &ShardCounters::held_lost_total,
     "reason=\"held_lost\""},
    {"recovered_messages_total", CounterKind::total, "Messages that recoveries brought.",
     &ShardCounters::recovered_messages_total},
    {"history_squeezed_total", CounterKind::total,
     "Messages forgotten early because many rooms together keep as much as they may.",
     &ShardCounters::history_squeezed_total},
    {"position_gaps_total", CounterKind::total,
     "Times listeners of a room had lost something and were closed with 4512.",
     &ShardCounters::position_gaps_total},
    {"offline_brought_total", CounterKind::total,
     "Messages that had waited for a user and were brought to a connection that came.",
     &ShardCounters::offline_brought_total},
    {"offline_dropped_total", CounterKind::total,
     "Messages that passed a bound of their user's queue before they were acknowledged.",
     &ShardCounters::offline_dropped_total},
    {"acknowledgements_total", CounterKind::total, "Acknowledgements of users' queues taken.",
     &ShardCounters::acknowledgements_total},
    {"rate_limited_total", CounterKind::total, "Requests refused for a rate (limit).",
     &ShardCounters::rate_limited_total},
    {"rate_closes_total", CounterKind::total,
     "Connections closed with 4429: for a rate, or because they did not stop.",
     &ShardCounters::rate_closes_total},
    {"limit_keys_squeezed_total", CounterKind::total,
     "Times a user or an address took the place of another that had spent something.",
     &ShardCounters::limit_keys_squeezed_total},
    {"origins_refused_total", CounterKind::total,
     "Requests of pages whose Origin may not connect here.", &ShardCounters::origins_refused_total},
    {"forwarded_unreadable_total", CounterKind::total,
     "Handshakes of a trusted proxy that did not say readably who the client is.",
     &ShardCounters::forwarded_unreadable_total},
    {"proxy_headers_refused_total", CounterKind::total,
     "Connections of a trusted proxy that did not begin with a PROXY header.",
     &ShardCounters::proxy_headers_refused_total},
    {"fernet_sealed_total", CounterKind::total,
     "Payloads encrypted (fernet-keys-file), each once for all of its listeners.",
     &ShardCounters::fernet_sealed_total},
    {"fernet_opened_total", CounterKind::total, "Payloads that came encrypted and were taken.",
     &ShardCounters::fernet_opened_total},
    {"fernet_refused_total", CounterKind::total,
     "Payloads refused that said they were encrypted: by no key of ours, too old, or no payload.",
     &ShardCounters::fernet_refused_total},
    {"publications_held", CounterKind::gauge, "Publications that wait for their hours.",
     &ShardCounters::held},
    {"held_total", CounterKind::total, "Publications that had to wait for their hours.",
     &ShardCounters::held_total},
    {"held_refused_total", CounterKind::total,
     "Publications refused because as many wait for these hours as may.",
     &ShardCounters::held_refused_total},
    {"held_lost_total", CounterKind::total,
     "Publications that had waited and that their room then did not take.",
     &ShardCounters::held_lost_total},
    {"handshakes_deferred_total", CounterKind::total,
     "Handshakes told to come again later, because too many came at once.",
     &ShardCounters::handshakes_deferred_total},
    {"joins_deferred_total", CounterKind::total,
     "Joins told to come again later, because too many came at once.",
     &ShardCounters::joins_deferred_total},
    {"strangers_closed_total", CounterKind::total,
     "Connections closed because too many had not said who they are and they waited longest.",
     &ShardCounters::strangers_closed_total},
    {"drain_closes_total", CounterKind::total, "Connections closed in their turn by the drain.",
     &ShardCounters::drain_closes_total},
    {"drain_cut_off_total", CounterKind::total,
     "Connections that were still there at the hard stop of the drain.",
     &ShardCounters::drain_cut_off_total},
    {"refused_limit_total", CounterKind::total, "Commands and connections refused at a limit.",
     &ShardCounters::refused_limit_total},
    {"signatures_checked_total", CounterKind::total,
     "Tokens whose signature by a public key was checked; one that was seen before is not.",
     &ShardCounters::signatures_checked_total},
    {"keys_missing_total", CounterKind::total,
     "Of those, refused because token-jwks-url had no key for them, or has not answered for long.",
     &ShardCounters::keys_missing_total},
    {"token_refreshes_total", CounterKind::total, "Connections that went on with a fresh token.",
     &ShardCounters::token_refreshes_total},
    {"tokens_expired_total", CounterKind::total, "Connections closed at the end of their token.",
     &ShardCounters::tokens_expired_total},
    {"revoked_total", CounterKind::total, "Connections closed because their token was revoked.",
     &ShardCounters::revoked_total},
    {"rights_changes_total", CounterKind::total,
     "Blocks, unblocks and changes of grants by the server API, counted by the core that was "
     "asked.",
     &ShardCounters::rights_changes_total},
    {"blocked_total", CounterKind::total, "Connections closed because their user was blocked.",
     &ShardCounters::blocked_total},
    {"expelled_total", CounterKind::total,
     "Subscriptions that ended because their connection's rights did.",
     &ShardCounters::expelled_total},
    {"duplicate_sessions_total", CounterKind::total,
     "Second connections of a user, in all or in a room, that were refused or replaced the first.",
     &ShardCounters::duplicate_sessions_total},
    {"throttled_total", CounterKind::total,
     "Times a raw publisher was not read until its room had caught up.",
     &ShardCounters::throttled_total},
    {"slow_consumers_total", CounterKind::total,
     "Connections closed because they did not read fast enough.",
     &ShardCounters::slow_consumers_total},
    {"protocol_errors_total", CounterKind::total, "Connections closed for breaking the protocol.",
     &ShardCounters::protocol_errors_total},
    {"pings_total", CounterKind::total, "Pings sent to silent connections.",
     &ShardCounters::pings_total},
    {"pong_timeouts_total", CounterKind::total, "Connections closed because nothing came back.",
     &ShardCounters::pong_timeouts_total},
    {"hello_timeouts_total", CounterKind::total,
     "Connections closed because they did not say who they are in time.",
     &ShardCounters::hello_timeouts_total},
};

inline constexpr CounterFamily<ShardCounters> shard_counter_families[] = {
    {"errors_total", CounterKind::total, "Commands and calls answered with an error.", "code",
     std::tuple_size_v<decltype(ShardCounters::errors)>,
     [](std::size_t i) {
       return i < std::size(proto::error_rows) ? proto::error_rows[i].name : "other";
     },
     [](ShardCounters& counters) { return counters.errors.data(); }},
    {"disconnects_total", CounterKind::total,
     "WebSockets ended, by the code that ended them: ours, or the client's; 1006 without one.",
     "code", std::tuple_size_v<decltype(ShardCounters::disconnects)>,
     [](std::size_t i) {
       return i < std::size(proto::close_codes) ? proto::digits_of(proto::close_codes[i]) : "other";
     },
     [](ShardCounters& counters) { return counters.disconnects.data(); }},
    {"auth_failures_total", CounterKind::total, "Times somebody was not let in.", "reason",
     std::tuple_size_v<decltype(ShardCounters::auth_failures)>,
     [](std::size_t i) {
       return i < token_error_count ? row_of(TokenError(i)).name
                                    : auth_refusal_names[i - token_error_count];
     },
     [](ShardCounters& counters) { return counters.auth_failures.data(); }},
    {"messages_by_type_total", CounterKind::total,
     "Commands of clients by type; all types of their own are `other`.", "type", usage_count,
     [](std::size_t i) { return usage_names[i]; },
     [](ShardCounters& counters) { return counters.messages_of_type.data(); }},
};

// Times from 16 us to 16 s, unless the row says otherwise.
inline constexpr HistogramRow<ShardCounters> shard_histograms[] = {
    {"turn_duration_seconds",
     {},
     "From the clock of a turn in which messages were told to the end of its work.",
     &ShardCounters::turn_duration_us,
     true,
     4,
     24},
    {"stage_duration_seconds", "stage=\"receive_to_room\"",
     "Messages from stage to stage: until the room has numbered it, until it is handed to the "
     "kernel for a listener, and from its arrival until its answer is.",
     &ShardCounters::receive_to_room_us, true, 4, 24},
    {"stage_duration_seconds",
     "stage=\"room_to_send\"",
     {},
     &ShardCounters::room_to_send_us,
     true,
     4,
     24},
    {"stage_duration_seconds",
     "stage=\"publish_to_ack\"",
     {},
     &ShardCounters::publish_to_ack_us,
     true,
     4,
     24},
    {"broadcast_duration_seconds",
     {},
     "A room's batch from its first message until the last listener of a core has been handed it.",
     &ShardCounters::broadcast_us,
     true,
     4,
     24},
    {"connection_duration_seconds",
     {},
     "How long WebSockets lasted.",
     &ShardCounters::connection_duration_us,
     true,
     20,
     40},
    {"ping_rtt_seconds",
     {},
     "From a ping until anything was heard of its client.",
     &ShardCounters::ping_rtt_us,
     true,
     10,
     24},
    {"fanout_listeners",
     {},
     "Listeners of a room's batch, over all cores.",
     &ShardCounters::listeners_per_batch,
     false,
     0,
     20},
};

}  // namespace ringroom::realtime
