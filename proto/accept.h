#pragma once

#include <string_view>

#include "proto/http.h"

namespace ringroom::proto {

// How much a client wants one of the forms that an answer could have (RFC 9110, 12.5.1).
//
//   Accept: text/plain;version=0.0.4;q=0.3, */*;q=0.2
//           text/plain version 0.0.4 --> 300     text/html --> 200
//
// Pure functions. A range that is not written as it must be counts for nothing.

struct MediaType {
  std::string_view type, subtype;
  std::string_view version = {};  // its parameter; others do not tell forms of ours apart
};

// In thousandths, of the range that fits closest; 0: it is not wanted. Without an Accept everything
// is, and 1000.
int accepted_quality(const Request& request, const MediaType& form);

}  // namespace ringroom::proto
