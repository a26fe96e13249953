import { $, ago, bytes, clock, element, exact, number, pair, seconds, toast, visible } from "./dom.js";
import { ask, call, chosen } from "./server.js";
import { confirm_deed } from "./deeds.js";
import { address } from "./workspaces.js";

// One connection, room or user: what is known, what has happened lately, and what can be done.

const events_shown = 200;

function link(text, hash) {
  return element("a", { text: visible(text), href: hash });
}

// `query`: what it is asked of, by its first name.
async function show_events(query) {
  const body = element("tbody", {});
  const [subject] = Object.keys(query);
  const others = { connection: ["room"], room: ["connection", "user"], user: ["connection", "room"] }[subject];
  const columns = ["Time (UTC)", "What", ...others.map((name) => name[0].toUpperCase() + name.slice(1)), "More"];
  $("events").replaceChildren(
    element("thead", {}, element("tr", {}, ...columns.map((text) => element("th", { text, scope: "col" })))),
    body,
  );
  let answer;
  try {
    answer = await ask("/admin/trace", { ...query, limit: events_shown });
  } catch (refused) {
    body.append(element("tr", {}, element("td", { text: refused.message, colspan: columns.length })));
    return;
  }
  for (const event of answer.events.toReversed()) {
    const { at, event: what, connection, room, user, ...more } = event;
    const of = { connection, room, user };
    const told = Object.entries(more).filter(
      ([key, value]) => key !== `${subject}_hash` && !(key.endsWith("_workspace") && value === chosen.workspace),
    );
    const cells = [
      { text: clock(Number(at), 12), name: "code" },
      { text: what.replaceAll("_", " "), name: "word" },
      ...others.map((name) => ({ text: visible(of[name] ?? "–"), name: name === "connection" && "code" })),
      { text: visible(told.map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`).join(", ")) },
    ];
    body.append(element("tr", {}, ...cells.map((cell, i) => element("td", { ...cell, "data-label": columns[i] }))));
  }
  if (!answer.events.length)
    body.append(element("tr", {}, element("td", { text: "Nothing is remembered.", colspan: columns.length })));
}

function open(title, facts, deeds, query) {
  $("details-title").textContent = visible(title);
  $("facts").replaceChildren(
    ...facts.map(([name, value]) => {
      if (!(value instanceof Node)) return pair(name, value);
      const out = pair(name, "");
      out.lastElementChild.append(value);
      return out;
    }),
  );
  $("deeds").replaceChildren(
    ...deeds.map(({ text, name = "plain", does }) => {
      const button = element("button", { text, name, type: "button" });
      button.addEventListener("click", does);
      return button;
    }),
  );
  show_events(query);
  if (!$("details").open) $("details").showModal();
}

const close = () => $("details").close();
for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", close);
$("details").addEventListener("click", (event) => {
  if (event.target.tagName === "A") close();
});

// A deed that needs a yes; then what it did is told.
function deed(text, name, question, does) {
  return {
    text,
    name,
    does: async () => {
      const said = await confirm_deed(question);
      if (!said) return;
      try {
        toast(await does(said));
        close();
      } catch (refused) {
        toast(refused.message);
      }
    },
  };
}

const disconnect = (whom, called) =>
  deed(
    "Disconnect",
    "danger",
    { title: `Disconnect ${called}?`, text: "Its client may come back at once.", yes: "Disconnect" },
    async () => `${(await call("POST", "/api/disconnect", { ...whom, code: 4000, reason: "by an administrator" })).closed} closed`,
  );

const block = (user) =>
  deed(
    "Block user",
    "danger",
    {
      title: `Block ${visible(user)}?`,
      text: "All connections of the user close, and new ones are refused for an hour.",
      yes: "Block",
    },
    async () => {
      await call("POST", "/api/block", { user, expires: Math.ceil(Date.now() / 1000) + 3600 });
      return `${visible(user)} is blocked for an hour`;
    },
  );

const notify = (target, called) =>
  deed(
    "Send a notification",
    "plain",
    { title: `Notify ${called}`, fields: [{ label: "Text", name: "text" }], yes: "Send" },
    async ({ text }) => {
      await call("POST", "/api/broadcast", { ...target, type: "notification", payload: { text } });
      return "sent";
    },
  );

export function show_connection(row) {
  const facts = [
    ["User", row.user === undefined ? "–" : link(row.user, address("users", "prefix", row.user))],
    ["Address", row.address],
    ["Agent", visible(row.user_agent || "–")],
    ["Dialect", row.dialect],
    ["State", row.state],
    ["Connected", ago(row.connected_at)],
    ["Heard", ago(row.heard_at)],
    ["Token ends", row.token_ends_at ? `in ${seconds(Math.max(0, Math.round(row.token_ends_at - Date.now() / 1000)))}` : "–"],
    ["Rooms", number(row.rooms)],
    ["Queued", bytes(row.queued_bytes ?? 0)],
  ];
  const id = row.connection_id;
  const deeds = [notify({ connections: [id] }, "this connection"), disconnect({ connection: id }, "this connection")];
  if (row.user !== undefined) deeds.push(block(row.user));
  open(`Connection ${id}`, facts, deeds, { connection: id });
}

export function show_user(row) {
  const called = visible(row.user);
  const facts = [
    ["Connections", link(number(row.connections), address("connections", "user", row.user))],
    ["Rooms", number(row.rooms)],
  ];
  open(
    `User ${row.user}`,
    facts,
    [notify({ users: [row.user] }, called), disconnect({ user: row.user }, called), block(row.user)],
    { user: row.user },
  );
}

export function show_room(row) {
  const called = visible(row.room);
  const facts = [
    ["Members", link(number(row.members), address("connections", "room", row.room))],
    ["Sequence", exact(row.sequence)],
    ["Epoch", row.epoch],
    ["Owner", visible(row.owner ?? "–")],
    ["Public", row.public ? "yes" : "no"],
    ["Made", ago(row.created)],
    ["Metadata", visible(JSON.stringify(row.metadata))],
  ];
  const end = deed(
    "Delete room",
    "danger",
    { title: `Delete ${called}?`, text: "Everybody in it is told that it is gone.", yes: "Delete" },
    async () => {
      await call("DELETE", `/api/ws/rooms/${encodeURIComponent(row.room)}`);
      return `${called} is deleted`;
    },
  );
  open(`Room ${row.room}`, facts, [notify({ rooms: [row.room] }, called), end], { room: row.room });
}
