#pragma once

#include "base/counter.h"

namespace ringroom::realtime {

// What the product counts, one set per core; /metrics sums them. A new row is all a new metric
// needs.
struct ShardCounters {
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
  Counter rooms, subscriptions, joins_total, leaves_total;
  Counter duplicates_total, recoveries_total, recoveries_failed_total, recovered_messages_total,
      history_squeezed_total, position_gaps_total;
  Counter handshakes_deferred_total, joins_deferred_total, strangers_closed_total;
  Counter drain_closes_total, drain_cut_off_total;
  Counter errors_total, refused_limit_total, auth_failures_total;
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
    {"joins_total", CounterKind::total, "Joins granted.", &ShardCounters::joins_total},
    {"leaves_total", CounterKind::total, "Leaves, closed connections included.",
     &ShardCounters::leaves_total},
    {"publish_duplicates_total", CounterKind::total,
     "Publications that a room knew by their message id: answered again, not stored again.",
     &ShardCounters::duplicates_total},
    {"recoveries_total", CounterKind::total, "Joins that asked for what they had missed.",
     &ShardCounters::recoveries_total},
    {"recoveries_failed_total", CounterKind::total,
     "Of those, told that something is missing: recovered is false.",
     &ShardCounters::recoveries_failed_total},
    {"recovered_messages_total", CounterKind::total, "Messages that recoveries brought.",
     &ShardCounters::recovered_messages_total},
    {"history_squeezed_total", CounterKind::total,
     "Messages forgotten early because many rooms together keep as much as they may.",
     &ShardCounters::history_squeezed_total},
    {"position_gaps_total", CounterKind::total,
     "Times listeners of a room had lost something and were closed with 4512.",
     &ShardCounters::position_gaps_total},
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
    {"errors_total", CounterKind::total, "Commands answered with an error.",
     &ShardCounters::errors_total},
    {"refused_limit_total", CounterKind::total, "Commands and connections refused at a limit.",
     &ShardCounters::refused_limit_total},
    {"auth_failures_total", CounterKind::total, "Connections refused for their identity.",
     &ShardCounters::auth_failures_total},
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

}  // namespace ringroom::realtime
