import { $, ago, bytes, element, exact, seconds, visible } from "./dom.js";
import { ask } from "./server.js";
import { show_connection, show_room, show_user } from "./details.js";

// Tables of what there is, a page at a time, each page asked for when it is looked at: with a hundred
// thousand connections the browser holds fifty rows.

const rows_per_page = 50;
const search_pause_ms = 30; // between two searches, however fast somebody types or pastes

// What may be long is cut short here, and is whole where the row is opened.
const text = (value) => ({ text: visible(value || "–"), name: "cut" });
const code = (value) => ({ text: value, name: "code" });
const count = (value) => ({ text: value === undefined ? "–" : exact(value), name: "number" });

const connection_columns = {
  Connection: (row) => code(row.connection_id),
  User: (row) => text(row.user),
  Address: (row) => text(row.address),
  Dialect: (row) => text(row.dialect),
  Rooms: (row) => count(row.rooms),
  Queued: (row) => ({ text: bytes(row.queued_bytes ?? 0), name: "number" }),
  "Connected for": (row) => ({ text: seconds(Math.max(0, Math.round(Date.now() / 1000 - row.connected_at))), name: "number" }),
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
    empty: "Nobody is connected.",
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
    empty: "There is no room.",
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
    empty: "Nobody is connected.",
  },
};

let shown = null; // {name, table, pages: [query of each page up to this one], next}
let asking = null; // aborts what is asked for; null: nothing is

const busy = (is_busy) => ($("rows").ariaBusy = is_busy);

async function load() {
  const { table, pages } = shown;
  asking?.abort(); // somebody has searched on meanwhile
  const { signal } = (asking = new AbortController());
  const query = { ...table.query, limit: rows_per_page, [$("by").value]: $("what").value.trim(), ...pages.at(-1) };
  busy(true);
  let answer;
  try {
    answer = await ask(table.path, query, signal);
  } catch (refused) {
    if (!signal.aborted) $("found").textContent = refused.message;
  }
  if (signal.aborted) return;
  asking = null;
  if (answer) show(answer);
  busy(false);
}

function show(answer) {
  const { table, pages } = shown;
  const rows = table.rows(answer);
  shown.next = table.cursor(answer);
  const columns = Object.entries(table.columns);
  const head = element("tr", {});
  for (const [title, cell] of columns)
    head.append(element("th", { text: title, scope: "col", name: rows.length > 0 && cell(rows[0]).name === "number" && "number" }));
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
  $("rows").replaceChildren(...(rows.length ? [element("thead", {}, head), body] : []));
  $("found").textContent = rows.length ? "" : $("what").value.trim() ? "Nothing is found." : table.empty;
  $("place").textContent = `Page ${pages.length}`;
  document.querySelector(".pages").hidden = pages.length === 1 && !shown.next;
  $("back").disabled = pages.length === 1;
  $("next").disabled = !shown.next;
}

// `search`: {by, what}, when somebody comes from elsewhere. `is_elsewhere`: in another workspace than
// what was shown.
export function show_table(name, search, is_elsewhere) {
  const table = tables[name];
  if (shown?.name !== name || search || is_elsewhere) {
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
  let searched_at = 0;
  const search = () => {
    clearTimeout(typing);
    searched_at = performance.now();
    shown.pages = [{}];
    load();
  };
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  $("by").addEventListener("change", () => $("what").value && search());
  // The first letter asks at once, and so does each that comes as slowly as people type.
  $("what").addEventListener("input", () => {
    clearTimeout(typing);
    asking?.abort(); // an answer to fewer letters
    busy(true);
    typing = setTimeout(search, Math.max(0, searched_at + search_pause_ms - performance.now()));
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

export const reload_table = () => shown && !asking && load();
