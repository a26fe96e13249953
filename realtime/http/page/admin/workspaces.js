import { $, element, number, visible } from "./dom.js";
import { ask, chosen } from "./server.js";

// The workspace that is looked at. It stands in the address, behind the view, so a link keeps it:
//
//   #connections/user/ann?workspace=acme      without one: the home, `default` or the key's own

const listed_max = 1_000;
const refresh_ms = 10_000;
let home = "default";
let listed = [];

const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // as somebody typed it
  }
};

// {view, by, what, workspace} of the address.
export function place() {
  const [path, query] = location.hash.slice(1).split("?");
  const [view, by, what] = path.split("/");
  return { view, by, what: what && decoded(what), workspace: new URLSearchParams(query).get("workspace") || home };
}

// The address of a view in the workspace that is looked at.
export function address(view, by, what, workspace = chosen.workspace) {
  const search = by ? `/${by}/${encodeURIComponent(what)}` : "";
  return `#${view}${search}${workspace === home ? "" : `?workspace=${encodeURIComponent(workspace)}`}`;
}

// What the page says of where it acts.
export const here = () => `Workspace ${visible(chosen.workspace)}`;

function fill() {
  const options = listed.map(({ workspace, connections }) => [workspace, ` (${number(connections)})`]);
  if (!listed.some(({ workspace }) => workspace === chosen.workspace)) options.push([chosen.workspace, ""]);
  const select = $("workspace");
  select.replaceChildren(
    ...options.map(([value, count]) => element("option", { value, text: visible(value) + count })),
  );
  if (listed.length === listed_max)
    select.append(element("option", { text: "more than are shown: name it in the address", disabled: true }));
  select.value = chosen.workspace;
}

export async function list_workspaces() {
  const answer = await ask("/api/ws/workspaces", { limit: listed_max });
  listed = answer.workspaces;
  if (chosen.workspace !== undefined) fill();
}

// Before anything is asked in one. Rejects if the key may not look at any.
export async function find_home() {
  await list_workspaces();
  home = listed.some(({ workspace }) => workspace === "default") ? "default" : listed[0].workspace;
}

// True: it is another one than before.
export function choose(workspace) {
  if (workspace === chosen.workspace) return false;
  chosen.workspace = workspace;
  fill();
  for (const each of document.querySelectorAll("[data-here]")) each.textContent = here();
  return true;
}

export function start_workspaces() {
  $("workspace").addEventListener("change", () => (location.hash = address(place().view, "", "", $("workspace").value)));
  setInterval(() => {
    if (!document.hidden && document.activeElement !== $("workspace")) list_workspaces().catch(() => {}); // what fails is told elsewhere
  }, refresh_ms);
}
