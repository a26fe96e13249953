#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace ringroom::tools {

// One request to a server's API (libcurl), and its answer. Blocks, up to `timeout_ms` in all.
struct ClientRequest {
  std::string url;   // with path and query
  std::string key;   // of the API; empty: none is sent
  std::string body;  // JSON; empty: a GET
  std::uint64_t timeout_ms = 5'000;
};
struct ClientAnswer {
  long status = 0;
  std::string body;
};
// Errors: why there is no answer, as a sentence without the key.
Result<ClientAnswer, std::string> ask(const ClientRequest& request);

// For a value in a query.
std::string url_escaped(const std::string& text);

}  // namespace ringroom::tools
