#include "tools/client/client_command.h"

#include <cstdio>
#include <string_view>
#include <vector>

#include "alloc/block.h"
#include "alloc/core_heap.h"
#include "proto/json.h"
#include "proto/json_object.h"
#include "realtime/config.h"
#include "tools/client/request.h"

namespace ringroom::tools {

namespace {

using Command = ClientArguments::Command;
constexpr int exit_failed = 1;
constexpr std::size_t payload_bytes_max = 16 * 1024 * 1024;  // what a message may be at most

struct Server {
  std::string url, key;
};

// Whoever listens everywhere is reached here.
std::string url_of(const realtime::Address& address) {
  std::string host = address.host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(address.port);
}

Result<Server, Stop> server_of(const ClientArguments& asked, const char* const* environment) {
  Server out{.url = asked.url, .key = {}};
  if (!asked.key_file.empty()) {
    auto key = realtime::read_secret("--api-key-file", asked.key_file);
    if (!key) return fail(Stop{.text = key.error().sentence, .exit_code = exit_usage});
    out.key = std::move(*key);
  }
  const bool is_asked_for_health = asked.command == Command::healthcheck;
  if (!out.url.empty() && (!out.key.empty() || is_asked_for_health)) return out;

  std::vector<const char*> flags = {"serve"};
  if (!asked.config_file.empty()) flags.insert(flags.end(), {"-c", asked.config_file.c_str()});
  const auto config = load(static_cast<int>(flags.size()), flags.data(), environment);
  if (!config) return fail(config.error());
  const bool is_internal = config->internal_api && !is_asked_for_health;
  if (out.url.empty()) out.url = url_of(is_internal ? config->admin_listen : config->listen);
  if (out.key.empty() && !is_asked_for_health)
    out.key = is_internal && config->api_key.empty() ? config->admin_key : config->api_key;
  return out;
}

Result<std::string, Stop> payload_of(const ClientArguments& asked) {
  if (asked.payload != "-") return asked.payload;
  std::string text(payload_bytes_max + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  if (text.size() > payload_bytes_max)
    return fail(
        Stop{.text = "stdin holds more than 16MiB: it is no payload", .exit_code = exit_usage});
  return text;
}

Result<std::string, Stop> publish_body(const ClientArguments& asked) {
  const auto payload = payload_of(asked);
  if (!payload) return payload;
  proto::JsonParser parser;
  const auto parsed = parser.parse_copy(*payload);
  if (!parsed || !parsed->is_object())
    return fail(Stop{.text = "the payload must be a JSON object, such as '{\"text\":\"hello\"}'",
                     .exit_code = exit_usage});
  alloc::CoreHeap memory;
  alloc::BlockHeap heap(memory, CoreId{0});
  alloc::BlockBuilder out(heap);
  proto::JsonObject body(out);
  body.text("room", asked.room);
  body.text("type", asked.type);
  body.text_if_any("message_id", asked.message_id);
  body.raw("payload", *payload);
  body.end();
  return std::string(out.text());
}

Result<ClientRequest, Stop> request_of(const ClientArguments& asked, const Server& server) {
  ClientRequest out{
      .url = server.url, .key = server.key, .body = {}, .timeout_ms = asked.timeout_ms};
  while (out.url.ends_with('/')) out.url.pop_back();
  const std::string limit = asked.limit == 0 ? "" : "&limit=" + std::to_string(asked.limit);
  switch (asked.command) {
    case Command::publish: {
      auto body = publish_body(asked);
      if (!body) return fail(body.error());
      out.body = std::move(*body);
      out.url += "/api/publish";
      break;
    }
    case Command::rooms:
      out.url += "/api/ws/rooms?prefix=" + url_escaped(asked.prefix) + limit;
      break;
    case Command::connections:
      out.url += "/api/ws/connections?" + limit.substr(std::min<std::size_t>(limit.size(), 1));
      break;
    case Command::healthcheck:
      out.url += asked.ready ? "/ready" : "/health";
      break;
  }
  return out;
}

// A value as it stands in the answer: names of clients stay escaped, so that none moves the cursor.
std::string_view shown(const proto::JsonValue& row, std::string_view name) {
  const auto value = row.find(name);
  return value ? value->raw() : "-";
}

void print_rows(const proto::JsonValue& list, std::span<const std::string_view> columns) {
  for (const std::string_view column : columns)
    std::printf("%-20.*s ", static_cast<int>(column.size()), column.data());
  std::puts("");
  for (const proto::JsonValue& row : list.items()) {
    for (const std::string_view column : columns) {
      const std::string_view value = shown(row, column);
      std::printf("%-20.*s ", static_cast<int>(value.size()), value.data());
    }
    std::puts("");
  }
}

int print_answer(const ClientArguments& asked, const ClientAnswer& answer) {
  static constexpr std::string_view of_rooms[] = {"members", "sequence", "room"};
  static constexpr std::string_view of_connections[] = {"connection_id", "user", "address",
                                                        "state"};
  proto::JsonParser parser(64);
  const auto parsed = parser.parse_copy(answer.body);
  const bool is_good = answer.status >= 200 && answer.status < 300;
  if (!is_good) {
    const auto error = parsed ? parsed->find("error") : std::nullopt;
    const auto message = error ? error->find("message") : std::nullopt;
    const std::string_view text = message ? message->string().value_or("") : "";
    std::fprintf(stderr, "ringroom: the server answered %ld: %.*s\n", answer.status,
                 static_cast<int>(text.size()), text.data());
    return exit_failed;
  }
  if (asked.command == Command::healthcheck) return 0;
  const auto list = parsed ? parsed->find(asked.command == Command::rooms ? "rooms" : "connections")
                           : std::nullopt;
  if (asked.json || !list) {
    std::fputs(answer.body.c_str(), stdout);
    return 0;
  }
  print_rows(*list, asked.command == Command::rooms ? std::span<const std::string_view>(of_rooms)
                                                    : of_connections);
  return 0;
}

}  // namespace

int client_command(Command command, int argc, const char* const* argv,
                   const char* const* environment) {
  const auto asked = read_client_arguments(command, argc, argv);
  if (!asked) return report(asked.error());
  const auto server = server_of(*asked, environment);
  if (!server) return report(server.error());
  const auto request = request_of(*asked, *server);
  if (!request) return report(request.error());
  const auto answer = ask(*request);
  if (!answer) {
    std::fprintf(stderr, "ringroom: %s does not answer: %s\n", server->url.c_str(),
                 answer.error().c_str());
    return exit_failed;
  }
  return print_answer(*asked, *answer);
}

}  // namespace ringroom::tools
