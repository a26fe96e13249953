import { $, toast } from "./dom.js";
import { start_deeds } from "./deeds.js";
import { Live, Refused, ask, key } from "./server.js";
import { hears, begins, show_checks } from "./overview.js";
import { reload_table, show_table, start_tables, tables } from "./tables.js";

// The admin page: signs in, shows one view at a time by the address's fragment (#rooms,
// #connections/user/ann), and keeps the live session.

const table_refresh_ms = 5_000;
let live = null;

function show_status(state, reason = "") {
  $("status").dataset.state = state;
  $("status").textContent = { live: "live", waiting: "connecting…", lost: reason || "connection lost" }[state];
}

function show_view() {
  if (!live) return;
  const [view, by, what] = location.hash.slice(1).split("/");
  const is_table = view in tables;
  const name = is_table ? view : "overview";
  for (const link of document.querySelectorAll("header nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  $("overview").hidden = is_table;
  $("table").hidden = !is_table;
  if (is_table) show_table(name, by && { by, what: decodeURIComponent(what ?? "") });
}

function enter() {
  $("entry").hidden = true;
  document.querySelector("header nav").hidden = $("leave").hidden = false;
  live = new Live({ begins, hears, shows: show_status });
  show_checks();
  show_view();
}

async function sign_in(event) {
  event?.preventDefault();
  if (event) key.set($("key").value);
  try {
    await ask("/admin/config"); // whoever may read this is an administrator
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (refused.status !== 0) key.forget();
    $("refusal").textContent = event || refused.status === 0 ? refused.message : "";
    $("entry").hidden = false;
    $("key").focus();
    return;
  }
  $("key").value = "";
  enter();
}

function sign_out() {
  key.forget();
  live?.end();
  location.reload();
}

addEventListener("hashchange", show_view);
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, select") || $("table").hidden) return;
  event.preventDefault();
  $("what").focus();
});
$("entry").addEventListener("submit", sign_in);
$("leave").addEventListener("click", sign_out);
// What is looked at stays true, unless somebody reads or selects in it.
setInterval(() => {
  if (document.hidden || $("table").hidden || !live || $("rows").contains(document.activeElement)) return;
  if (!document.querySelector("dialog[open]")) reload_table();
}, table_refresh_ms);
addEventListener("unhandledrejection", (event) => toast(String(event.reason?.message ?? event.reason)));

start_tables();
start_deeds();
sign_in();
