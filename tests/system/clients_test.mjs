// The `ws` package of npm as a client.

import { strict as assert } from "node:assert";
import { once } from "node:events";
import { test } from "node:test";
import WebSocket from "ws";

import { Daemon, within } from "./daemon.mjs";

const deadline_ms = 10_000;

// A connection with what it received so far; take() waits for a message of a type.
class Client {
  static async open(daemon, path) {
    const client = new Client();
    client.waiting = [];
    client.received = [];
    client.socket = new WebSocket(daemon.url(path));
    client.socket.on("message", (data) => {
      client.received.push(JSON.parse(data));
      client.waiting.splice(0).forEach((wake) => wake());
    });
    await within(deadline_ms, "the upgrade", once(client.socket, "open"));
    return client;
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  take(type) {
    const search = async () => {
      for (;;) {
        const at = this.received.findIndex((message) => message.type === type);
        if (at >= 0) return this.received.splice(at, 1)[0];
        await new Promise((wake) => this.waiting.push(wake));
      }
    };
    return within(deadline_ms, type, search());
  }

  async close() {
    const closed = once(this.socket, "close");
    this.socket.close(1000);
    const [code] = await within(deadline_ms, "the close", closed);
    return code;
  }
}

test("a message reaches its room and is acknowledged to its sender", async () => {
  const daemon = await Daemon.start("--cores", "1");
  try {
    const ann = await Client.open(daemon, "/ws?user=ann");
    const ack = await ann.take("connection_ack");
    assert.equal(ack.payload.user_id, "ann");
    ann.send({ type: "join_room", message_id: "1", room: "lobby", payload: {} });
    const joined = await ann.take("room_joined");
    assert.equal(joined.correlation_id, "1");
    ann.send({ type: "room_message", message_id: "2", room: "lobby", payload: { text: "hi" } });
    const [heard, acked] = [await ann.take("room_message"), await ann.take("ack")];
    assert.equal(heard.payload.text, "hi");
    assert.equal(heard.sequence, acked.payload.sequence);
    assert.equal(acked.correlation_id, "2");
    assert.equal(await ann.close(), 1000);
  } finally {
    await daemon.stop();
  }
});
