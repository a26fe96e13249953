// The admin page with several workspaces: what is shown, and what is done, is of the chosen one.

import { strict as assert } from "node:assert";
import { test } from "node:test";
import WebSocket from "ws";

import { client, enter, go, open, search, sign_in, tenant_key, texts, until, was_notified, with_daemon } from "./admin_page.mjs";
import { deadline_ms, see } from "./browser.mjs";
import { within } from "./daemon.mjs";

async function choose(page, workspace) {
  await page.selectOption("#workspace", workspace);
  await page.waitForFunction((id) => document.querySelector("[data-here]").textContent === `Workspace ${id}`, workspace);
}

// The row with that name, opened.
async function open_row(page, view, by, name) {
  await go(page, view);
  await search(page, by, name, name);
  await page.click("#rows tbody tr");
  await page.waitForSelector("#details[open]");
}

async function press(page, deed, text) {
  await page.click(`#deeds button:text("${deed}")`);
  assert.equal(await page.textContent("#ask-place"), await page.textContent("#details [data-here]"));
  if (text) await page.fill("#ask input", text);
  await page.click("#ask-yes");
  await page.waitForSelector("#details", { state: "hidden" });
}

// Of two workspaces the same: ann and bo, two rooms. What a client says of itself, and all ids, tell them apart.
async function twins(daemon) {
  const there = {};
  for (const workspace of ["acme", "globex"]) {
    there[workspace] = {
      ann: await client(daemon, "ann", "lobby", `agent of ${workspace}`, workspace),
      bo: await client(daemon, "bo", "lobby", `agent of ${workspace}`, workspace),
      den: await client(daemon, "cy", "den", `agent of ${workspace}`, workspace),
    };
    there[workspace].ids = Object.values(there[workspace]).map(
      ({ heard }) => heard.find(({ type }) => type === "connection_ack").payload.connection_id,
    );
  }
  return there;
}

test("of two workspaces with the same names only the chosen one is shown, and acted in", () =>
  with_daemon(async (daemon) => {
    const { acme, globex } = await twins(daemon);
    const page = await enter(daemon);
    assert.match(await page.textContent("#overview h2"), /whole server/);
    assert.equal(await page.inputValue("#workspace"), "default");
    await page.waitForFunction(() => document.querySelector("#workspace").textContent.includes("globex (3)"));
    await choose(page, "acme");
    for (const view of ["connections", "rooms", "users"]) {
      await go(page, view);
      assert.equal(new URL(page.url()).hash, `#${view}?workspace=acme`);
      const rows = await texts(page, "#rows tbody tr");
      assert.equal(rows.length, view === "rooms" ? 2 : 3, `${view}: ${rows}`);
      for (let row = 1; row <= rows.length; ++row) {
        await page.click(`#rows tbody tr:nth-child(${row})`);
        await page.waitForSelector("#events tbody td:nth-child(2)"); // what has happened is there
        const shown = await page.textContent("body");
        for (const foreign of ["agent of globex", ...globex.ids]) assert(!shown.includes(foreign), `${view}: ${foreign}`);
        if (view === "connections") assert(shown.includes("agent of acme"));
        await page.keyboard.press("Escape");
      }
    }

    // A reload keeps it, a link too, and one that leads elsewhere takes what is open with it.
    await page.reload();
    await page.waitForSelector("#rows tbody tr");
    assert.equal(await page.inputValue("#workspace"), "acme");
    await page.click("#rows tbody tr");
    await page.click('#facts a[href="#connections/user/ann?workspace=acme"]');
    await page.waitForFunction(() => document.querySelectorAll("#rows tbody tr").length === 1);
    assert.match((await texts(page, "#rows tbody tr"))[0], /agent of acme/);
    await page.click("#rows tbody tr");
    await page.waitForSelector("#details[open]");
    await page.evaluate(() => (location.hash = "#connections/user/ann?workspace=globex"));
    await page.waitForSelector("#details", { state: "hidden" });
    await page.waitForFunction(() => document.querySelector("#rows tbody")?.textContent.includes("agent of globex"));
    assert.equal(await page.$$eval("#rows tbody tr", (rows) => rows.length), 1);

    // Each deed in one; the other is asked afterwards whether it noticed.
    await choose(page, "acme");
    await open_row(page, "users", "prefix", "ann");
    await press(page, "Send a notification", "to ann of acme");
    await until("ann's notification", acme.ann, () => was_notified(acme.ann, "to ann of acme"));
    await open_row(page, "rooms", "prefix", "lobby");
    await press(page, "Send a notification", "to the lobby of acme");
    await until("the lobby's notification", acme.bo, () => was_notified(acme.bo, "to the lobby of acme"));
    await go(page, "overview");
    await page.click("[data-deed=notify]");
    await page.fill("#ask input", "to all of acme");
    await page.click("#ask-yes");
    await until("everybody's notification", acme.den, () => was_notified(acme.den, "to all of acme"));
    await open_row(page, "rooms", "prefix", "den");
    await press(page, "Delete room");
    await until("the den to be gone", acme.den, () => acme.den.heard.some(({ type }) => type === "room_left"));
    await open_row(page, "connections", "user", "ann");
    await press(page, "Disconnect");
    assert.equal(await within(deadline_ms, "ann to be closed", acme.ann.closed), 4000);
    await open_row(page, "users", "prefix", "bo");
    await press(page, "Block user");
    assert.equal(await within(deadline_ms, "bo to be blocked", acme.bo.closed), 4403);
    await choose(page, "globex");
    await go(page, "overview");
    await page.click("[data-deed=notify]");
    await page.fill("#ask input", "to all of globex");
    await page.click("#ask-yes");
    for (const socket of [globex.ann, globex.bo, globex.den]) {
      await until("globex to be notified", socket, () => was_notified(socket, "to all of globex"));
      assert.deepEqual(socket.heard.filter(({ type }) => type === "notification").map(({ payload }) => payload.text), ["to all of globex"]);
      assert(!socket.heard.some(({ type }) => type === "room_left"));
      assert.equal(socket.readyState, WebSocket.OPEN);
    }
    await client(daemon, "bo", "den", "again", "globex");
    await assert.rejects(client(daemon, "bo", "den", "again", "acme"));
    assert.deepEqual(page.complaints, []);
  }));

test("a key of one workspace opens the tables of that one, and no other", () =>
  with_daemon(async (daemon) => {
    const { globex } = await twins(daemon);
    const page = await open(daemon);
    await sign_in(page, tenant_key);
    await page.waitForSelector("#rows tbody tr:nth-child(3)");
    assert.deepEqual(await texts(page, "#workspace option"), ["acme (3)"]);
    assert(await page.isHidden("#overview"));
    assert(await page.isHidden("header nav a[data-view=overview]"));
    for (const view of ["connections", "users", "rooms"]) {
      await go(page, view);
      await page.click("#rows tbody tr");
      const shown = await page.textContent("body");
      for (const foreign of ["globex", ...globex.ids]) assert(!shown.includes(foreign), `${view}: ${foreign}`);
      await page.keyboard.press("Escape");
    }
    await page.evaluate(() => (location.hash = "#connections?workspace=globex"));
    await see(page, "#found", "another workspace");
    assert.deepEqual(await texts(page, "#rows tbody tr"), []);
    assert.deepEqual(page.asked.filter((url) => url.startsWith("ws")), []);
    assert.deepEqual(page.complaints, []);
  }));
