#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/load/progress.h"
#include "tools/load/scenario.h"

namespace ringroom::load {

// What decides how progress is shown, besides what was asked.
struct Surroundings {
  bool terminal = false;
  std::string_view term = {};      // TERM
  std::string_view no_color = {};  // NO_COLOR
  std::string_view locale = {};    // the first of LC_ALL, LC_CTYPE, LANG that is not empty
};

struct Manner {
  ProgressAs as = ProgressAs::none;  // never automatic
  bool unicode = false;
  bool colour = false;
};

Manner manner_of(ProgressAs asked, const Surroundings& surroundings);

// The place where progress is shown: standard error, so that standard output is the report alone.
//
//   bar     one block that is drawn over itself, and taken away at the end
//   lines   one line after the other
//
// Nothing about the terminal is changed that would have to be put back, neither its modes nor its
// cursor: a run that is killed leaves it as usable as one that ends.
//
// Owner: the coordinator. Errors: what nobody takes is left out rather than hold up a measurement.
class Display {
 public:
  explicit Display(ProgressAs asked);
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;
  ~Display() { clear(); }

  ProgressAs as() const { return manner_.as; }
  void draw(const Standing& standing);  // the block
  void tell(const Standing& standing);  // a line
  void clear();

 private:
  std::size_t rows_of_block(std::size_t columns) const;

  const Manner manner_;
  std::vector<std::size_t> drawn_;  // columns of each line that stands there
};

}  // namespace ringroom::load
