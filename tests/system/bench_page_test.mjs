// The page of one `ringroom bench` in a real browser, after a real run. Pictures of it are kept in
// SCREENSHOTS, or build/screenshots.

import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { faint_texts, open as open_url } from "./browser.mjs";
import { Daemon } from "./daemon.mjs";

const run_ms = 60_000;
const pictures = process.env.SCREENSHOTS ?? "build/screenshots";
mkdirSync(pictures, { recursive: true });

const attack = '"><script>pwned=1</script><img src=x onerror=pwned=1>';
let folder, html, svg, report;

// One run for all tests: 6 s, so that there is something to see.
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringroom-bench-"));
  [html, svg] = [join(folder, "run.html"), join(folder, "run.svg")];
  const daemon = await Daemon.start("--cores", "1");
  try {
    const flags = {
      server: daemon.address, "server-pid": daemon.process.pid, html, svg, json: join(folder, "run.json"),
      work: "fanout", publishers: 1, subscribers: 100, rate: 500, "duration-s": 6, commit: attack,
      must: "lost = 0, duplicated = 0, misordered = 0, corrupt = 0, disconnected = 0, p99-ms < 10000, canary-lost = 0",
    };
    // One claim is not measured, and so does not hold.
    const run = promisify(execFile)(process.env.RINGROOM,
      ["bench", ...Object.entries(flags).flatMap(([key, value]) => [`--${key}`, String(value)])], { timeout: run_ms });
    await assert.rejects(run, (error) => error.code === 1 && error.stdout.includes("FAILS, 1 of 7"));
  } finally {
    await daemon.stop();
  }
  report = JSON.parse(readFileSync(join(folder, "run.json")));
  copyFileSync(html, join(pictures, "bench.html"));
  copyFileSync(svg, join(pictures, "bench.svg"));
});
after(() => rmSync(folder, { recursive: true }));

const open = (file, screen = {}) => open_url(pathToFileURL(file).href, { screen });
const picture = (page, name) => page.screenshot({ path: join(pictures, `bench-${name}.png`), fullPage: true });
const looks = [
  ["desktop", { viewport: { width: 1280, height: 900 } }],
  ["dark", { viewport: { width: 1280, height: 900 }, colorScheme: "dark" }],
  ["phone", { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 }],
];

test("the page asks for nothing, runs nothing and fits where it is read", async () => {
  for (const [name, options] of looks) {
    const page = await open(html, options);
    await picture(page, name);
    assert.deepEqual(page.asked, [pathToFileURL(html).href]);
    assert.deepEqual(page.complaints, []);
    assert.deepEqual(await faint_texts(page), []);
    assert.equal(await page.evaluate(() => document.querySelectorAll("script, img, link, iframe").length), 0);
    assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
    const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert(wide <= seen, `${wide} wide on a screen of ${seen}`);
    await page.context().close();
  }
});

test("it shows what the report says", async () => {
  const page = await open(html);
  const text = await page.evaluate(() => document.body.textContent);
  for (const shown of ["FAILS, 1 of 7", "canary-lost = 0", "not measured", report.kernel, report.machine.cpu, attack,
    report.bottleneck, "--rate 500"])
    assert(text.includes(shown), shown);
  const rows = await page.$$eval("details .wide tr", (all) => all.slice(1).map((row) => [...row.cells].map((c) => c.textContent)));
  assert.equal(rows.length, report.series.until_s.length);
  assert.equal(rows.length, 6);
  rows.forEach((row, i) => assert.equal(Number(row[2].replaceAll(",", "")), Math.round(report.series.deliveries_per_s[i])));
  assert.equal(await page.$$eval("figure svg.curve path.line", (lines) => lines.length), 1 + 3 + 1 + 2);
  // Curves are within their drawing, and every one is as wide as the run is long.
  for (const box of await page.$$eval("figure svg.curve", (all) => all.map((drawing) => {
    const outer = drawing.getBoundingClientRect();
    return [...drawing.querySelectorAll("path, text")].every((part) => {
      const inner = part.getBoundingClientRect();
      return inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.top >= outer.top - 1 &&
        inner.bottom <= outer.bottom + 1;
    });
  }))) assert(box, "something is drawn outside of its chart");
  await page.context().close();
});

test("it prints on paper", async () => {
  const page = await open(html, { colorScheme: "dark" });
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  writePdf(await page.pdf({ format: "A4" }));
  await page.context().close();
});

function writePdf(bytes) {
  const pages = bytes.toString("latin1").match(/\/Type \/Page\b/g)?.length ?? 0;
  assert(pages >= 1 && pages <= 3, `${pages} pages`);
}

test("the picture stands by itself, in light and in dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(svg, { viewport: { width: 960, height: 320 }, colorScheme });
    assert.equal(await page.evaluate(() => document.documentElement.localName), "svg");
    assert.equal(await page.evaluate(() => document.querySelectorAll("path.line").length), 2);
    assert.deepEqual(page.asked, [pathToFileURL(svg).href]);
    assert.deepEqual(page.complaints, []);
    await page.screenshot({ path: join(pictures, `bench-svg-${colorScheme}.png`) });
    await page.context().close();
  }
});
