#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ringroom::realtime {

// One limit as an operator writes it (A7): how much of what, for each of whom, in what time.
//
//   publish/user=100/1s                         a bucket: 100 at once, and 100 a second flow back
//   publish/connection=20/1s burst=40           40 at once, 20 a second flow back
//   join/user=50/10s sliding                    never more than 50 in any 10 seconds
//   type:cursor_position/user=10/1s             messages of that type
//   connect/address=60/1min   publish/workspace=5000/1s   api/key=1000/1s
//
// A plain value. Errors: of parse(), a sentence to be put behind the text.
struct LimitRule {
  enum class What : std::uint8_t { message, publish, join, connect, api, type };
  enum class Per : std::uint8_t { connection, user, address, workspace, key };

  What what;
  Per per;
  std::string type;  // of What::type
  std::uint64_t count;
  std::uint64_t window_ms;
  std::uint64_t burst;  // of a bucket
  bool is_sliding;
  std::string written;

  const std::string& text() const { return written; }

  static Result<LimitRule, std::string_view> parse(std::string_view text);
};

}  // namespace ringroom::realtime
