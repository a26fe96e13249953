#include "realtime/http/batches.h"

#include <memory>
#include <utility>

#include "proto/json_fault.h"
#include "realtime/bounds.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

Exchange::~Exchange() = default;

void Batches::begin(Session& session, const proto::Request& request, const Access& access) {
  const auto body = shard_.api.parse(
      session, {reinterpret_cast<const char*>(request.body.data()), request.body.size()});
  if (!body) return;
  const auto refuse = [&](std::string path, std::string_view problem) {
    std::string sentence = "`" + path + "` ";
    shard_.api.refuse(session,
                      {.path = std::move(path), .sentence = std::move(sentence.append(problem))});
  };
  auto batch = std::make_unique<CommandBatch>();
  bool is_said = false;
  for (const proto::JsonField field : body->fields()) {
    std::string path = "$";
    proto::append_json_path(path, field.name);
    if (field.name != "commands") return refuse(path, "is not known here; leave it out");
    if (std::exchange(is_said, true)) return refuse(path, "is said twice");
    if (!field.value.is_array() || field.value.size() > bounds::batch_commands_max)
      return refuse(path, "must be an array of at most " +
                              std::to_string(bounds::batch_commands_max) + " commands");
    for (const proto::JsonValue item : field.value.items()) {
      const std::string at = path + "[" + std::to_string(batch->commands.size()) + "]";
      const bool is_one = item.is_object() && item.size() == 1;
      if (!is_one) return refuse(at, "must be an object with one field: {COMMAND: {...}}");
      const proto::JsonField command = *item.fields().begin();
      std::string inner = at;
      proto::append_json_path(inner, command.name);
      const ApiCall* call = ApiCall::find_command(command.name);
      if (call == nullptr) return refuse(inner, "is no command of a batch");
      if (!command.value.is_object()) return refuse(inner, "must be a JSON object");
      batch->commands.push_back({.call = call, .fields = std::string(command.value.raw())});
    }
  }
  if (!is_said) return refuse("$.commands", "is required: an array of commands");
  Exchange& exchange = *session.exchange;
  batch->access = access;
  batch->keys = shard_.api_keys;
  batch->first = exchange.number + 1;
  batch->replies.resize(batch->commands.size());
  exchange.number += static_cast<std::uint32_t>(batch->commands.size());
  exchange.batch = std::move(batch);
  go_on(session);
}

void Batches::go_on(Session& session) {
  for (;;) {
    CommandBatch& batch = *session.exchange->batch;
    if (batch.next == batch.commands.size()) break;
    const bool may_begin = batch.waiting == 0 || (batch.commands[batch.next].call->flows &&
                                                  batch.commands[batch.next - 1].call->flows);
    if (!may_begin) return;
    begin_next(session);
    // Not while the connection has ended under it.
    if (session.state != SessionState::connecting) return;
  }
  if (session.exchange->batch->waiting == 0) finish(session);
}

void Batches::begin_next(Session& session) {
  CommandBatch& batch = *session.exchange->batch;
  const CommandBatch::Command& command = batch.commands[batch.next++];
  ++batch.waiting;
  batch.is_beginning = true;
  std::string where = "$.commands[" + std::to_string(batch.next - 1) + "]";
  proto::append_json_path(where, command.call->command);
  const Scope scope = *command.call->scope;
  if (const auto over = batch.access.key == nullptr
                            ? RateLimits::Verdict()
                            : shard_.rate_limits.call(batch.access.number)) {
    Exchanges::Problem problem =
        Exchanges::problem_of(proto::ErrorCode::rate_limited, over->sentence);
    problem.retry_after_ms = over->retry_ms;
    shard_.exchanges.refuse(session, problem);
  } else if (!batch.access.scopes.has(scope)) {
    shard_.counters.not_let_in(AuthRefusal::scope);
    shard_.exchanges.refuse(session, proto::ErrorCode::forbidden,
                            "this key may not be used for that: it needs the scope `" +
                                std::string(name_of(scope)) + "`");
  } else {
    shard_.api.call(session, batch.access, *command.call, command.fields, where);
  }
  batch.is_beginning = false;
}

void Batches::reply(Session& session, std::uint32_t exchange, int status, std::string_view body) {
  CommandBatch& batch = *session.exchange->batch;
  std::string& reply = batch.replies[exchange - batch.first];
  if (!reply.empty()) return;  // it has its answer
  static constexpr std::string_view too_large =
      R"({"error":{"code":"too_large","message":"the answers of the batch are more than may wait )"
      R"(for one connection; ask this in a request of its own"}})";
  if (batch.reply_bytes + body.size() > shard_.config().queue_bytes_max / 2) {
    status = 413;
    body = too_large;
  }
  if (body.ends_with('\n')) body.remove_suffix(1);
  reply.append("{\"status\":").append(std::to_string(status)).append(",\"body\":");
  reply.append(body).append("}");
  batch.reply_bytes += body.size();
  --batch.waiting;
  if (!batch.is_beginning) go_on(session);
}

void Batches::finish(Session& session) {
  const auto batch = std::move(session.exchange->batch);
  std::string body;
  body.reserve(batch->reply_bytes + 32 * batch->replies.size() + 32);
  body.append("{\"replies\":[");
  for (const std::string& reply : batch->replies) {
    if (&reply != batch->replies.data()) body.push_back(',');
    body.append(reply);
  }
  body.append("]}\n");
  shard_.exchanges.answer(session, batch->first - 1, body);
}

}  // namespace ringroom::realtime
