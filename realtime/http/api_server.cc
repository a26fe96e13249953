#include "proto/json_object.h"
#include "realtime/http/api.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

namespace {

std::uint64_t sum_of(const Node& node, Counter ShardCounters::*field) {
  std::uint64_t sum = 0;
  for (const auto& counters : node.counters) sum += ((*counters).*field).read();
  return sum;
}

}  // namespace

void Api::info(Session& session, const Arguments&) {
  if (!is_for_all(session)) return;
  const Node& node = shard_.node;
  const Config& config = shard_.config();
  alloc::BlockBuilder body(shard_.heap);
  proto::JsonObject info(body);
  info.text("version", RINGROOM_VERSION);
  info.text("io_backend", "io_uring");
  info.number("cores", node.cores);
  info.seconds("started_at", node.started_wall_ms);
  info.number("uptime_s", (shard_.wall_ms - node.started_wall_ms) / 1'000);
  info.flag("draining", node.draining.load(std::memory_order_relaxed));
  info.number("connections", sum_of(node, &ShardCounters::connections_connected) +
                                 sum_of(node, &ShardCounters::connections_authenticated));
  info.number("rooms", sum_of(node, &ShardCounters::rooms));
  info.number("subscriptions", sum_of(node, &ShardCounters::subscriptions));
  info.key("features");
  proto::JsonObject features(body);
  features.flag("admin", config.admin);
  features.flag("compression", config.compression && !config.off.has(Feature::compression));
  features.flag("echo", config.echo);
  features.flag("insecure_dev", config.insecure_dev);
  features.flag("limits", !shard_.limits().empty());
  features.flag("personal_rooms", shard_.namespaces().personal() != nullptr);
  features.flag("quiet_hours",
                !node.quiet_policies.empty() && !config.off.has(Feature::quiet_hours));
  features.end();
  info.key("limits");
  proto::JsonObject limits(body);
  limits.number("message_bytes", config.message_bytes_max);
  limits.number("batch_commands", bounds::batch_commands_max);
  limits.number("names", bounds::call_names_max);
  limits.number("calls_in_flight", Exchange::calls_max);
  limits.end();
  info.end();
  body.append('\n');
  shard_.exchanges.respond(
      session, {.status = 200, .content_type = "application/json", .body = body.text()});
}

void Api::metrics(Session& session, const Arguments&) {
  if (is_for_all(session)) shard_.scrapes.begin(session, MetricsForm::json);
}

}  // namespace ringroom::realtime
