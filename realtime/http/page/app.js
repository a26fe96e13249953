"use strict";

// The built-in page: one room over the native protocol (docs/protocol.md). Texts of others are only
// ever set as text, never as HTML. Adding #token=... to the address makes it join with a token.

const $ = (id) => document.getElementById(id);

const back_off_min_ms = 500;
const back_off_max_ms = 15_000;
const typing_repeat_ms = 2_000; // how often "is typing" is said again
const typing_forget_ms = 5_000; // how long it is believed
const log_entries_max = 500;

// ---- what is shown ------------------------------------------------------------------------------

function show_status(state, text) {
  $("status").dataset.state = state;
  $("status").textContent = text;
  const joined = state === "joined";
  $("text").disabled = $("send").disabled = !joined;
  $("join").textContent = wanted ? "Leave" : "Join";
  $("name").disabled = $("room").disabled = Boolean(wanted);
}

function element(tag, name, text) {
  const out = document.createElement(tag);
  if (name) out.className = name;
  out.textContent = text;
  return out;
}

function add_to_log(item) {
  const log = $("log");
  const at_end = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(item);
  while (log.childElementCount > log_entries_max) log.firstElementChild.remove();
  if (at_end) log.scrollTop = log.scrollHeight;
}

function note(text, warning) {
  add_to_log(element("li", warning ? "note warning" : "note", text));
}

function show_message(message) {
  const text = message.payload?.text;
  const item = element("li", message.sender === wanted?.name ? "mine" : "", "");
  const time = message.timestamp ? new Date(message.timestamp * 1000).toLocaleTimeString() : "";
  item.append(
    element("span", "place", [message.sequence ? `#${message.sequence}` : "", time].join(" ").trim()),
    element("span", "sender", message.sender || "server"),
    element("span", "text", typeof text === "string" ? text : JSON.stringify(message.payload)),
  );
  if (message.sequence) item.dataset.sequence = message.sequence;
  add_to_log(item);
}

const members = new Set();
function show_members() {
  $("members").replaceChildren(
    ...[...members].sort((a, b) => a.localeCompare(b)).map((name) => element("li", "", name)),
  );
  $("count").textContent = members.size ? `(${members.size})` : "";
}

const typing = new Map(); // user -> timer that forgets it
function show_typing() {
  const names = [...typing.keys()];
  $("typing").textContent =
    names.length === 0 ? "" : `${names.slice(0, 3).join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
}
function stops_typing(user) {
  clearTimeout(typing.get(user));
  if (typing.delete(user)) show_typing();
}
function starts_typing(user) {
  stops_typing(user);
  typing.set(user, setTimeout(() => stops_typing(user), typing_forget_ms));
  show_typing();
}

// ---- the connection -----------------------------------------------------------------------------

let wanted = null; // {name, room, token}: where the user wants to be
let socket = null;
let position = null; // {sequence, epoch}: the last message seen, to recover from
let attempts = 0;
let retry_timer = 0;
let retry_after_ms = null; // as told by the server
// A room knows a message id again, also after a reload: ids of two pages must differ.
const page_id = Math.random().toString(36).slice(2, 10);
let last_id = 0;
let said_typing_ms = 0; // 0: not typing
const typing_ids = new Set(); // of typing_indicators; what becomes of them is not shown
let may_type = true;

function send(message) {
  if (socket?.readyState !== WebSocket.OPEN) return null;
  const message_id = `${page_id}-${++last_id}`;
  socket.send(JSON.stringify({ message_id, ...message }));
  return message_id;
}

function connect() {
  clearTimeout(retry_timer);
  const { name, token } = wanted;
  show_status("connecting", "connecting…");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const query = token ? "" : `?user=${encodeURIComponent(name)}`;
  const opened = new WebSocket(`${scheme}//${location.host}/ws${query}`);
  socket = opened;
  opened.onopen = () => {
    if (token) send({ type: "connect", payload: { token } });
  };
  opened.onmessage = (event) => {
    if (socket !== opened) return;
    const message = JSON.parse(event.data);
    (on_type[message.type] ?? show_message)(message);
  };
  opened.onclose = (event) => {
    if (socket === opened) closed(event);
  };
}

// 44xx means "do not come back by yourself"; everything else is worth another try.
function closed({ code, reason }) {
  socket = null;
  members.clear();
  show_members();
  [...typing.keys()].forEach(stops_typing);
  if (!wanted) return;
  if ((code >= 4400 && code < 4500) || code === 4003) {
    wanted = null;
    show_status("refused", `refused: ${reason || code}`);
    note(`The server closed the connection: ${reason || code}`, true);
    return;
  }
  // Full jitter: after a restart a thousand pages must not return in the same moment.
  const ceiling = Math.min(back_off_max_ms, back_off_min_ms * 2 ** attempts++);
  const delay_ms = retry_after_ms ?? Math.random() * ceiling;
  retry_after_ms = null;
  show_status("waiting", `connection lost, trying again in ${(delay_ms / 1000).toFixed(1)} s`);
  retry_timer = setTimeout(connect, delay_ms);
}

function seen(message) {
  if (!message.sequence || !position) return;
  if (message.sequence > position.sequence + 1)
    note(`${message.sequence - position.sequence - 1} messages were missed`, true);
  position.sequence = message.sequence;
}

function join(presence) {
  const payload = { presence, ...(position ? { recover: position } : {}) };
  send({ type: "join_room", message_id: presence ? "join" : "join-only", room: wanted.room, payload });
}

const on_type = {
  connection_ack(message) {
    attempts = 0;
    wanted.name = message.payload.user_id ?? wanted.name;
    join(true);
  },
  room_joined({ room, payload }) {
    if (room !== wanted.room) return;
    const returning = position !== null;
    members.clear();
    for (const user of payload.members ?? []) members.add(user);
    members.add(wanted.name);
    show_members();
    for (const missed of payload.messages ?? []) show_message(missed);
    if (returning && payload.recovered === false && payload.sequence !== position.sequence)
      note("some messages may have been missed while the connection was lost", true);
    position = { sequence: payload.sequence ?? 0, epoch: payload.epoch ?? "" };
    may_type = true;
    show_status("joined", `in ${room} as ${wanted.name}`);
    note(returning ? "back again" : `you are in ${room}`);
    $("text").focus();
  },
  room_message(message) {
    if (message.room !== wanted.room) return;
    seen(message);
    stops_typing(message.sender);
    show_message(message);
  },
  typing_indicator({ room, sender, payload }) {
    if (room !== wanted.room || sender === wanted.name) return;
    if (payload?.typing) starts_typing(sender);
    else stops_typing(sender);
  },
  user_joined({ room, payload }) {
    if (room !== wanted.room || members.has(payload.user_id)) return;
    members.add(payload.user_id);
    show_members();
    note(`${payload.user_id} joined`);
  },
  user_left({ room, payload }) {
    if (room !== wanted.room || !members.delete(payload.user_id)) return;
    stops_typing(payload.user_id);
    show_members();
    note(`${payload.user_id} left`);
  },
  reconnect({ payload }) {
    retry_after_ms = payload?.delay_ms ?? null;
  },
  room_left({ room, payload }) {
    if (room === wanted.room) note(`this room has ended: ${payload?.reason ?? ""}`, true);
  },
  room_reset({ payload }) {
    position = { sequence: payload?.sequence ?? 0, epoch: payload?.epoch ?? "" };
    note("the room's numbering began again", true);
  },
  error_message({ payload, correlation_id }) {
    // Who may not see the others may still be in the room.
    if (correlation_id === "join" && payload?.code === "forbidden") return join(false);
    if (typing_ids.delete(correlation_id)) {
      may_type = false; // who may not speak need not be told again with every key
      return;
    }
    note(payload?.message ?? "the server refused a request", true);
  },
  validation_error({ payload }) {
    for (const { path, message } of payload?.errors ?? []) note(`${path}: ${message}`, true);
  },
  system_message({ payload }) {
    note(payload?.message ?? payload?.text ?? "");
  },
  ack() {},
  pong() {},
  heartbeat() {},
};

// ---- what the user does -------------------------------------------------------------------------

function leave() {
  clearTimeout(retry_timer);
  const left = socket;
  wanted = socket = position = null;
  left?.close(1000);
  members.clear();
  show_members();
  [...typing.keys()].forEach(stops_typing);
  note("you left");
  show_status("idle", "not connected");
}

$("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  if (wanted) return leave();
  const name = $("name").value.trim();
  const room = $("room").value.trim();
  if (!name || !room) return;
  sessionStorage.setItem("name", name);
  const parameters = new URLSearchParams(location.hash.slice(1));
  parameters.set("room", room);
  history.replaceState(null, "", `#${parameters}`);
  wanted = { name, room, token: parameters.get("token") };
  attempts = 0;
  position = null;
  connect();
});

function say_typing(is_typing) {
  if (!wanted || !may_type) return;
  const now_ms = Date.now();
  if (is_typing === said_typing_ms > 0 && (!is_typing || now_ms - said_typing_ms < typing_repeat_ms)) return;
  said_typing_ms = is_typing ? now_ms : 0;
  if (typing_ids.size > 100) typing_ids.clear();
  typing_ids.add(send({ type: "typing_indicator", room: wanted.room, payload: { typing: is_typing } }));
}
$("text").addEventListener("input", () => say_typing($("text").value !== ""));
$("text").addEventListener("blur", () => say_typing(false));

$("speak").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim() || !wanted || socket?.readyState !== WebSocket.OPEN) return;
  say_typing(false);
  send({ type: "room_message", room: wanted.room, payload: { text } });
  $("text").value = "";
  $("text").focus();
});

// A laptop that wakes up, or a phone that finds its network again, need not wait.
function try_now() {
  if (wanted && !socket) connect();
}
addEventListener("online", try_now);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) try_now();
});

$("name").value = sessionStorage.getItem("name") ?? `guest-${Math.floor(Math.random() * 9000 + 1000)}`;
$("room").value = new URLSearchParams(location.hash.slice(1)).get("room") ?? "lobby";
$("name").select();
