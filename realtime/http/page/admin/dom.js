// Making elements. Texts of clients (names, agents, reasons) are only ever set as text.

export const $ = (id) => document.getElementById(id);

export function element(tag, { name, text, ...attributes } = {}, ...children) {
  const out = document.createElement(tag);
  if (name) out.className = name;
  if (text !== undefined) out.textContent = text;
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) out.setAttribute(key, value === true ? "" : value);
  out.append(...children);
  return out;
}

// A name and a value, as a <dl> has them.
export function pair(name, value, kind) {
  return element("div", { name: kind }, element("dt", { text: name }), element("dd", { text: value }));
}

// Whom a person may be told about: names may hide what they are by direction marks and the like.
export function visible(text) {
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, "\ufffd");
}

const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" });
const whole = new Intl.NumberFormat("en");
export const number = (value) => (value < 1e6 ? whole.format(Math.round(value)) : short.format(value));
export const rough = (value) => short.format(value);
export const exact = (value) => whole.format(value);
export const rate = (value) => `${value < 10 && value > 0 ? value.toFixed(1) : value < 1e5 ? number(value) : rough(value)}/s`;

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit]}`;
}

export function seconds(value) {
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`;
  if (value < 1) return `${Number((value * 1e3).toPrecision(3))} ms`;
  if (value < 90) return `${Number(value.toPrecision(3))} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 10 ? `${hours} h ${minutes % 60} min` : hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// In UTC, as logs have it; `digits`: 8 up to the second, 12 to the millisecond.
export const clock = (since_1970_s, digits = 8) => new Date(since_1970_s * 1000).toISOString().slice(11, 11 + digits);
export const ago = (since_1970_s) => `${seconds(Math.max(0, Math.round(Date.now() / 1000 - since_1970_s)))} ago`;

let toast_timer = 0;
export function toast(text) {
  $("toast").textContent = text;
  clearTimeout(toast_timer);
  toast_timer = setTimeout(() => ($("toast").textContent = ""), 6_000);
}
