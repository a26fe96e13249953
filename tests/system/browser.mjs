// Pages in a real browser: one Chromium for all tests of a file, and a profile of its own for every page.
//
//   const page = await open(url, { forgives: "401" });
//   ...
//   assert.deepEqual(page.complaints, []);

import { after, before } from "node:test";
import { chromium } from "playwright-core";

export const deadline_ms = 30_000;

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
});
after(() => browser?.close());

// A page as another person would have it. `complaints`: what the browser holds against it, but for
// lines of its console with `forgives` in them, which the browser says by itself and the test is
// about. `asked`: every address it has asked for. `screen`: options of the profile, as playwright
// has them.
export async function open(url, { forgives, screen = {} } = {}) {
  const context = await browser.newContext(screen);
  context.setDefaultTimeout(deadline_ms);
  const page = await context.newPage();
  page.complaints = [];
  page.asked = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (line) => {
    if (line.type() === "error" && !(forgives && line.text().includes(forgives))) page.complaints.push(line.text());
  });
  page.on("request", (request) => page.asked.push(request.url()));
  page.on("websocket", (socket) => page.asked.push(socket.url()));
  await page.goto(url);
  return page;
}

// Until that element has that text in it.
export const see = (page, selector, text) =>
  page.waitForFunction(([where, what]) => document.querySelector(where).textContent.includes(what), [selector, text]);
