// What the page asks of the server: calls of its API, and one WebSocket for what is live. The key is
// kept in this tab only (sessionStorage) and leaves by the Authorization header and, as a page can say
// nothing else with a WebSocket's handshake, by a subprotocol.

const storage_key = "ringroom-admin-key";
const back_off_min_ms = 500;
const back_off_max_ms = 10_000;

export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const key = {
  get: () => sessionStorage.getItem(storage_key),
  set: (value) => sessionStorage.setItem(storage_key, value),
  forget: () => sessionStorage.removeItem(storage_key),
};

// A subprotocol cannot hold every character that a key may have.
function base64url(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// The workspace that every call names from when it is chosen on: none can forget it. What is about
// the whole server passes over it.
export const chosen = { workspace: undefined };

const query_of = (query) => {
  const told = Object.entries({ ...query, ...chosen }).filter(([, value]) => value !== undefined && value !== "");
  return told.length ? `?${new URLSearchParams(told)}` : "";
};

// Resolves to the answer's JSON. Rejects with Refused: what the server said, or that it cannot be
// reached (status 0); or with the reason of the signal.
export async function call(method, path, body, { query, signal } = {}) {
  const headers = key.get() ? { Authorization: `Bearer ${key.get()}` } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    const content = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(path + query_of(query), { method, headers, body: content, signal });
  } catch {
    signal?.throwIfAborted();
    throw new Refused(0, "unreachable", "the server cannot be reached");
  }
  const answer = await response.json().catch(() => ({}));
  signal?.throwIfAborted();
  if (response.ok) return answer;
  throw new Refused(response.status, answer.error?.code ?? "internal", answer.error?.message ?? response.statusText);
}

export const ask = (path, query, signal) => call("GET", path, undefined, { query, signal });

// The admin's session. `hears`: {type: (message) => ...}; `shows(state)`: "live", "waiting" or
// "lost". It comes back by itself, and says `begins` anew each time.
export class Live {
  constructor({ begins, hears, shows }) {
    Object.assign(this, { begins, hears, shows, attempts: 0, last_id: 0, timer: 0, ended: false });
    this.open();
  }

  open() {
    this.shows("waiting");
    const protocols = ["ringroom.v1.json"];
    if (key.get()) protocols.push(`ringroom.key64.${base64url(key.get())}`);
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, protocols);
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "connection_ack") {
        this.attempts = 0;
        this.shows("live");
        for (const each of this.begins) this.say(each);
      }
      this.hears[message.type]?.(message);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.ended || this.socket !== socket) return;
      this.shows("lost", reason);
      if (code === 4401 || code === 4403) return;
      const most = Math.min(back_off_max_ms, back_off_min_ms * 2 ** this.attempts++);
      this.timer = setTimeout(() => this.open(), most * (0.5 + Math.random() / 2));
    };
  }

  say(message) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ message_id: `admin-${++this.last_id}`, ...message }));
    return true;
  }

  end() {
    this.ended = true;
    clearTimeout(this.timer);
    this.socket.close();
  }
}
