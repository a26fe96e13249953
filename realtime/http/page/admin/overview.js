import { $, bytes, clock, element, number, pair, rate, rough, seconds, visible } from "./dom.js";
import { Chart } from "./charts.js";
import { ask } from "./server.js";

// What goes on, from the rooms of the server's own numbers, drawn as they come.

const checks_every_ms = 5_000;
const alerts_max = 100;

export const begins = [
  { type: "start_monitoring", payload: { interval: 1 } },
  { type: "start_performance", payload: { interval: 1 } },
  { type: "start_user_activity", payload: { interval: 5 } },
];

const share = (value) => `${Math.round(value * 100)} %`;
const charts = {
  connections: new Chart({ title: "Connections", series: ["open"], print: number, tick: rough }),
  messages: new Chart({ title: "Messages", series: ["received", "delivered"], print: rate, tick: (value) => `${rough(value)}/s` }),
  latency: new Chart({ title: "Publish to ack", series: ["p50", "p99"], print: seconds }),
  turn: new Chart({ title: "One turn of a core", series: ["p50", "p99"], print: seconds }),
  processor: new Chart({ title: "Processor", series: ["busiest core", "mean"], print: share, top: 1 }),
  memory: new Chart({ title: "Memory", series: ["resident", "queued"], print: bytes, base: 2 }),
};
$("charts").append(...Object.values(charts).map(({ figure }) => figure));

const figures = Object.fromEntries(
  ["Connections", "Users, last 5 min", "Rooms", "Subscriptions", "Received", "Delivered", "Memory", "Up"].map((name) => [name, "–"]),
);
function show_figures(told) {
  Object.assign(figures, told);
  $("figures").replaceChildren(...Object.entries(figures).map(([name, text]) => pair(name, text, "card")));
}

function show_system({ payload, timestamp }) {
  const open = payload.connections.connected + payload.connections.authenticated;
  const cpus = payload.cores.map((core) => core.cpu);
  charts.connections.add(timestamp, [open]);
  charts.processor.add(timestamp, [Math.max(...cpus), cpus.reduce((sum, cpu) => sum + cpu, 0) / cpus.length]);
  charts.memory.add(timestamp, [payload.memory_bytes.resident, payload.queue_bytes]);
  show_figures({
    Connections: number(open),
    Rooms: number(payload.rooms),
    Subscriptions: number(payload.subscriptions),
    Memory: bytes(payload.memory_bytes.resident),
    Up: seconds(payload.uptime_s),
  });
  show_cores(payload.cores);
}

// Nothing was measured where nothing happened.
const times = ({ count, ...quantiles }, names) => names.map((name) => (count ? quantiles[`${name}_ms`] / 1000 : null));

function show_performance({ payload, timestamp }) {
  charts.messages.add(timestamp, [payload.per_s.received, payload.per_s.delivered]);
  charts.latency.add(timestamp, times(payload.publish_to_ack, ["p50", "p99"]));
  charts.turn.add(timestamp, times(payload.turn, ["p50", "p99"]));
  show_figures({ Received: rate(payload.per_s.received), Delivered: rate(payload.per_s.delivered) });
}

function show_users({ payload }) {
  show_figures({ "Users, last 5 min": number(payload.active_users["5m"] ?? Object.values(payload.active_users)[0] ?? 0) });
}

function show_cores(cores) {
  const columns = ["Core", "Processor", "Sockets", "Queued"];
  const head = element("tr", {}, ...columns.map((text, i) => element("th", { text, scope: "col", name: i > 1 ? "number" : "" })));
  const rows = cores.map((core) => {
    const meter = element("i", {});
    meter.style.width = `${core.cpu * 100}%`;
    return element(
      "tr",
      {},
      element("td", { text: core.core }),
      element("td", { text: share(core.cpu) }, element("span", { name: "meter" }, meter)),
      element("td", { text: number(core.sockets), name: "number" }),
      element("td", { text: bytes(core.queue_bytes), name: "number" }),
    );
  });
  $("cores").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

// "open 12, limit 1,024": what a check measured.
function words_of({ status, list, ...measured }) {
  const told = Object.entries(measured).map(([name, value]) => {
    const print = /bytes/.test(name) ? bytes : /_ms\b|_ms_/.test(name) ? (ms) => seconds(ms / 1000) : number;
    const text = typeof value === "number" ? print(value) : value;
    return `${name.replace(/_?bytes|_total|_ms\b|_ms(?=_)/g, "").replaceAll("_", " ").trim()} ${text}`;
  });
  if (list) told.push(`${list.length} of them, the slowest answers after ${seconds(Math.max(...list.map((core) => core.lag_ms ?? 0)) / 1000)}`);
  return told.join(", ");
}

export function show_checks() {
  const look = async () => {
    if (document.hidden) return;
    try {
      const { checks } = await ask("/api/system-health");
      $("checks").replaceChildren(
        ...Object.entries(checks).map(([name, check]) => {
          const line = element("span", { name: "light", "data-state": check.status });
          line.append(element("b", { text: name }), ` ${check.status === "ok" ? "" : `${check.status}: `}${words_of(check)}`);
          return element("li", {}, line);
        }),
      );
    } catch (refused) {
      $("checks").replaceChildren(element("li", { name: "bad", text: refused.message }));
    }
  };
  look();
  setInterval(look, checks_every_ms);
}

function show_alert(message) {
  const { severity = "info", message: text = "" } = message.payload;
  const item = element("li", { name: severity === "critical" ? "bad" : "" });
  item.append(
    element("time", { text: `${clock(message.timestamp ?? Date.now() / 1000)} UTC` }),
    `${visible(severity)}: ${visible(text)}`,
  );
  $("alerts").prepend(item);
  while ($("alerts").childElementCount > alerts_max) $("alerts").lastElementChild.remove();
}

export const hears = {
  system_metrics: show_system,
  performance_metrics: show_performance,
  user_activity: show_users,
  admin_alert: show_alert,
};
