// The real program, started for one test and ended by its process id (see daemon.py).
//
//   const daemon = await Daemon.start();  ...  await daemon.stop();

import { execFileSync, spawn } from "node:child_process";
import { strict as assert } from "node:assert";
import { once } from "node:events";

const start_ms = 30_000; // a sanitized program on a busy machine
const stop_ms = 30_000;
const complaints = ["ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "check failed"];

const program = process.env.RINGROOM;
assert(program, "set RINGROOM to the program under test, for example build/release/ringroom");

// Variables RINGROOM_* are options of the program; those of this shell are not meant for tests.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("RINGROOM_")),
);
environment.RINGROOM_DRAIN_MS = "0"; // nobody waits for the clients of a test

// What a subcommand prints; throws if it fails.
export function run(flags, variables = {}) {
  return execFileSync(program, flags, { env: { ...environment, ...variables }, encoding: "utf8" });
}

// Rejects when the deadline comes first, and says what was waited for.
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class Daemon {
  static async start(...flags) {
    const daemon = new Daemon();
    daemon.said = "";
    daemon.log = "";
    daemon.process = spawn(
      program,
      ["serve", "--listen", "127.0.0.1:0", "--insecure-dev", ...flags],
      { stdio: ["ignore", "pipe", "pipe"], env: environment },
    );
    daemon.ended = once(daemon.process, "exit");
    daemon.process.stderr.on("data", (data) => (daemon.log += data));
    const ready = new Promise((done, fail) => {
      daemon.process.stdout.on("data", (data) => {
        daemon.said += data;
        const found = /ready on http:\/\/([^/\s]+)\//.exec(daemon.said);
        if (found) done(found[1]);
      });
      daemon.ended.then(() => fail(new Error(`the daemon ended: ${daemon.said}${daemon.log}`)));
    });
    try {
      daemon.address = await within(start_ms, "the daemon to get ready", ready);
    } catch (error) {
      daemon.process.kill("SIGKILL");
      throw error;
    }
    return daemon;
  }

  url(path, scheme = "ws") {
    return `${scheme}://${this.address}${path}`;
  }

  async stop(signal = "SIGTERM") {
    this.process.kill(signal);
    try {
      const [code] = await within(stop_ms, "the daemon to end", this.ended);
      for (const complaint of complaints) assert(!this.log.includes(complaint), this.log);
      if (signal !== "SIGKILL") assert.equal(code, 0, this.log);
    } catch (error) {
      this.process.kill("SIGKILL");
      throw error;
    }
  }
}
