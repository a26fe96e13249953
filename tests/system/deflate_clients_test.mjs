// permessage-deflate as the `ws` package of npm speaks it, in every form that it can ask for.

import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { after, before, test } from "node:test";
import WebSocket from "ws";

import { Daemon, within } from "./daemon.mjs";

const deadline_ms = 30_000;
const max_bytes = 1 << 20;

// Threshold 0: whatever is sent goes out compressed.
const forms = {
  "plain": { threshold: 0 },
  "windows as the server likes": { threshold: 0, clientMaxWindowBits: true },
  "no takeover by the client": { threshold: 0, clientNoContextTakeover: true },
  "no takeover by the server": { threshold: 0, serverNoContextTakeover: true },
  "no takeover by either": {
    threshold: 0,
    clientNoContextTakeover: true,
    serverNoContextTakeover: true,
  },
  "compressed above 1 KiB only": {},
};
for (let bits = 9; bits <= 15; ++bits) {
  forms[`window of the server ${bits}`] = { threshold: 0, serverMaxWindowBits: bits };
  forms[`window of the client ${bits}`] = { threshold: 0, clientMaxWindowBits: bits };
  forms[`windows of ${bits} without takeover`] = {
    threshold: 0,
    serverMaxWindowBits: bits,
    clientMaxWindowBits: bits,
    clientNoContextTakeover: true,
    serverNoContextTakeover: true,
  };
}

// A connection that hands out what it received in order.
class Connection {
  static async open(daemon, path, perMessageDeflate) {
    const connection = new Connection();
    connection.received = [];
    connection.waiting = [];
    connection.socket = new WebSocket(daemon.url(path), {
      perMessageDeflate,
      maxPayload: 0,
    });
    connection.socket.on("message", (data, is_binary) => {
      connection.received.push({ data, is_binary });
      connection.waiting.splice(0).forEach((wake) => wake());
    });
    await within(deadline_ms, "the upgrade", once(connection.socket, "open"));
    return connection;
  }

  get compresses() {
    return this.socket.extensions === "permessage-deflate";
  }

  take() {
    const search = async () => {
      while (this.received.length === 0)
        await new Promise((wake) => this.waiting.push(wake));
      return this.received.shift();
    };
    return within(deadline_ms, "a message", search());
  }

  async echoes(message) {
    this.socket.send(message);
    const { data, is_binary } = await this.take();
    assert.equal(is_binary, typeof message !== "string");
    assert.ok(data.equals(Buffer.from(message)), `${data.length} of ${message.length} bytes`);
  }

  async close() {
    const closed = once(this.socket, "close");
    this.socket.close(1000);
    const [code] = await within(deadline_ms, "the close", closed);
    assert.equal(code, 1000);
  }
}

const json = (bytes) => {
  let text = "";
  for (let i = 0; text.length < bytes; ++i)
    text += JSON.stringify({ symbol: `S${i % 97}`, price: (i * 7919) % 1000, up: i % 3 === 0 });
  return text.slice(0, bytes);
};

// Each echo, and the rooms further down, with contexts that the server keeps and without.
const modes = { afresh: [], "with contexts": ["--compression-context-takeover"] };

let daemon;
const daemons = {};
before(async () => {
  for (const [mode, flags] of Object.entries(modes))
    daemons[mode] = await Daemon.start("--cores", "1", "--echo", "--max-message-bytes", `${max_bytes}`, ...flags);
  daemon = daemons.afresh;
});
after(async () => {
  for (const each of Object.values(daemons)) await each.stop();
});

async function metric(name) {
  const text = await (await fetch(daemon.url("/metrics", "http"))).text();
  return Number(new RegExp(`^ringroom_${name} (\\d+)$`, "m").exec(text)[1]);
}

for (const mode of Object.keys(modes)) {
  for (const [name, form] of Object.entries(forms)) {
    test(`echo ${mode}, ${name}`, async () => {
      const client = await Connection.open(daemons[mode], "/echo", form);
      assert.ok(client.compresses);
      for (const bytes of [0, 1, 16, 64, 255, 256, 257, 512, 1024, 4096, 8192, 16384, 32768, 65536, 131072]) {
        await client.echoes(json(bytes));
        await client.echoes("x".repeat(bytes));
        await client.echoes(randomBytes(bytes));
        await client.echoes(Buffer.alloc(bytes));
      }
      await client.close();
    });
  }
}

test("echo of the longest messages and not one byte more", async () => {
  for (const form of [{ threshold: 0 }, false]) {
    const client = await Connection.open(daemon, "/echo", form);
    assert.equal(client.compresses, form !== false);
    await client.echoes(json(max_bytes));
    await client.echoes(randomBytes(max_bytes));
    await client.echoes(Buffer.alloc(max_bytes));
    const closed = once(client.socket, "close");
    client.socket.send(Buffer.alloc(max_bytes + 1));
    const [code] = await within(deadline_ms, "the close", closed);
    assert.equal(code, 1009);
  }
});

for (const mode of Object.keys(modes)) {
  test(`many messages on one connection ${mode}, several on the way at once`, async () => {
    const client = await Connection.open(daemons[mode], "/echo", { threshold: 0 });
    for (const bytes of [16, 256, 1024, 8192]) {
      const messages = Array.from({ length: 200 }, (_, i) => `${i}:${json(bytes)}`);
      for (const message of messages) client.socket.send(message);
      for (const message of messages) assert.equal(String((await client.take()).data), message);
    }
    await client.close();
  });
}

for (const mode of Object.keys(modes)) {
  test(`fragments of a compressed message are put together ${mode}`, async () => {
    const client = await Connection.open(daemons[mode], "/echo", { threshold: 0 });
    const text = json(50_000);
    for (const pieces of [2, 7, 100]) {
      const step = Math.ceil(text.length / pieces);
      for (let at = 0; at < text.length; at += step)
        client.socket.send(text.slice(at, at + step), { fin: at + step >= text.length });
      assert.equal(String((await client.take()).data), text);
    }
    await client.close();
  });
}

test("echo compresses its answer above the threshold and counts it", async () => {
  const client = await Connection.open(daemon, "/echo", { threshold: 0 });
  const before = await metric("deflate_messages_total");
  await client.echoes(json(255));
  assert.equal(await metric("deflate_messages_total"), before);
  const [bytes_in, bytes_out] = [
    await metric("deflate_bytes_in_total"),
    await metric("deflate_bytes_out_total"),
  ];
  await client.echoes("x".repeat(256));
  assert.equal(await metric("deflate_messages_total"), before + 1);
  assert.equal(await metric("deflate_bytes_in_total"), bytes_in + 256);
  assert.ok((await metric("deflate_bytes_out_total")) < bytes_out + 64);
  await client.close();
});

test("a window of 8 is kept with messages that fit", async () => {
  for (const mode of Object.keys(modes)) {
    const client = await Connection.open(daemons[mode], "/echo", { threshold: 0, serverMaxWindowBits: 8 });
    assert.ok(client.compresses);
    for (const bytes of [16, 256, 257, 10_000]) await client.echoes(json(bytes));
    await client.close();
  }
});

for (const mode of Object.keys(modes)) {
  for (const cores of ["1", "2"]) {
    test(`a room hears the same compressed ${mode} or not, on ${cores} core(s)`, async () => {
      const rooms = await Daemon.start("--cores", cores, ...modes[mode]);
      try {
        // In the mode with contexts some still start afresh: those that ask for it.
        const each = [false, { threshold: 0 }, { serverMaxWindowBits: 10 }, false, {}, { threshold: 0 },
          { serverNoContextTakeover: true }];
        const members = [];
        for (const [i, form] of each.entries()) {
          const member = await Connection.open(rooms, `/ws?user=u${i}`, form);
          assert.equal(JSON.parse((await member.take()).data).type, "connection_ack");
          member.socket.send(JSON.stringify({ type: "join_room", message_id: "j", room: "lobby" }));
          for (;;) if (JSON.parse((await member.take()).data).type === "room_joined") break;
          members.push(member);
        }
        const next = async (member) => {
          for (;;) {
            const text = String((await member.take()).data);
            if (JSON.parse(text).type === "room_message") return text;
          }
        };
        for (const [i, bytes] of [0, 10, 200, 300, 2000, 20_000, 50_000].entries()) {
          const speaker = members[i % members.length];
          // A burst: several publications of one turn travel as one run of frames.
          for (let n = 0; n < 5; ++n)
            speaker.socket.send(
              JSON.stringify({ type: "room_message", room: "lobby", payload: { n, text: json(bytes) } }),
            );
          for (let n = 0; n < 5; ++n) {
            const heard = [];
            for (const member of members) heard.push(await next(member));
            assert.equal(JSON.parse(heard[0]).payload.n, n);
            assert.equal(JSON.parse(heard[0]).payload.text, json(bytes));
            for (const text of heard) assert.equal(text, heard[0]);
          }
        }
        const text = await (await fetch(rooms.url("/metrics", "http"))).text();
        const total = Number(/^ringroom_deflate_messages_total (\d+)$/m.exec(text)[1]);
        const publications = Number(/^ringroom_publish_total (\d+)$/m.exec(text)[1]);
        assert.equal(publications, 35);
        // Once for all that start afresh; of the smallest ten, some are below the threshold.
        assert.ok(total >= 20 && total <= publications, `${total} compressed`);
        for (const member of members) await member.close();
      } finally {
        await rooms.stop();
      }
    });
  }
}

test("a raw room hears the same bytes, text and binary, compressed or not", async () => {
  const listeners = [];
  for (const form of [{ threshold: 0 }, false, { serverMaxWindowBits: 9 }])
    listeners.push(await Connection.open(daemon, "/raw/pictures?mode=subscribe", form));
  const speaker = await Connection.open(daemon, "/raw/pictures?mode=both", { threshold: 0 });
  for (const message of [json(10), json(5000), Buffer.alloc(5000), randomBytes(5000), Buffer.alloc(0)]) {
    speaker.socket.send(message);
    for (const listener of [...listeners, speaker]) {
      const { data, is_binary } = await listener.take();
      assert.equal(is_binary, typeof message !== "string");
      assert.ok(data.equals(Buffer.from(message)));
    }
  }
});

test("switched off, no offer is answered", async () => {
  const plain = await Daemon.start("--cores", "1", "--echo", "--compression=false");
  try {
    const client = await Connection.open(plain, "/echo", { threshold: 0 });
    assert.equal(client.socket.extensions, "");
    await client.echoes(json(10_000));
    await client.close();
  } finally {
    await plain.stop();
  }
});
