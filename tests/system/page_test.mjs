// The built-in page in a real browser: two people in one room see each other come, type, speak and go.

import { strict as assert } from "node:assert";
import { test } from "node:test";

import { faint_texts, open, see } from "./browser.mjs";
import { Daemon, run } from "./daemon.mjs";

const secret = "0123456789abcdef0123456789abcdef";

async function enter(daemon, name, room, fragment = "") {
  // A lost connection is what some tests are about.
  const page = await open(daemon.url("/", "http") + fragment, { forgives: "WebSocket" });
  await page.fill("#name", name);
  await page.fill("#room", room);
  await page.press("#room", "Enter");
  await page.waitForSelector("#status[data-state=joined]");
  return page;
}

function make_token(user, room) {
  return run(["token", "make", "--sub", user, "--room", room], { RINGROOM_TOKEN_HMAC_SECRET: secret }).trim();
}

async function with_daemon(body, ...flags) {
  const daemon = await Daemon.start(...flags);
  try {
    await body(daemon);
  } finally {
    await daemon.stop();
  }
}

test("two people see each other come, type, speak and go", () =>
  with_daemon(async (daemon) => {
    const ann = await enter(daemon, "ann", "lobby");
    const bo = await enter(daemon, "bo", "lobby");
    await see(ann, "#members", "bo");
    await see(bo, "#members", "ann");

    await bo.type("#text", "hello");
    await see(ann, "#typing", "bo is typing");
    await bo.click("#send");
    await see(ann, "#log", "hello");
    await see(bo, "#log", "hello");
    await ann.waitForFunction(() => document.querySelector("#typing").textContent === "");
    assert.equal(await bo.inputValue("#text"), "");

    assert.deepEqual(await faint_texts(ann), []);
    const sequences = await ann.$$eval("#log li[data-sequence]", (rows) => rows.map((row) => row.dataset.sequence));
    assert.equal(sequences.length, 1);
    assert.match(await ann.textContent("#log li[data-sequence]"), new RegExp(`#${sequences[0]}`));

    await bo.close();
    await see(ann, "#log", "bo left");
    assert.equal(await ann.$$eval("#members li", (rows) => rows.length), 1);
    assert.deepEqual(ann.complaints, []);
    const ours = [daemon.url("/", "http"), daemon.url("/ws"), "data:"];
    assert.deepEqual(ann.asked.filter((url) => !ours.some((begin) => url.startsWith(begin))), []);
  }));

test("what others write is text and never becomes markup", () =>
  with_daemon(async (daemon) => {
    const name = "<b>eve</b>";
    const attack = '<img src=x onerror="document.title=1">';
    const ann = await enter(daemon, "ann", "lobby");
    const eve = await enter(daemon, name, "lobby");
    await eve.fill("#text", attack);
    await eve.press("#text", "Enter");
    await see(ann, "#log", attack);
    await see(ann, "#members", name);
    assert.equal(await ann.$$eval("#log img, #log b, #members b", (found) => found.length), 0);
    assert.equal(await ann.title(), "ringroom");
    assert.deepEqual(ann.complaints, []);
  }));

test("people in another room hear nothing", () =>
  with_daemon(async (daemon) => {
    const ann = await enter(daemon, "ann", "lobby");
    const bo = await enter(daemon, "bo", "attic");
    await bo.fill("#text", "secret");
    await bo.press("#text", "Enter");
    await see(bo, "#log", "secret");
    // Ann's own message comes after it in time, so once it is here the other would be, too.
    await ann.fill("#text", "mine");
    await ann.press("#text", "Enter");
    await see(ann, "#log", "mine");
    assert(!(await ann.textContent("#log")).includes("secret"));
    assert(!(await ann.textContent("#members")).includes("bo"));
  }));

test("the page comes back by itself after the server was restarted", async () => {
  const first = await Daemon.start();
  const ann = await enter(first, "ann", "lobby");
  const port = first.address;
  await first.stop();
  await ann.waitForSelector("#status[data-state=waiting], #status[data-state=connecting]");
  await with_daemon(async () => {
    await ann.waitForSelector("#status[data-state=joined]");
    await ann.fill("#text", "still here");
    await ann.press("#text", "Enter");
    await see(ann, "#log", "still here");
    assert.deepEqual(ann.complaints, []);
  }, "--listen", port);
});

test("leaving is seen by others and can be taken back", () =>
  with_daemon(async (daemon) => {
    const ann = await enter(daemon, "ann", "lobby");
    const bo = await enter(daemon, "bo", "lobby");
    await see(ann, "#members", "bo");
    await bo.click("#join");
    await bo.waitForSelector("#status[data-state=idle]");
    await see(ann, "#log", "bo left");
    await bo.click("#join");
    await bo.waitForSelector("#status[data-state=joined]");
    await see(ann, "#members", "bo");
  }));

test("a token in the address says who one is and what one may", () =>
  with_daemon(
    async (daemon) => {
      const ann = await enter(daemon, "mallory", "lobby", `#token=${make_token("ann", "lobby=join")}`);
      await see(ann, "#status", "in lobby as ann");
      await ann.fill("#text", "hi");
      await ann.press("#text", "Enter");
      await see(ann, "#log", "publish");
      assert.equal(await ann.$$eval("#log .warning", (notes) => notes.length), 1);
      assert(ann.asked.every((url) => !url.includes("token=")), "a token must not stand in a request line");
    },
    "--insecure-dev=false",
    "--token-hmac-secret",
    secret,
  ));

test("who is refused is told so and does not come back by itself", () =>
  with_daemon(
    async (daemon) => {
      const page = await open(daemon.url("/", "http") + "#token=a.b.c");
      await page.click("#join");
      await page.waitForSelector("#status[data-state=refused]");
      assert.equal(await page.textContent("#join"), "Join");
      assert.equal(page.asked.filter((url) => url.startsWith("ws")).length, 1);
    },
    "--insecure-dev=false",
    "--token-hmac-secret",
    secret,
  ));
