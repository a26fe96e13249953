#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "realtime/option.h"

namespace ringroom::realtime {

// How often messages of one type may go (R9): of each key, or else of each sender. The newest of
// those that may not yet go waits; see room/conflation.h.
struct TypePace {
  std::string type;
  std::uint64_t interval_ms = 0;     // between two; 0: any
  std::uint64_t quiet_ms = 0;        // goes when no newer one came for so long; 0: at once
  std::uint64_t waiting_ms_max = 0;  // and then also when the first it replaced has waited so long
};

// Those of one namespace. Few: a publication looks through them one by one.
class TypePaces {
 public:
  // nullptr: it has none of its own.
  const TypePace* find(std::string_view type) const {
    for (const TypePace& pace : paces_)
      if (pace.type == type) return &pace;
    return nullptr;
  }

  // `quote_update:100ms`, and `search_text:300ms/2s`: what is quiet for 300 ms, or waits for 2 s.
  // A type that is named again gets the new time. Errors: as a sentence that names the text.
  Outcome<Complaint> add_interval(std::string_view text);
  Outcome<Complaint> add_debounce(std::string_view text);
  std::string print_intervals() const;
  std::string print_debounces() const;

 private:
  Result<TypePace*, Complaint> named(std::string_view type);
  std::vector<TypePace> paces_;
};

}  // namespace ringroom::realtime
