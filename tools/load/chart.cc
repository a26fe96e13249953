#include "tools/load/chart.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "tools/load/markup.h"
#include "tools/load/words.h"

namespace ringroom::load {
namespace {

// The field of the curves within the drawing; the names of the curves are above it.
constexpr double left = 46;
constexpr double right = chart_width - 10;
constexpr double top = 30;
constexpr double bottom = chart_height - 24;
constexpr std::size_t tips_max = 120;  // more are too narrow to point at

struct Range {
  double low;
  double high;
};

// A spot of time is the middle of a piece: the first piece begins and the last one ends half a
// piece further out.
Range reach_of(const Chart& chart, const Curve& curve) {
  const std::vector<Spot>& spots = curve.spots;
  if (spots.empty()) return {0, 0};
  const double first = spots.front().x;
  const double last = spots.back().x;
  if (chart.across == Across::percentiles) return {first, last};
  if (spots.size() == 1) return {0, 2 * last};
  return {first - (spots[1].x - first) / 2, last + (last - spots[spots.size() - 2].x) / 2};
}

Range range_x(const Chart& chart) {
  Range range{0, 0};
  for (const Curve& curve : chart.curves) {
    range.high = std::max(range.high, reach_of(chart, curve).high);
  }
  if (range.high <= 0) range.high = 1;
  return range;
}

// On a scale of decades what is not above zero has no place.
bool has_place(const Chart& chart, const Spot& spot) {
  return spot.y && std::isfinite(*spot.y) && (chart.upward == Upward::from_zero || *spot.y > 0);
}

// The next value of 1, 2 or 5 times a power of ten, in the direction given.
double rounded_out(double value, bool upwards) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  constexpr double steps[] = {1, 2, 5, 10};
  constexpr double close = 1e-9;
  double below = power;
  for (const double step : steps) {
    const double edge = step * power;
    if (upwards && edge >= value * (1 - close)) return edge;
    if (edge <= value * (1 + close)) below = edge;
  }
  return below;
}

Range range_y(const Chart& chart) {
  Range range{HUGE_VAL, 0};
  for (const Curve& curve : chart.curves) {
    for (const Spot& spot : curve.spots) {
      if (!has_place(chart, spot)) continue;
      range.low = std::min(range.low, *spot.y);
      range.high = std::max(range.high, *spot.y);
    }
  }
  if (range.high <= 0) return chart.upward == Upward::decades ? Range{0.1, 1} : Range{0, 1};
  if (chart.upward == Upward::from_zero) {
    const std::vector<double> steps = ticks(0, range.high, 4);
    const double step = steps.size() > 1 ? steps[1] : range.high;
    return {0, std::ceil(range.high / step * (1 - 1e-9)) * step};
  }
  range = {rounded_out(range.low, false), rounded_out(range.high, true)};
  if (range.low >= range.high) range.high = rounded_out(range.low * 1.5, true);
  return range;
}

// Where values are drawn.
class Scale {
 public:
  explicit Scale(const Chart& chart)
      : decades_(chart.upward == Upward::decades), x_(range_x(chart)), y_(range_y(chart)) {}

  double x(double value) const {
    return left + (value - x_.low) / (x_.high - x_.low) * (right - left);
  }
  double y(double value) const {
    const double part = decades_ ? std::log(value / y_.low) / std::log(y_.high / y_.low)
                                 : (value - y_.low) / (y_.high - y_.low);
    return bottom - part * (bottom - top);
  }
  const Range& range_of_x() const { return x_; }
  const Range& range_of_y() const { return y_; }

 private:
  const bool decades_;
  const Range x_;
  const Range y_;
};

std::vector<double> marks_upward(const Chart& chart, const Range& range) {
  constexpr double close = 1e-9;
  if (chart.upward == Upward::from_zero) return ticks(0, range.high, 4);
  std::vector<double> marks;
  const bool few = range.high / range.low <= 1000;
  for (double power = std::pow(10, std::floor(std::log10(range.low))); power <= range.high * 1.01;
       power *= 10) {
    for (const double step : {1.0, 2.0, 5.0}) {
      const double mark = step * power;
      if (step > 1 && !few) continue;
      if (mark >= range.low * (1 - close) && mark <= range.high * (1 + close)) {
        marks.push_back(mark);
      }
    }
  }
  return marks;
}

std::string upward_axis(const Chart& chart, const Scale& scale) {
  std::string out;
  for (const double mark : marks_upward(chart, scale.range_of_y())) {
    const double y = scale.y(mark);
    out += text("<path class=\"grid\" d=\"M%.0f %.1fH%.0f\"/>", left, y, right);
    out += text("<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">", left - 6, y + 4);
    out += escaped(brief(mark)) + "</text>";
  }
  return out;
}

std::string label_across(double x, std::string_view label) {
  const char* anchor = x > right - 14 ? "end" : "middle";
  return text("<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"%s\">", std::min(x, right), bottom + 17,
              anchor) +
         escaped(label) + "</text>";
}

std::string percentile_axis(const Scale& scale) {
  struct Row {
    double quantile;
    std::string_view label;
  };
  constexpr Row rows[] = {
      {0, "0"},        {0.5, "50"},       {0.9, "90"},         {0.99, "99"},
      {0.999, "99.9"}, {0.9999, "99.99"}, {0.99999, "99.999"}, {0.999999, "99.9999 %"}};
  std::string out;
  for (const Row& row : rows) {
    const double at = percentile_x(row.quantile);
    if (at > scale.range_of_x().high * 1.001) break;
    const double x = scale.x(at);
    out += text("<path class=\"grid\" d=\"M%.1f %.0fV%.0f\"/>", x, top, bottom);
    out += label_across(x, row.label);
  }
  return out;
}

std::string seconds_axis(const Scale& scale) {
  const double high = scale.range_of_x().high;
  struct Unit {
    double s;
    std::string_view name;
  };
  const Unit unit = high >= 4 * 3600 ? Unit{3600, "h"}
                    : high >= 300    ? Unit{60, "min"}
                                     : Unit{1, "s"};
  std::string out;
  const std::vector<double> steps = ticks(0, high / unit.s, 6);
  for (const double step : steps) {
    std::string label = text("%g", step);
    if (step == steps.back()) label.append(" ").append(unit.name);
    out += label_across(scale.x(step * unit.s), label);
  }
  return out;
}

std::string curve_path(const Chart& chart, const Curve& curve, const Scale& scale) {
  std::string path;
  std::string area;
  double piece_from = 0;
  double last_x = 0;
  bool drawing = false;
  const auto end_piece = [&] {
    if (drawing && curve.filled) {
      area += text("L%.1f %.1fL%.1f %.1fZ", last_x, bottom, piece_from, bottom);
    }
    drawing = false;
  };
  const auto go_to = [&](double x, double y) {
    const std::string at = (drawing ? "L" : "M") + text("%.1f %.1f", x, y);
    if (!drawing) piece_from = x;
    path += at;
    if (curve.filled) area += at;
    drawing = true;
    last_x = x;
  };
  const Range reach = reach_of(chart, curve);
  for (const Spot& spot : curve.spots) {
    if (!has_place(chart, spot)) {
      end_piece();
      continue;
    }
    const double y = scale.y(*spot.y);
    if (&spot == &curve.spots.front()) go_to(scale.x(reach.low), y);
    go_to(scale.x(spot.x), y);
    if (&spot == &curve.spots.back()) go_to(scale.x(reach.high), y);
  }
  end_piece();
  if (path.empty()) return {};
  const std::string kind = escaped(curve.kind);
  std::string out;
  if (!area.empty()) out += "<path class=\"area " + kind + "\" d=\"" + area + "\"/>";
  // A line to where it already is: a lone point is still seen.
  return out + "<path class=\"line " + kind + "\" d=\"" + path + "h0\"/>";
}

// What was where, for whoever points at it: no script is needed for that.
std::string tips(const Chart& chart, const Scale& scale) {
  if (chart.across != Across::seconds || chart.curves.empty()) return {};
  const std::vector<Spot>& first = chart.curves[0].spots;
  if (first.size() > tips_max) return {};
  std::string out;
  double from = left;
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double x = scale.x(first[i].x);
    const double until = i + 1 < first.size() ? (x + scale.x(first[i + 1].x)) / 2 : right;
    std::string tip = text("%.1f s", first[i].x);
    for (const Curve& curve : chart.curves) {
      if (i >= curve.spots.size() || !curve.spots[i].y) continue;
      tip += "\n" + curve.name + ": " + brief(*curve.spots[i].y) + " " + chart.unit;
    }
    out += text("<rect class=\"tip\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\"><title>",
                from, top, std::max(until - from, 0.0), bottom - top) +
           escaped(tip) + "</title></rect>";
    from = until;
  }
  return out;
}

std::string names(const Chart& chart) {
  std::string out;
  double x = left;
  constexpr double y = 14;
  constexpr double character = 6.4;
  const auto name = [&](std::string_view kind, std::string_view shown) {
    out += "<rect class=\"fill " + escaped(kind) +
           text("\" x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" rx=\"2\"/>", x, y - 9);
    out += text("<text x=\"%.1f\" y=\"%.0f\">", x + 14, y) + escaped(shown) + "</text>";
    x += 14 + character * static_cast<double>(shown.size()) + 14;
  };
  for (const Curve& curve : chart.curves) name(curve.kind, curve.name);
  if (!chart.events.empty()) name("event", chart.event_name);
  out += text("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">", right, y) + escaped(chart.unit) +
         "</text>";
  return out;
}

std::string inside(const Chart& chart) {
  const Scale scale(chart);
  std::string out = names(chart) + upward_axis(chart, scale);
  out += chart.across == Across::seconds ? seconds_axis(scale) : percentile_axis(scale);
  for (const double event : chart.events) {
    out += text("<path class=\"event\" d=\"M%.1f %.0fV%.0f\"/>", scale.x(event), top, bottom);
  }
  for (const Curve& curve : chart.curves) out += curve_path(chart, curve, scale);
  return out + tips(chart, scale);
}

}  // namespace

std::string draw(const Chart& chart) {
  return text("<svg class=\"curve\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"",
              chart_width, chart_height) +
         escaped(chart.title) + "\">" + inside(chart) + "</svg>\n";
}

std::string draw_at(const Chart& chart, double x, double y) {
  return text("<g class=\"curve\" transform=\"translate(%.1f %.1f)\">", x, y) + inside(chart) +
         "</g>\n";
}

double percentile_x(double quantile) { return -std::log10(1 - quantile); }

std::vector<Spot> percentile_spots(const Histogram& histogram) {
  if (histogram.count() == 0) return {};
  constexpr double steps_per_decade = 20;
  constexpr double decades_max = 6;
  const double records = static_cast<double>(histogram.count());
  const double end = std::clamp(std::log10(records), 1.0, decades_max);
  std::vector<Spot> spots;
  for (double step = 0; step / steps_per_decade < end; ++step) {
    const double x = step / steps_per_decade;
    spots.push_back({x, static_cast<double>(histogram.at(1 - std::pow(10, -x))) / 1e6});
  }
  spots.push_back({end, static_cast<double>(histogram.at(1 - std::pow(10, -end))) / 1e6});
  return spots;
}

std::vector<double> ticks(double low, double high, std::size_t about) {
  if (!(high > low)) return {low};
  const double step =
      rounded_out((high - low) / static_cast<double>(std::max<std::size_t>(about, 1)), true);
  std::vector<double> out;
  for (double k = std::ceil(low / step - 1e-9) + 0.0; k * step <= high + step * 1e-9; ++k) {
    out.push_back(k * step);
  }
  return out;
}

std::string brief(double value) {
  constexpr std::string_view units = "kMGT";
  std::string unit;
  for (const char next : units) {
    if (std::abs(value) < 9999.5) break;
    value /= 1000;
    unit = next;
  }
  const double size = std::abs(value);
  if (size < 0.01) return text("%.2g", value);
  std::string digits = text("%.*f", size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3, value);
  if (digits.find('.') != std::string::npos) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  return digits + unit;
}

}  // namespace ringroom::load
