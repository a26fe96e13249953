#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/access/api_key.h"
#include "realtime/access/scope.h"
#include "realtime/http/api.h"
#include "realtime/session/session.h"

namespace ringroom::realtime {

class Shard;

// What a request's key allows.
struct Access {
  Scopes scopes;
  const ApiKeys::Entry* key = nullptr;  // in development there may be none
  std::uint64_t number = 0;             // a hash of its name, for its limits
};

// Of a request that is a batch: its commands, and the answers that are there.
struct CommandBatch {
  struct Command {
    const ApiCall* call;
    std::string fields;  // JSON, an object
  };
  Access access;
  std::shared_ptr<const ApiKeys> keys;  // that it is of: there may be others before it ends
  std::uint32_t first = 0;              // the number of its first command, as an exchange
  std::size_t next = 0;                 // to begin
  std::size_t waiting = 0;              // begun and not answered
  std::size_t reply_bytes = 0;
  bool is_beginning = false;
  std::vector<Command> commands;
  std::vector<std::string> replies;  // JSON
};

// Several calls in one body, each answered:
//
//   {"commands":[{"publish":{...}},{"presence":{...}}]} --> {"replies":[{"status","body"},...]}
//
// They take effect in their order, by the rule of pipelined requests: publications are under way
// together, all else waits for what is before it. One that is refused does not stop the others.
//
// Owner: one core. Bounded: bounds::batch_commands_max, and one batch of a connection at a time.
class Batches {
 public:
  explicit Batches(Shard& shard) : shard_(shard) {}

  void begin(Session& session, const proto::Request& request, const Access& access);
  // The answer to a command.
  void reply(Session& session, std::uint32_t exchange, int status, std::string_view body);

  // A command of the session's batch is being begun, and which.
  static bool is_beginning(const Session& session) {
    return session.exchange->batch != nullptr && session.exchange->batch->is_beginning;
  }
  static std::uint32_t command(const Session& session) {
    const CommandBatch& batch = *session.exchange->batch;
    return batch.first + static_cast<std::uint32_t>(batch.next) - 1;
  }
  static bool holds(const Session& session, std::uint32_t exchange) {
    const CommandBatch* batch = session.exchange->batch.get();
    return batch != nullptr && exchange >= batch->first &&
           exchange - batch->first < batch->commands.size();
  }

 private:
  void go_on(Session& session);
  void begin_next(Session& session);
  void finish(Session& session);

  Shard& shard_;
};

}  // namespace ringroom::realtime
