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

// Texts that are seen and have less contrast to what is behind them than 4.5 (WCAG AA), as "3.9: text".
export const faint_texts = (page) =>
  page.evaluate(() => {
    const channels = (color) => {
      const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
      return { rgb: [red, green, blue], alpha };
    };
    const luminance = (rgb) => {
      const [red, green, blue] = rgb.map((each) => {
        const part = each / 255;
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground_of = (element) => {
      for (let each = element; each; each = each.parentElement) {
        const { rgb, alpha } = channels(getComputedStyle(each).backgroundColor);
        if (alpha === 1) return rgb;
      }
      return [255, 255, 255];
    };
    const faint = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent.trim();
      // What cannot be pressed may be faint.
      if (!text || !element.checkVisibility() || element.closest(":disabled, .hidden")) continue;
      const [dark, bright] = [channels(getComputedStyle(element).color).rgb, ground_of(element)].map(luminance).sort((a, b) => a - b);
      const contrast = (bright + 0.05) / (dark + 0.05);
      if (contrast < 4.5) faint.push(`${contrast.toFixed(1)}: ${text}`);
    }
    return faint;
  });

// Until that element has that text in it.
export const see = (page, selector, text) =>
  page.waitForFunction(([where, what]) => document.querySelector(where).textContent.includes(what), [selector, text]);
