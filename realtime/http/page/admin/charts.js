import { element, seconds } from "./dom.js";

// Lines over the last minutes, as one SVG path per series. Samples come about once a second; what
// lies longer back than `span_s_max` goes. The time shown grows up to it.

const span_s_min = 30;
const span_s_max = 300;
const svg = "http://www.w3.org/2000/svg";
const width = 300;
const height = 100;

function shape(tag, attributes) {
  const out = document.createElementNS(svg, tag);
  for (const [key, value] of Object.entries(attributes)) out.setAttribute(key, value);
  return out;
}

// The smallest power of two, or of 1, 2, 5 times a power of ten, that is not below.
function round_up(value, base) {
  if (!(value > 0)) return 1;
  if (base === 2) return 2 ** Math.ceil(Math.log2(value));
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value * 0.999);
}

export class Chart {
  // `series`: names, at most three. `print`: a value as text, `tick`: at the axis, if that is another one. `top`: what
  // the axis ends at, if fixed; `base`: 2 for bytes.
  constructor({ title, series, print, tick = print, top, base }) {
    this.print = print;
    this.tick = tick;
    this.base = base;
    this.fixed_top = top;
    this.points = []; // [time_s, value...]
    this.values = series.map((name, index) => {
      const value = element("b", { text: "–" });
      return { value, item: element("li", { name: `series-${index}` }, `${name} `, value) };
    });
    this.drawing = shape("svg", {
      class: "chart",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": title,
    });
    for (const y of [0, height / 2, height])
      this.drawing.append(shape("line", { class: "grid", x1: 0, x2: width, y1: y, y2: y }));
    this.paths = series.map((_, index) => shape("path", { class: `series-${index}` }));
    this.drawing.append(...this.paths);
    this.top = element("span", { name: "top" });
    this.middle = element("span", { name: "middle" });
    this.first = element("span", { name: "first" });
    this.figure = element(
      "figure",
      { name: "card" },
      element(
        "figcaption",
        {},
        element("span", { text: title }),
        element("ul", { name: "legend" }, ...this.values.map(({ item }) => item)),
      ),
      element(
        "div",
        { name: "plot" },
        this.drawing,
        this.top,
        this.middle,
        element("span", { name: "bottom", text: "0" }),
        this.first,
        element("span", { name: "last", text: "now" }),
      ),
    );
  }

  // A value that is not known is null: the line has a gap.
  add(time_s, values) {
    this.points.push([time_s, ...values]);
    while (this.points[0][0] < time_s - span_s_max) this.points.shift();
    values.forEach((value, index) => {
      this.values[index].value.textContent = value === null ? "–" : this.print(value);
    });
    this.draw(time_s);
  }

  draw(now_s) {
    const span_s = Math.max(span_s_min, Math.round(now_s - this.points[0][0]));
    this.first.textContent = `${seconds(span_s)} ago`;
    let most = 0;
    for (const point of this.points) for (let i = 1; i < point.length; ++i) most = Math.max(most, point[i] ?? 0);
    const top = this.fixed_top ?? round_up(most, this.base);
    this.top.textContent = this.tick(top);
    this.middle.textContent = this.tick(top / 2);
    this.paths.forEach((path, index) => {
      let line = "";
      let pen_is_down = false;
      for (const point of this.points) {
        const value = point[index + 1];
        if (value === null) {
          pen_is_down = false;
          continue;
        }
        const x = (width * (point[0] - now_s + span_s)) / span_s;
        const y = height - (height * Math.min(value, top)) / top;
        line += `${pen_is_down ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
        pen_is_down = true;
      }
      path.setAttribute("d", line);
    });
  }
}
