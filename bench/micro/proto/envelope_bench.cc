// The hot path of a room message through the native dialect: text to command, publication to frame.
// And what a new connection costs before its first message: the request and the answer.

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/dialect/native_json.h"
#include "proto/frame.h"
#include "proto/upgrade.h"

namespace ringroom::proto {
namespace {

std::string room_message(std::size_t payload_text_bytes) {
  return R"({"type":"room_message","message_id":"c-17","room":"lobby","timestamp":1696248000.0,)"
         R"("payload":{"text":")" +
         std::string(payload_text_bytes, 'x') + R"(","n":[1,2,3],"urgent":false}})";
}

// Text in memory that a parser with wide loads may read beyond.
struct Padded {
  explicit Padded(std::string_view text) : memory(text), size(text.size()) {
    memory.append(readable_behind_bytes, ' ');
  }
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(memory.data(), size)); }
  std::string_view text() const { return std::string_view(memory).substr(0, size); }
  std::string memory;
  std::size_t size;
};

void validate_json(benchmark::State& state) {
  const Padded text(room_message(std::size_t(state.range(0))));
  JsonParser parser;
  for (auto _ : state) RR_CHECK(parser.parse(text.text()));
  state.SetBytesProcessed(state.iterations() * std::int64_t(text.size));
}

void decode_room_message(benchmark::State& state) {
  Padded text(room_message(std::size_t(state.range(0))));
  JsonParser parser;
  for (auto _ : state) {
    const auto command = dialect::native_json::decode(text.bytes(), parser);
    RR_CHECK(command);
    benchmark::DoNotOptimize(command->payload.data());
  }
  state.SetBytesProcessed(state.iterations() * std::int64_t(text.size));
}

void encode_publication(benchmark::State& state) {
  const std::string payload =
      R"({"text":")" + std::string(std::size_t(state.range(0)), 'x') + "\"}";
  alloc::CoreHeap memory;
  alloc::BlockHeap heap(memory);
  alloc::BlockBuilder out(heap);
  for (auto _ : state) {
    const std::size_t begin = begin_frame(out);
    dialect::native_json::encode(Publication{.type = "room_message",
                                             .room = "lobby",
                                             .sequence = 123456,
                                             .message_id = "01a1fbb6-e064-79d9-b414-fab494e6dc04",
                                             .correlation_id = "c-17",
                                             .sender = "ann",
                                             .timestamp_ms = 1696248000123,
                                             .payload = payload},
                                 out);
    end_frame(out, begin, Opcode::text);
    benchmark::DoNotOptimize(out.data());
    out.clear();
  }
}

constexpr std::string_view browser_upgrade =
    "GET /ws?user=ann HTTP/1.1\r\nHost: rooms.example.org\r\nConnection: Upgrade\r\n"
    "Pragma: no-cache\r\nCache-Control: no-cache\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Upgrade: websocket\r\nOrigin: https://example.org\r\nSec-WebSocket-Version: 13\r\n"
    "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    "Sec-WebSocket-Protocol: ringroom.v1.json\r\n\r\n";

void shake_hands(benchmark::State& state) {
  alloc::CoreHeap memory;
  alloc::BlockHeap heap(memory);
  alloc::BlockBuilder out(heap);
  HttpPool pool(memory);
  HttpReader reader;
  std::string text(browser_upgrade);
  for (auto _ : state) {
    std::span<std::byte> received = std::as_writable_bytes(std::span(text.data(), text.size()));
    const auto request = reader.next(received, pool);
    RR_CHECK(request && *request != nullptr);
    const auto upgrade = check_upgrade(**request);
    RR_CHECK(upgrade);
    append_upgrade_response(out, upgrade->key, upgrade->subprotocols()[0]);
    benchmark::DoNotOptimize(out.data());
    out.clear();
    reader.reset();
  }
}

BENCHMARK(validate_json)->Arg(20)->Arg(500)->Arg(3000);
BENCHMARK(decode_room_message)->Arg(20)->Arg(500)->Arg(3000);
BENCHMARK(encode_publication)->Arg(20)->Arg(500)->Arg(3000);
BENCHMARK(shake_hands);

}  // namespace
}  // namespace ringroom::proto

BENCHMARK_MAIN();
