// Requests are the same however their bytes are cut, and nothing in one can split a line of ours.
//
//   input: byte 0 seeds the cuts, the rest is what the peer sent

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "proto/http.h"
#include "proto/upgrade.h"
#include "tests/fuzz/pieces.h"

namespace ringroom::proto {
namespace {

constexpr std::size_t body_bytes_max = 3000;

struct Reading {
  std::vector<std::string> requests;
  std::optional<HttpError> error;
  bool operator==(const Reading&) const = default;
};

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::string shown(const Request& request) {
  std::string out;
  const auto add = [&out](std::string_view part) {
    RR_CHECK(is_clean(part));
    out.append(part).push_back('\n');
  };
  for (const std::string_view part : {request.method, request.target, request.path, request.query})
    add(part);
  for (const HttpHeader& field : request.headers) {
    RR_CHECK(!field.name.empty());
    add(field.name);
    add(field.value);
  }
  out.append(request.keep_alive ? "keep " : "close ");
  out.append(std::to_string(request.version_minor));
  out.append(reinterpret_cast<const char*>(request.body.data()), request.body.size());

  if (const auto upgrade = check_upgrade(request)) {
    RR_CHECK(upgrade->key.size() == 24);
    for (const std::string_view offer : upgrade->subprotocols()) RR_CHECK(!offer.empty());
    out.append("upgrade");
  }
  (void)query_parameter(request.query, "a");
  return out;
}

Reading read(std::span<const std::byte> stream, std::uint32_t seed) {
  alloc::CoreHeap heap;
  HttpPool pool(heap, body_bytes_max);
  HttpReader reader;
  Reading out;
  for (Pieces pieces(stream, seed, 0); !pieces.is_empty() && !out.error;) {
    std::span<std::byte> received = pieces.next();
    for (;;) {
      const auto step = reader.next(received, pool);
      if (!step) {
        out.error = step.error();
        break;
      }
      if (*step == nullptr) {
        RR_CHECK(received.empty());
        break;
      }
      RR_CHECK((*step)->body.size() <= body_bytes_max);
      out.requests.push_back(shown(**step));
    }
  }
  return out;
}

void judge(std::span<const std::byte> input) {
  if (input.empty()) return;
  const auto seed = 1 + std::to_integer<std::uint32_t>(input[0]);
  const auto stream = input.subspan(1);
  RR_CHECK(read(stream, Pieces::whole) == read(stream, seed));
}

}  // namespace
}  // namespace ringroom::proto

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ringroom::proto::judge(std::as_bytes(std::span(data, size)));
  return 0;
}
