import { $, toast } from "./dom.js";
import { start_deeds } from "./deeds.js";
import { Live, Refused, ask, key } from "./server.js";
import { address, choose, find_home, place, start_workspaces } from "./workspaces.js";
import { hears, begins, show_checks } from "./overview.js";
import { reload_table, show_table, start_tables, tables } from "./tables.js";

// The admin page: signs in, shows one view of one workspace at a time by the address's fragment
// (#rooms, #connections/user/ann), and keeps the live session. A key without the scope `admin` opens
// the tables, of its workspace if it is of one.

const table_refresh_ms = 5_000;
let live = null;
let is_in = false;
let is_admin = false;

function show_status(state, reason = "") {
  $("status").dataset.state = state;
  $("status").textContent = { live: "live", waiting: "connecting…", lost: reason || "connection lost" }[state];
}

function show_view() {
  if (!is_in) return;
  const { view, by, what, workspace } = place();
  const is_elsewhere = choose(workspace);
  const name = view in tables ? view : is_admin ? "overview" : "connections";
  for (const link of document.querySelectorAll("header nav a")) {
    link.href = address(link.dataset.view);
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  // What is open there is of the workspace that was.
  if (is_elsewhere) for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close("no");
  $("overview").hidden = name !== "overview";
  $("table").hidden = name === "overview";
  if (name !== "overview") show_table(name, by && { by, what: what ?? "" }, is_elsewhere);
}

function enter() {
  is_in = true;
  $("entry").hidden = true;
  for (const each of document.querySelectorAll("[data-in]")) each.hidden = each.dataset.in === "admin" && !is_admin;
  if (is_admin) {
    live = new Live({ begins, hears, shows: show_status });
    show_checks();
  }
  start_workspaces();
  show_view();
}

// Whoever may read the configuration is an administrator.
async function may_administer() {
  try {
    await ask("/admin/config");
    return true;
  } catch (refused) {
    if (refused.status === 403) return false;
    throw refused;
  }
}

async function sign_in(event) {
  event?.preventDefault();
  if (event) key.set($("key").value);
  try {
    is_admin = await may_administer();
    await find_home().catch((refused) => {
      if (!is_admin) throw refused; // else there is the overview still
    });
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
  if (document.hidden || $("table").hidden || !is_in || $("rows").contains(document.activeElement)) return;
  if (!document.querySelector("dialog[open]")) reload_table();
}, table_refresh_ms);
addEventListener("unhandledrejection", (event) => toast(String(event.reason?.message ?? event.reason)));

start_tables();
start_deeds();
sign_in();
