#include "tools/load/display.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <utility>
#include <vector>

namespace ringroom::load {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Surroundings surroundings() {
  Surroundings found{.terminal = isatty(STDERR_FILENO) == 1,
                     .term = variable("TERM"),
                     .no_color = variable("NO_COLOR"),
                     .locale = {}};
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (found.locale.empty()) found.locale = variable(name);
  }
  return found;
}

bool is_utf8(std::string_view locale) {
  std::string name;
  for (const char c : locale) {
    if (c != '-') name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return name.find("utf8") != std::string::npos;
}

bool write_all(std::string_view bytes) {
  pollfd to{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&to, 1, 0) != 1 || (to.revents & POLLOUT) == 0) return false;
  while (!bytes.empty()) {
    const ssize_t written = write(STDERR_FILENO, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

winsize size_of_terminal() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return {.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  }
  return size;
}

std::string up(std::size_t rows) {
  return rows == 0 ? "\r" : "\r\x1b[" + std::to_string(rows) + "A";
}

}  // namespace

Manner manner_of(ProgressAs asked, const Surroundings& surroundings) {
  const bool moves = surroundings.term != "dumb";
  Manner manner{.as = asked,
                .unicode = is_utf8(surroundings.locale),
                .colour = surroundings.no_color.empty() && moves && surroundings.terminal};
  if (asked == ProgressAs::automatic) {
    manner.as = surroundings.terminal ? ProgressAs::bar : ProgressAs::none;
  }
  if (manner.as == ProgressAs::bar && !moves) manner.as = ProgressAs::lines;
  return manner;
}

Display::Display(ProgressAs asked) : manner_(manner_of(asked, surroundings())) {}

// A terminal that has become narrower since has broken the lines that no longer fit.
std::size_t Display::rows_of_block(std::size_t columns) const {
  std::size_t rows = 0;
  for (const std::size_t line : drawn_) rows += line <= columns ? 1 : (line - 1) / columns + 1;
  return rows;
}

void Display::draw(const Standing& standing) {
  const winsize size = size_of_terminal();
  std::vector<std::string> lines = block_of(
      standing, {.columns = size.ws_col, .unicode = manner_.unicode, .colour = manner_.colour});
  // What has scrolled away cannot be drawn over.
  if (lines.size() >= size.ws_row) lines.resize(std::max<std::size_t>(size.ws_row, 2) - 1);
  // In one write, each line over its predecessor: nothing is ever empty in between. A line of full
  // width ends nowhere that could be erased from.
  std::string out = up(rows_of_block(size.ws_col));
  std::vector<std::size_t> drawn;
  for (const std::string& line : lines) {
    drawn.push_back(columns_of(line));
    out += line + (drawn.back() < size.ws_col ? "\x1b[K\n" : "\n");
  }
  if (write_all(out + "\x1b[J")) drawn_ = std::move(drawn);
}

void Display::clear() {
  if (drawn_.empty()) return;
  write_all(up(rows_of_block(size_of_terminal().ws_col)) + "\x1b[J");
  drawn_.clear();
}

void Display::tell(const Standing& standing) { write_all(line_of(standing) + "\n"); }

}  // namespace ringroom::load
