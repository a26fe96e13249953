// What the tests of the admin page share: a server with its listener, clients, and the page signed in.
//
// Pictures of every view are kept in SCREENSHOTS, or build/screenshots.

import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import WebSocket from "ws";

import { deadline_ms, open as open_page } from "./browser.mjs";
import { Daemon, within } from "./daemon.mjs";

export const admin_key = "the-key-of-the-operator-fedcba98765";
export const tenant_key = "the-key-of-one-workspace-27182818284";
export const writer_key = "the-key-of-who-writes-a1b2c3d4e5f6";
const pictures = process.env.SCREENSHOTS ?? "build/screenshots";
mkdirSync(pictures, { recursive: true });

let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "ringroom-admin-"));
  writeFileSync(join(folder, "admin"), admin_key);
  writeFileSync(join(folder, "tenant"), tenant_key);
  writeFileSync(join(folder, "writer"), writer_key);
});
after(() => rmSync(folder, { recursive: true }));

export async function with_daemon(body, ...flags) {
  const daemon = await Daemon.start(
    ...["--cores", "2", "--admin", "--admin-listen", "127.0.0.1:0", "--admin-key-file", join(folder, "admin")],
    ...["--access-key", `tenant@acme:read+sessions+publish+rooms:${join(folder, "tenant")}`],
    ...["--access-key", `writer:publish:${join(folder, "writer")}`, ...flags],
  );
  const found = /admin +http:\/\/([^/\s]+)\//.exec(daemon.said);
  assert(found, daemon.said);
  daemon.admin = found[1];
  daemon.clients = [];
  try {
    await body(daemon);
  } finally {
    for (const client of daemon.clients) client.terminate();
    await daemon.stop();
  }
}

// A client that is in a room; `closed` resolves to its close code, `heard` has what it was told.
export async function client(daemon, user, room, agent = "test", workspace = "default") {
  const address = daemon.url(`/ws?${new URLSearchParams({ user, workspace })}`);
  const socket = new WebSocket(address, { headers: { "User-Agent": agent } });
  daemon.clients.push(socket);
  socket.heard = [];
  socket.closed = new Promise((resolve) => socket.on("close", resolve));
  const joined = new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", (code) => reject(new Error(`${user} was closed with ${code}`)));
    socket.on("message", (data) => {
      const message = JSON.parse(data);
      socket.heard.push(message);
      if (message.type === "room_joined") resolve();
    });
  });
  socket.on("open", () => socket.send(JSON.stringify({ type: "join_room", message_id: "j", room })));
  await within(deadline_ms, `${user} to be in ${room}`, joined);
  return socket;
}

// What is refused is told by the browser too.
export const open = (daemon, screen, fragment = "") =>
  open_page(`http://${daemon.admin}/${fragment}`, { forgives: "the server responded with a status of 40", screen });

export async function sign_in(page, key) {
  await page.fill("#key", key);
  await page.press("#key", "Enter");
}

export async function enter(daemon, screen, fragment) {
  const page = await open(daemon, screen, fragment);
  await sign_in(page, admin_key);
  await page.waitForSelector("#status[data-state=live]");
  await page.waitForSelector("#cores tbody tr:nth-child(2)");
  return page;
}

export async function go(page, view) {
  await page.click(`header nav a[data-view=${view}]`);
  await page.waitForSelector(`header nav a[data-view=${view}][aria-current]`);
  await page.waitForSelector(view === "overview" ? "#overview" : "#rows tbody tr");
}

export async function search(page, by, what, row) {
  await page.selectOption("#by", by);
  await page.fill("#what", what);
  await page.waitForFunction(
    (text) => {
      const rows = [...document.querySelectorAll("#rows tbody tr")];
      return rows.length > 0 && rows.every((row) => row.textContent.includes(text));
    },
    row,
    { polling: "raf" },
  );
}

export const picture = (page, name) => page.screenshot({ path: join(pictures, `admin-${name}.png`), fullPage: true });

// Until it is true; looked at whenever that socket is told something.
export const until = (what, socket, is_true) =>
  within(deadline_ms, what, (async () => {
    while (!is_true()) await new Promise((go_on) => socket.once("message", go_on));
  })());

export const was_notified = (socket, text) =>
  socket.heard.some((message) => message.type === "notification" && message.payload.text === text);

export const texts = (page, selector) => page.$$eval(selector, (found) => found.map((each) => each.textContent));
