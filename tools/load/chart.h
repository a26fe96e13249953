#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/load/histogram.h"

namespace ringroom::load {

// Charts as SVG: lines over time, or over percentiles. Pure values in, text out; every text in them
// is escaped. Their colours are classes of bench/page.css.

struct Spot {
  double x;
  std::optional<double> y;  // empty: a gap
};

struct Curve {
  std::string name;
  std::string_view kind;  // class: ringroom, peer or floor
  std::vector<Spot> spots;
  bool filled = false;
};

enum class Across : unsigned char { seconds, percentiles };  // see percentile_x()
enum class Upward : unsigned char { from_zero, decades };

struct Chart {
  std::string title;  // for those who cannot see it
  std::string unit;   // of y
  Across across = Across::seconds;
  Upward upward = Upward::from_zero;
  std::vector<Curve> curves;
  std::vector<double> events = {};  // x of what deserves a mark
  std::string event_name = {};
};

// Of all charts, in units of the drawing; the page scales it.
inline constexpr double chart_width = 440;
inline constexpr double chart_height = 230;

std::string draw(const Chart& chart);  // one <svg>
// The same inside another drawing, with its upper left corner at (x, y).
std::string draw_at(const Chart& chart, double x, double y);

// The tail is what is looked at: 0, 90, 99, 99.9 percent are equally far apart.
double percentile_x(double quantile);

// As far into the tail as there are records; in milliseconds.
std::vector<Spot> percentile_spots(const Histogram& histogram);

// Steps of 1, 2 or 5 times a power of ten, from the first at or above `low`.
std::vector<double> ticks(double low, double high, std::size_t about);

// 1200000 as 1.2M.
std::string brief(double value);

}  // namespace ringroom::load
