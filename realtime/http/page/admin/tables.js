import { $, ago, bytes, element, number, seconds, visible } from "./dom.js";
import { ask } from "./server.js";
import { show_connection, show_room, show_user } from "./details.js";

// Tables of what there is, a page at a time, each page asked for when it is looked at: with a hundred
// thousand connections the browser holds fifty rows.

const rows_per_page = 50;

const text = (value) => ({ text: value === undefined ? "–" : visible(value) });
const code = (value) => ({ text: value, name: "code" });
const count = (value) => ({ text: value === undefined ? "–" : number(value), name: "number" });

const connection_columns = {
  Connection: (row) => code(row.connection_id),
  User: (row) => text(row.user),
  Address: (row) => text(row.address),
  Dialect: (row) => text(row.dialect),
  Rooms: (row) => count(row.rooms),
  Queued: (row) => ({ text: bytes(row.queued_bytes ?? 0), name: "number" }),
  "Connected for": (row) => ({ text: seconds(Date.now() / 1000 - row.connected_at), name: "number" }),
  Agent: (row) => text(row.user_agent),
};

// `by`: what can be searched for, as the query has it. `cursor`: of the page behind, from an answer.
export const tables = {
  connections: {
    path: "/api/ws/connections",
    by: { user: "User", room: "In room", address: "Address or network" },
    rows: (answer) => answer.connections,
    cursor: (answer) => answer.next && { cursor: answer.next },
    columns: connection_columns,
    open: show_connection,
  },
  slow: {
    path: "/api/ws/connections",
    query: { slow: "true" },
    by: { user: "User", room: "In room", address: "Address or network" },
    rows: (answer) => answer.connections,
    cursor: (answer) => answer.next && { cursor: answer.next },
    columns: connection_columns,
    open: show_connection,
    empty: "Nobody reads slower than is written to them.",
  },
  rooms: {
    path: "/api/ws/rooms",
    by: { prefix: "Name begins with" },
    rows: (answer) => answer.rooms,
    cursor: (answer) => answer.rooms.length === rows_per_page && { after: answer.rooms.at(-1).room },
    columns: {
      Room: (row) => text(row.room),
      Members: (row) => count(row.members),
      Sequence: (row) => count(row.sequence),
      Owner: (row) => text(row.owner),
      Public: (row) => text(row.public ? "yes" : "no"),
      Made: (row) => ({ text: ago(row.created), name: "number" }),
    },
    open: show_room,
  },
  users: {
    path: "/api/ws/users",
    by: { prefix: "Name begins with" },
    rows: (answer) => answer.users,
    cursor: (answer) => answer.users.length === rows_per_page && { after: answer.users.at(-1).user },
    columns: {
      User: (row) => text(row.user),
      Connections: (row) => count(row.connections),
      Rooms: (row) => count(row.rooms),
    },
    open: show_user,
  },
};

let shown = null; // {name, table, pages: [query of each page up to this one], next}
let asked = 0;

async function load() {
  const { table, pages } = shown;
  const number_of_this = ++asked;
  const by = $("by").value;
  let answer;
  try {
    answer = await ask(table.path, {
      ...table.query,
      limit: rows_per_page,
      [by]: $("what").value.trim(),
      ...pages.at(-1),
    });
  } catch (refused) {
    if (number_of_this === asked) $("found").textContent = refused.message;
    return;
  }
  if (number_of_this !== asked) return; // somebody has searched on meanwhile
  const rows = table.rows(answer);
  shown.next = table.cursor(answer);
  const columns = Object.entries(table.columns);
  const head = element("tr", {});
  for (const [title, cell] of columns)
    head.append(element("th", { text: title, scope: "col", name: rows.length && cell(rows[0]).name === "number" && "number" }));
  const body = element("tbody", {});
  for (const row of rows) {
    const line = element("tr", { tabindex: 0 });
    for (const [title, cell] of columns) line.append(element("td", { ...cell(row), "data-label": title }));
    line.addEventListener("click", () => table.open(row));
    line.addEventListener("keydown", (event) => {
      const goes_to = { ArrowDown: line.nextElementSibling, ArrowUp: line.previousElementSibling }[event.key];
      if (event.key !== "Enter" && !goes_to) return;
      event.preventDefault(); // or Enter would press the button that gets the focus
      if (goes_to) goes_to.focus();
      else table.open(row);
    });
    body.append(line);
  }
  $("rows").replaceChildren(element("thead", {}, head), body);
  $("found").textContent = rows.length ? "" : (table.empty ?? "Nothing is found.");
  $("place").textContent = `Page ${pages.length}`;
  $("back").disabled = pages.length === 1;
  $("next").disabled = !shown.next;
}

// `search`: {by, what}, when somebody comes from elsewhere.
export function show_table(name, search) {
  const table = tables[name];
  if (shown?.name !== name || search) {
    $("by").replaceChildren(...Object.entries(table.by).map(([value, text]) => element("option", { value, text })));
    $("by").value = search?.by ?? Object.keys(table.by)[0];
    $("what").value = search?.what ?? "";
    $("rows").replaceChildren();
  }
  shown = { name, table, pages: [{}], next: null };
  return load();
}

export function start_tables() {
  let typing = 0;
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typing);
    shown.pages = [{}];
    load();
  });
  $("what").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => $("search").requestSubmit(), 150);
  });
  $("next").addEventListener("click", () => {
    shown.pages.push(shown.next);
    load();
  });
  $("back").addEventListener("click", () => {
    shown.pages.pop();
    load();
  });
}

export const reload_table = () => shown && load();
