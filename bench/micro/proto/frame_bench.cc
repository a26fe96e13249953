// What a message costs between the received bytes and its payload: the shortcut, and wslay alone.
// docs/decisions/ quotes these two, for sizes around those of chat, data and uploads.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "proto/bounds.h"
#include "proto/message.h"
#include "proto/unmask.h"

namespace ringroom::proto {
namespace {

constexpr std::array<std::byte, 4> mask{std::byte(0x11), std::byte(0xa2), std::byte(0x37),
                                        std::byte(0xfe)};

std::vector<std::byte> client_frame(Opcode opcode, std::size_t payload_bytes) {
  EncodedHeader header = encode(
      {.opcode = opcode, .final = true, .compressed = false, .payload_bytes = payload_bytes});
  header.bytes[1] |= std::byte(0x80);
  const auto view = header.view();
  std::vector<std::byte> out(view.begin(), view.end());
  out.insert(out.end(), mask.begin(), mask.end());
  const std::vector<std::byte> payload(payload_bytes, std::byte('x'));
  const std::size_t at = out.size();
  out.resize(at + payload_bytes);
  unmask(out.data() + at, payload.data(), payload_bytes, mask, 0);
  return out;
}

// The frame is unmasked in place, so each round begins with a copy of it; `copy` is that alone.
void copy(benchmark::State& state) {
  const auto frame = client_frame(Opcode::binary, std::size_t(state.range(0)));
  std::vector<std::byte> buffer(frame.size());
  for (auto _ : state) {
    std::copy(frame.begin(), frame.end(), buffer.begin());
    benchmark::DoNotOptimize(buffer.data());
    benchmark::ClobberMemory();
  }
}

void read_frame(benchmark::State& state, MessagePool::Shortcut shortcut, Opcode opcode,
                std::size_t piece_bytes) {
  alloc::CoreHeap heap;
  MessagePool pool(heap, shortcut);
  MessageReader reader;
  const auto frame = client_frame(opcode, std::size_t(state.range(0)));
  std::vector<std::byte> buffer(frame.size());
  std::size_t messages = 0, rounds = 0;
  for (auto _ : state) {
    std::copy(frame.begin(), frame.end(), buffer.begin());
    for (std::size_t at = 0; at < buffer.size(); at += piece_bytes) {
      std::span<std::byte> received(buffer.data() + at, std::min(piece_bytes, buffer.size() - at));
      while (auto message = *reader.next(received, pool, message_bytes_ceiling)) {
        benchmark::DoNotOptimize(message->payload.data());
        ++messages;
      }
    }
    ++rounds;
  }
  RR_CHECK(messages == rounds);
}

using enum MessagePool::Shortcut;
constexpr std::size_t one_piece = ~std::size_t(0) / 2;
constexpr std::size_t receive_buffer = 4096;

#define SIZES ->Arg(20)->Arg(125)->Arg(512)->Arg(4000)->Arg(65536)
BENCHMARK(copy) SIZES;
BENCHMARK_CAPTURE(read_frame, binary_shortcut, yes, Opcode::binary, one_piece) SIZES;
BENCHMARK_CAPTURE(read_frame, binary_wslay, no, Opcode::binary, one_piece) SIZES;
BENCHMARK_CAPTURE(read_frame, text_shortcut, yes, Opcode::text, one_piece) SIZES;
BENCHMARK_CAPTURE(read_frame, text_wslay, no, Opcode::text, one_piece) SIZES;
BENCHMARK_CAPTURE(read_frame, in_4k_pieces_direct, yes, Opcode::binary, receive_buffer)
    ->Arg(65536)
    ->Arg(1 << 20);
BENCHMARK_CAPTURE(read_frame, in_4k_pieces_wslay, no, Opcode::binary, receive_buffer)
    ->Arg(65536)
    ->Arg(1 << 20);
#undef SIZES

// What a publication pays for its header: the gap that is left and filled.
void write_frame(benchmark::State& state) {
  alloc::CoreHeap memory;
  alloc::BlockHeap heap(memory);
  const std::vector<std::byte> payload(std::size_t(state.range(0)), std::byte('x'));
  for (auto _ : state) {
    alloc::BlockBuilder out(heap);
    const std::size_t begin = begin_frame(out);
    out.append(payload);
    end_frame(out, begin, Opcode::text);
    benchmark::DoNotOptimize(out.finish().bytes().data());
  }
}
BENCHMARK(write_frame)->Arg(20)->Arg(125)->Arg(126)->Arg(4000)->Arg(65536);

}  // namespace
}  // namespace ringroom::proto

BENCHMARK_MAIN();
