// The `ws` package of npm in every dialect, all in one room, plain and compressed.

import { strict as assert } from "node:assert";
import { once } from "node:events";
import { test } from "node:test";
import WebSocket from "ws";

import { Daemon, within } from "./daemon.mjs";

const deadline_ms = 30_000;

// What the binary dialect calls the types used here (docs/protocol.md).
const types = { room_message: 1, connection_ack: 11, join_room: 12, room_joined: 13, ack: 7 };
const names = Object.fromEntries(Object.entries(types).map(([name, number]) => [number, name]));

const varint = (value) => {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
};
const sized = (bytes) => Buffer.concat([varint(bytes.length), bytes]);

function encode({ type, room, room_id = 0, payload, raw }) {
  let flags = 0;
  const parts = [varint(room_id), varint(types[type])];
  if (room !== undefined) {
    flags |= 128;
    parts.push(sized(Buffer.from(JSON.stringify({ room }))));
  }
  if (raw !== undefined) flags |= 32;
  parts.push(raw ?? Buffer.from(JSON.stringify(payload ?? {})));
  return Buffer.concat([Buffer.from([0x11, flags]), ...parts]);
}

function decode(data) {
  assert.equal(data[0], 0x11);
  const flags = data[1];
  let at = 2;
  const number = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = data[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const text = (size) => data.subarray(at, (at += size)).toString();
  const message = { room_id: number() };
  const type = number();
  message.type = type === 0 ? text(number()) : (names[type] ?? `type ${type}`);
  if (flags & 1) message.sequence = number();
  if (flags & 2) at += flags & 64 ? number() : 16;
  if (flags & 4) text(number() || 16);
  if (flags & 8) message.sender = text(number());
  if (flags & 16) at += 6;
  if (flags & 128) Object.assign(message, JSON.parse(text(number())));
  const rest = data.subarray(at);
  message.payload = flags & 32 ? Buffer.from(rest) : JSON.parse(rest);
  return message;
}

class Client {
  static async open(daemon, dialect, compressed) {
    const client = Object.assign(new Client(), { dialect, waiting: [], received: [] });
    const path = `/ws?user=${dialect}-${compressed}` + (dialect === "event" ? "&dialect=event" : "");
    client.socket = new WebSocket(daemon.url(path), dialect === "binary" ? ["ringroom.v1.bin"] : [], {
      perMessageDeflate: compressed,
    });
    client.socket.on("message", (data, is_binary) => {
      assert.equal(is_binary, dialect === "binary");
      client.received.push(is_binary ? decode(data) : JSON.parse(data));
      client.waiting.splice(0).forEach((wake) => wake());
    });
    await within(deadline_ms, "the upgrade", once(client.socket, "open"));
    assert.equal(client.socket.protocol, dialect === "binary" ? "ringroom.v1.bin" : "");
    assert.equal(client.socket.extensions, compressed ? "permessage-deflate" : "");
    await client.take(dialect === "event" ? "connected" : "connection_ack");
    if (dialect === "event") client.send({ type: "subscribe", event_types: ["room_message"] });
    client.send({ type: "join_room", room: "mixed" });
    const joined = await client.take("room_joined", "mixed");
    if (dialect === "binary") client.room_id = joined.payload.room_id;
    return client;
  }

  send(message) {
    this.socket.send(this.dialect === "binary" ? encode(message) : JSON.stringify(message));
  }

  take(type, room) {
    const search = async () => {
      for (;;) {
        const at = this.received.findIndex(
          (message) => (message.type ?? message.event) === type && (!room || message.room === room),
        );
        if (at >= 0) return this.received.splice(at, 1)[0];
        await new Promise((wake) => this.waiting.push(wake));
      }
    };
    return within(deadline_ms, `${type} at ${this.dialect}`, search());
  }

  async close() {
    const closed = once(this.socket, "close");
    this.socket.close(1000);
    const [code] = await within(deadline_ms, "the close", closed);
    assert.equal(code, 1000);
  }
}

test("every dialect hears every dialect, plain and compressed", async () => {
  const daemon = await Daemon.start("--cores", "2");
  try {
    const clients = [];
    for (const dialect of ["json", "binary", "event"])
      for (const compressed of [false, true]) clients.push(await Client.open(daemon, dialect, compressed));
    let sequence = 0;
    for (const speaker of clients) {
      const said = { text: `from ${speaker.dialect} ` + "again and ".repeat(60) };
      const where = speaker.room_id === undefined ? { room: "mixed" } : { room_id: speaker.room_id };
      speaker.send({ type: "room_message", payload: said, ...where });
      ++sequence;
      for (const client of clients) {
        const heard = await client.take("room_message");
        assert.equal(heard.sequence, sequence);
        assert.deepEqual(heard.payload ?? heard.data, said);
      }
    }
    const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 251));
    const speaker = clients.find((client) => client.dialect === "binary");
    speaker.send({ type: "room_message", room_id: speaker.room_id, raw: bytes });
    for (const client of clients) {
      const { payload, data } = await client.take("room_message");
      if (client.dialect === "binary") assert.deepEqual(payload, bytes);
      else assert.deepEqual(payload ?? data, { base64: bytes.toString("base64") });
    }
    for (const client of clients) await client.close();
  } finally {
    await daemon.stop();
  }
});

test("the other kind of frame closes its own connection only", async () => {
  const daemon = await Daemon.start("--cores", "1");
  try {
    for (const dialect of ["json", "binary", "event"]) {
      const [wrong, right] = [await Client.open(daemon, dialect, false), await Client.open(daemon, dialect, true)];
      const closed = once(wrong.socket, "close");
      wrong.socket.send(dialect === "binary" ? "{}" : Buffer.from([0x11, 0, 0, 16]));
      const [code] = await within(deadline_ms, "the close", closed);
      assert.equal(code, 1003);
      right.send({ type: "room_message", payload: { text: "here" }, room: "mixed" });
      await right.take("room_message");
      await right.close();
    }
  } finally {
    await daemon.stop();
  }
});
