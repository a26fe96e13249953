// Tokens of another maker (npm `jose`), by every way a client can bring one, against the real
// program: who comes in, until when, and who does not.

import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SignJWT, exportJWK, exportPKCS8, exportSPKI, generateKeyPair, generateSecret } from "jose";
import WebSocket from "ws";

import { Daemon, run, within } from "./daemon.mjs";

const deadline_ms = 30_000;
const folder = mkdtempSync(join(tmpdir(), "ringroom-tokens-"));
after(() => rmSync(folder, { recursive: true }));

const algorithms = [
  "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
  "ES256", "ES384", "EdDSA",
];

// What is known of a key to who signs (`sign`), and what the server gets (`jwk`, `pem`).
async function make_key(alg, kid = alg) {
  if (alg.startsWith("HS")) {
    const sign = await generateSecret(alg, { extractable: true });
    return { alg, kid, sign, jwk: { ...(await exportJWK(sign)), alg, kid } };
  }
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return {
    alg, kid, sign: privateKey,
    jwk: { ...(await exportJWK(publicKey)), alg, kid, use: "sig" },
    pem: await exportSPKI(publicKey),
    private_pem: await exportPKCS8(privateKey),
  };
}

const now_s = () => Math.floor(Date.now() / 1000);

function token_of(key, claims = {}, header = {}) {
  return new SignJWT({
    sub: "ann", iat: now_s(), exp: now_s() + 3600,
    rooms: { "*": ["join", "publish", "presence", "history"] }, ...claims,
  })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.sign);
}

let files = 0;
function file_of(text) {
  const path = join(folder, `${++files}`);
  writeFileSync(path, text);
  return path;
}
const jwks_of = (...keys) => JSON.stringify({ keys: keys.map((key) => key.jwk) });
const jwks_file = (...keys) => file_of(jwks_of(...keys));

const strict = ["--cores", "2", "--insecure-dev=false", "--log-level", "debug"];

async function with_daemon(body, ...flags) {
  const daemon = await Daemon.start(...strict, ...flags);
  try {
    await body(daemon);
  } finally {
    await daemon.stop();
  }
}

// A WebSocket that keeps what it hears until it is taken.
class Client {
  constructor(daemon, path, protocols, options) {
    this.heard = [];
    this.wake = () => {};
    this.socket = new WebSocket(daemon.url(path), protocols, options);
    this.socket.on("upgrade", (response) => (this.response = response));
    this.socket.on("message", (data) => {
      this.heard.push(JSON.parse(data));
      this.wake();
    });
    this.socket.on("error", (error) => (this.error = error));
    this.closed = new Promise((done) =>
      this.socket.on("close", (code, reason) => {
        this.code = code;
        this.wake();
        done({ code, reason: reason.toString(), at_ms: Date.now() });
      }));
  }

  take(type, fits = () => true) {
    const search = async () => {
      for (;;) {
        const at = this.heard.findIndex((message) => message.type === type && fits(message));
        if (at >= 0) return this.heard.splice(at, 1)[0];
        assert(this.code === undefined, `closed with ${this.code} instead of ${type}: ${JSON.stringify(this.heard)}`);
        await new Promise((wake) => (this.wake = wake));
      }
    };
    return within(deadline_ms, type, search());
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  // The answer to this message, whatever its type.
  async ask(message) {
    this.count = (this.count ?? 0) + 1;
    const message_id = `m${this.count}`;
    this.send({ ...message, message_id });
    const search = async () => {
      for (;;) {
        const at = this.heard.findIndex((heard) => heard.correlation_id === message_id);
        if (at >= 0) return this.heard.splice(at, 1)[0];
        assert(this.code === undefined, `closed with ${this.code}`);
        await new Promise((wake) => (this.wake = wake));
      }
    };
    return within(deadline_ms, `the answer to ${message.type}`, search());
  }

  end() {
    return within(deadline_ms, "the close", this.closed);
  }
}

async function enter(daemon, token, path = `/ws?token=${token}`) {
  const client = new Client(daemon, path);
  client.ack = await client.take("connection_ack");
  return client;
}

// The error and the close code of somebody who is not let in.
async function refusal(daemon, token, path = `/ws?token=${token}`, protocols, options) {
  const client = new Client(daemon, path, protocols, options);
  const { code } = await client.end();
  assert(!client.heard.some((message) => message.type === "connection_ack"), "it was let in");
  const error = client.heard.find((message) => message.type === "error_message");
  return { code, error: error?.payload.code, message: error?.payload.message };
}

async function api(daemon, path, body) {
  const answer = await fetch(daemon.url(path, "http"), {
    method: "POST", body: JSON.stringify(body), headers: { Authorization: "Bearer key" },
  });
  return { status: answer.status, body: await answer.json() };
}

async function metric(daemon, name) {
  const text = await (await fetch(daemon.url("/metrics", "http"))).text();
  return Number(new RegExp(`^ringroom_${name} (\\S+)$`, "m").exec(text)[1]);
}

async function until(what, condition) {
  const poll = async () => {
    while (!(await condition())) await new Promise((wake) => setTimeout(wake, 20));
  };
  return within(deadline_ms, what, poll());
}

// ---- keys

test("a token of every algorithm is taken by its JWK, and none by another key of its name", async () => {
  const keys = await Promise.all(algorithms.map((alg) => make_key(alg)));
  await with_daemon(async (daemon) => {
    for (const key of keys) {
      const client = await enter(daemon, await token_of(key, { sub: `user-${key.alg}` }));
      assert.equal(client.ack.payload.user_id, `user-${key.alg}`);
      client.socket.terminate();
      const other = await make_key(key.alg);
      assert.deepEqual(await refusal(daemon, await token_of(other)), {
        code: 4401, error: "unauthorized",
        message: "the token's signature is wrong: sign it with the key that this server was given",
      });
    }
    // Signed well, by the algorithm of another key.
    for (const key of keys)
      for (const kid of ["ES256", "HS512"].filter((name) => name !== key.alg))
        assert.match((await refusal(daemon, await token_of(key, {}, { kid }))).message, /`alg`/);
    for (const key of keys)
      assert(!daemon.log.includes(key.jwk.k ?? key.jwk.x ?? key.jwk.n), "a key stands in the log");
  }, "--token-jwks-file", jwks_file(...keys));
});

test("a public key as PEM is enough, with and without a name", async () => {
  const keys = await Promise.all(["RS256", "PS512", "ES384", "EdDSA"].map((alg) => make_key(alg)));
  const unnamed = await make_key("ES256", undefined);
  const flags = [
    ...keys.map((key) => `${key.alg}:${key.kid}:${file_of(key.pem)}`),
    `ES256:${file_of(unnamed.pem)}`,
  ].join(",");
  await with_daemon(async (daemon) => {
    for (const key of [...keys, unnamed]) (await enter(daemon, await token_of(key))).socket.terminate();
  }, "--token-key-files", flags);
  const told = (flag, path) => {
    try {
      run(["config", "check", flag, path]);
    } catch (error) {
      return `${error.status} ${error.stderr}`;
    }
    return "accepted";
  };
  assert.match(told("--token-key-files", `ES256:${file_of(keys[2].pem)}`), /^2 .*another kind/);
  assert.match(told("--token-key-files", `ES384:${file_of(keys[2].private_pem)}`), /^2 .*private/);
  assert.match(told("--token-key-files", `HS256:${file_of(keys[2].pem)}`), /^2 .*ALGORITHM/);
  assert.match(told("--token-key-files", "ES256:/nonexistent"), /^2 .*cannot be read/);
  assert.match(told("--token-jwks-file", file_of("{}")), /^2 .*no JWK/);
  assert.equal(told("--token-jwks-file", jwks_file(keys[0])), "accepted");
});

test("SIGHUP brings new keys, and broken ones change nothing", async () => {
  const [old_key, new_key] = [await make_key("ES256", "old"), await make_key("EdDSA", "new")];
  const path = jwks_file(old_key);
  await with_daemon(async (daemon) => {
    const client = await enter(daemon, await token_of(old_key));
    assert.equal((await refusal(daemon, await token_of(new_key))).code, 4401);
    const hangup = async (text, said) => {
      daemon.log = "";
      writeFileSync(path, text);
      daemon.process.kill("SIGHUP");
      await until(said, () => daemon.log.includes(said));
    };
    await hangup("{", "stays as it was");
    (await enter(daemon, await token_of(old_key))).socket.terminate();
    await hangup(jwks_of(new_key), "read anew");
    (await enter(daemon, await token_of(new_key))).socket.terminate();
    assert.equal((await refusal(daemon, await token_of(old_key))).code, 4401);
    // Who is here stays, until its token ends.
    assert.equal((await client.ask({ type: "ping" })).type, "pong");
    client.socket.terminate();
  }, "--token-jwks-file", path);
});

// ---- ways to bring one

test("a token comes by header, query, subprotocol, cookie or first message, and never goes back", async () => {
  const key = await make_key("ES256");
  const token = await token_of(key);
  await with_daemon(async (daemon) => {
    const ways = {
      header: ["/ws", undefined, { headers: { Authorization: `Bearer ${token}` } }],
      query: [`/ws?token=${token}`],
      subprotocol: ["/ws", ["ringroom.v1.json", `ringroom.token.${token}`]],
      "subprotocol first": ["/ws", [`ringroom.token.${token}`, "ringroom.v1.json"]],
      cookie: ["/ws", undefined, { headers: { Cookie: `theme=dark; session="${token}"; x=y` } }],
      "cookie of our page": ["/ws", undefined, { headers: { Cookie: `session=${token}` }, origin: daemon.url("", "http") }],
    };
    for (const [way, [path, protocols, options]] of Object.entries(ways)) {
      const client = new Client(daemon, path, protocols, options);
      const ack = await client.take("connection_ack");
      assert.equal(ack.payload.user_id, "ann", way);
      assert.equal(client.socket.protocol, way.startsWith("subprotocol") ? "ringroom.v1.json" : "", way);
      assert(!JSON.stringify([client.response.headers, ack]).includes(token), way);
      client.socket.terminate();
    }
    const first = new Client(daemon, "/ws");
    await within(deadline_ms, "open", once(first.socket, "open"));
    const answer = await first.ask({ type: "connect", payload: { token } });
    assert.equal(answer.type, "connection_ack");
    first.socket.terminate();
    assert(!daemon.log.includes(token.split(".")[2]), "a token stands in the log");
  }, "--token-jwks-file", jwks_file(key), "--token-cookie", "session");
});

test("a cookie counts for no foreign page, and for none unless an option names it", async () => {
  const key = await make_key("ES256");
  const headers = { Cookie: `session=${await token_of(key)}` };
  await with_daemon(async (daemon) => {
    for (const origin of ["https://evil.example", "null",
      `http://${daemon.address.replace(":", ".evil.example:")}`, "http://127.0.0.1:1"])
      assert.equal((await refusal(daemon, "", "/ws", undefined, { headers, origin })).code, 4408, origin);
  }, "--token-jwks-file", jwks_file(key), "--token-cookie", "session", "--hello-timeout-ms", "100ms",
    "--allowed-origin", "*");
  await with_daemon(async (daemon) => {
    assert.equal((await refusal(daemon, "", "/ws", undefined, { headers })).code, 4408);
  }, "--token-jwks-file", jwks_file(key), "--hello-timeout-ms", "100ms");
});

test("who offers only a token as subprotocol gets none chosen", async () => {
  const key = await make_key("ES256");
  const token = await token_of(key);
  await with_daemon(async (daemon) => {
    const answer = new Client(daemon, "/ws", [`ringroom.token.${token}`]);
    await answer.end();
    assert(!answer.response?.headers["sec-websocket-protocol"]);
  }, "--token-jwks-file", jwks_file(key));
});

test("who says nothing is closed with 4408, and who says too much before with 4401", async () => {
  const key = await make_key("ES256");
  await with_daemon(async (daemon) => {
    assert.equal((await refusal(daemon, "", "/ws")).code, 4408);
    const hasty = new Client(daemon, "/ws");
    await within(deadline_ms, "open", once(hasty.socket, "open"));
    hasty.send({ type: "join_room", message_id: "1", room: "lobby" });
    assert.equal((await hasty.end()).code, 4401);
    const wrong = new Client(daemon, "/ws");
    await within(deadline_ms, "open", once(wrong.socket, "open"));
    wrong.send({ type: "connect", message_id: "1", payload: { token: "a.b.c" } });
    assert.equal((await wrong.end()).code, 4401);
  }, "--token-jwks-file", jwks_file(key), "--hello-timeout-ms", "300ms");
});

// ---- time

test("audience, issuer and times are what they have to be", async () => {
  const key = await make_key("ES256");
  await with_daemon(async (daemon) => {
    const good = { aud: ["x", "edge"], iss: "https://id.example" };
    (await enter(daemon, await token_of(key, good))).socket.terminate();
    for (const [claims, word] of [
      [{ ...good, aud: "other" }, /`aud`/], [{ ...good, aud: undefined }, /`aud`/],
      [{ ...good, iss: "https://id.example/" }, /`iss`/], [{ ...good, iss: undefined }, /`iss`/],
      [{ ...good, exp: now_s() - 31 }, /expired/], [{ ...good, nbf: now_s() + 60 }, /`nbf`/],
      [{ ...good, iat: now_s() + 60 }, /`iat`/], [{ ...good, exp: undefined }, /`exp`/],
      [{ ...good, sub: undefined }, /`sub`/],
    ])
      assert.match((await refusal(daemon, await token_of(key, claims))).message, word, JSON.stringify(claims));
    assert.equal((await refusal(daemon, await token_of(key, { ...good, exp: 1 }))).error, "token_expired");
  }, "--token-jwks-file", jwks_file(key), "--token-audience", "edge", "--token-issuer", "https://id.example");
});

test("a connection is warned, and ends within a second of its token", async () => {
  const key = await make_key("ES256");
  await with_daemon(async (daemon) => {
    const exp = now_s() + 4;
    const client = await enter(daemon, await token_of(key, { exp }));
    const warning = await client.take("system_message");
    assert.equal(warning.payload.code, "token_expiring");
    assert(Date.now() < exp * 1000, "the warning comes before the end");
    const { code, at_ms } = await client.end();
    assert.equal(code, 4401);
    assert(at_ms >= exp * 1000, "it is served until the end");
    assert(at_ms < exp * 1000 + 1000, `closed ${at_ms - exp * 1000} ms after its end`);
    assert.equal(await metric(daemon, "tokens_expired_total"), 1);
  }, "--token-jwks-file", jwks_file(key), "--token-skew-ms", "0", "--token-expiring-ms", "2s");
});

test("a silent connection that is being pinged ends in time, too", async () => {
  const key = await make_key("ES256");
  await with_daemon(async (daemon) => {
    const exp = now_s() + 3;
    const client = await enter(daemon, await token_of(key, { exp }));
    client.socket.pong = () => {}; // it answers no ping
    const { code, at_ms } = await client.end();
    assert.equal(code, 4401);
    assert(at_ms < exp * 1000 + 1000, `closed ${at_ms - exp * 1000} ms after its end`);
  }, "--token-jwks-file", jwks_file(key), "--token-skew-ms", "0", "--token-expiring-ms", "0",
    "--ping-interval-ms", "300ms", "--pong-timeout-ms", "60s");
});

test("a fresh token in band moves the end and changes the rights", async () => {
  const key = await make_key("ES256");
  await with_daemon(async (daemon) => {
    const exp = now_s() + 4;
    const client = await enter(daemon, await token_of(key, { exp, rooms: { "*": ["join", "publish"] } }));
    for (const room of ["stays", "goes", "listens"])
      assert.equal((await client.ask({ type: "join_room", room })).type, "room_joined");
    const refused = await client.ask({ type: "refresh_token", payload: { token: await token_of(key, { sub: "bo" }) } });
    assert.equal(refused.payload.code, "forbidden");
    const wrong = await client.ask({ type: "refresh_token", payload: { token: "a.b.c" } });
    assert.equal(wrong.payload.code, "unauthorized");

    const fresh = await token_of(key, { rooms: { stays: ["join", "publish"], listens: ["join"], more: ["join"] } });
    assert.equal((await client.ask({ type: "refresh_token", payload: { token: fresh } })).type, "ack");
    assert.equal((await client.take("room_left")).payload.reason, "forbidden");
    assert.equal((await client.ask({ type: "room_message", room: "stays", payload: {} })).type, "ack");
    assert.equal((await client.ask({ type: "room_message", room: "goes", payload: {} })).payload.code, "not_joined");
    assert.equal((await client.ask({ type: "room_message", room: "listens", payload: {} })).payload.code, "forbidden");
    assert.equal((await client.ask({ type: "join_room", room: "more" })).type, "room_joined");
    assert.equal((await client.ask({ type: "join_room", room: "other" })).payload.code, "forbidden");

    await until("the end of the first token", () => Date.now() > exp * 1000 + 1000);
    assert.equal((await client.ask({ type: "ping" })).type, "pong");
    client.socket.terminate();
  }, "--token-jwks-file", jwks_file(key), "--token-skew-ms", "0");
});

// ---- taken back

test("a token is taken back by its id, its user or its age, on every core, for those who are here", async () => {
  const key = await make_key("ES256");
  await with_daemon(async (daemon) => {
    const tokens = {};
    for (const jti of ["a", "b", "c", "d"])
      tokens[jti] = await token_of(key, { jti, sub: jti < "c" ? "ann" : "bo", iat: now_s() - 10 });
    const clients = {};
    for (let round = 0; round < 8; ++round) // enough to be on both cores
      for (const jti of Object.keys(tokens)) (clients[jti] ??= []).push(await enter(daemon, tokens[jti]));
    for (const client of clients.d)
      assert.equal((await client.ask({ type: "join_room", room: "lobby" })).type, "room_joined");

    const closed = async (jti) => {
      for (const client of clients[jti]) assert.equal((await client.end()).code, 4401, jti);
      const { code, message } = await refusal(daemon, tokens[jti]);
      assert.equal(code, 4401);
      assert.match(message, /revoked/);
    };
    assert.deepEqual(await api(daemon, "/api/revoke", { jti: "a" }), { status: 200, body: { closed: 8 } });
    await closed("a");
    assert.equal((await clients.b[0].ask({ type: "ping" })).type, "pong");
    // A refresh does not bring it back.
    const again = await clients.b[0].ask({ type: "refresh_token", payload: { token: tokens.a } });
    assert.match(again.payload.message, /revoked/);

    assert.deepEqual((await api(daemon, "/api/revoke", { user: "ann", issued_before: now_s() - 60 })).body, { closed: 0 });
    assert.deepEqual((await api(daemon, "/api/revoke", { user: "ann" })).body, { closed: 8 });
    await closed("b");
    assert.equal((await clients.c[0].ask({ type: "ping" })).type, "pong");
    // One that was issued later is another token.
    (await enter(daemon, await token_of(key, { iat: now_s() + 5 }))).socket.terminate();

    assert.equal((await api(daemon, "/api/revoke", { issued_before: now_s() - 5 })).body.closed, 16);
    const said = await api(daemon, "/api/publish", { room: "lobby", type: "room_message", payload: {} });
    assert.equal(said.status, 200);
    await closed("c");
    await closed("d");
    for (const client of clients.d)
      assert(!client.heard.some((message) => message.type === "room_message"), "heard after it was revoked");
    assert.equal(await metric(daemon, "revoked_total"), 32);
  }, "--token-jwks-file", jwks_file(key), "--api-key", "key");
});

test("a revocation says what it means, ends, and finds a limit", async () => {
  const key = await make_key("ES256");
  await with_daemon(async (daemon) => {
    for (const [body, field] of [
      [{}, "jti"], [{ jti: "" }, "jti"], [{ jti: 7 }, "jti"], [{ jti: "a", user: "b" }, "user"],
      [{ jti: "a", issued_before: 1 }, "issued_before"], [{ user: "a", issued_before: "now" }, "issued_before"],
      [{ user: "a", expires: 1 }, "expires"], [{ token: "x" }, "token"],
    ]) {
      const { status, body: answer } = await api(daemon, "/api/revoke", body);
      assert.equal(status, 422, JSON.stringify(body));
      assert.equal(answer.error.path, `$.${field}`, answer.error.message);
    }
    const token = await token_of(key, { jti: "short" });
    await api(daemon, "/api/revoke", { jti: "short", expires: now_s() + 2 });
    assert.equal((await refusal(daemon, token)).code, 4401);
    assert.equal((await api(daemon, "/api/revoke", { jti: "second" })).status, 200);
    assert.equal((await api(daemon, "/api/revoke", { jti: "third" })).status, 503);
    // What has ended makes room.
    await until("its end", async () => (await api(daemon, "/api/revoke", { jti: "third" })).status === 200);
    (await enter(daemon, token)).socket.terminate();
  }, "--token-jwks-file", jwks_file(key), "--api-key", "key", "--revocations-max", "2", "--token-skew-ms", "0");
});

// ---- keys from afar

// A key server that counts, and answers as it is told; with `tls`, over https.
async function key_server(answer, tls = null) {
  const answer_to = (request, response) => {
    server.asked += 1;
    server.answer(response, request);
  };
  const server = tls ? createTlsServer(tls, answer_to) : createServer(answer_to);
  server.asked = 0;
  server.answer = answer;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.url = `${tls ? "https" : "http"}://127.0.0.1:${server.address().port}/jwks.json`;
  server.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return server;
}
const serving = (...keys) => (response) => response.end(jwks_of(...keys));

test("keys come from a URL, new ones when a token names them, no matter how many do", async () => {
  const [one, two] = [await make_key("ES256", "one"), await make_key("RS256", "two")];
  const server = await key_server(serving(one));
  await with_daemon(async (daemon) => {
    (await enter(daemon, await token_of(one))).socket.terminate();
    assert.equal(server.asked, 1);
    server.answer = serving(two);
    const began_ms = Date.now();
    const token = await token_of(two);
    await until("the new key", async () => {
      const client = new Client(daemon, `/ws?token=${token}`);
      await Promise.race([client.closed, client.take("connection_ack").catch(() => {})]);
      const is_in = client.code === undefined;
      assert(is_in || client.code === 4401 || client.code === 1013);
      client.socket.terminate();
      return is_in;
    });
    assert.match((await refusal(daemon, await token_of(one))).message, /key/, "what is gone there is gone here");

    const before = server.asked;
    const stranger = await make_key("ES256", "stranger");
    for (let i = 0; i < 50; ++i) assert((await refusal(daemon, await token_of(stranger))).code > 1000);
    const windows = Math.ceil((Date.now() - began_ms) / 500);
    assert(server.asked - before <= windows + 1, `asked ${server.asked - before} times`);
    assert(server.asked <= windows + 2, `asked ${server.asked} times`);
  }, "--token-jwks-url", server.url, "--token-jwks-refresh-min-ms", "500ms");
  server.stop();
});

test("keys that cannot be renewed are used up to their age, and then nobody comes in by them", async () => {
  const key = await make_key("ES256");
  const server = await key_server(serving(key));
  await with_daemon(async (daemon) => {
    const token = await token_of(key);
    server.answer = (response) => response.writeHead(500).end("no");
    await until("a failure", async () => (await metric(daemon, "token_jwks_failures_total")) >= 2);
    (await enter(daemon, token)).socket.terminate();
    await until("their age", async () => (await metric(daemon, "token_keys")) === 0);
    const refused = await refusal(daemon, token);
    assert.deepEqual([refused.code, refused.error], [1013, "unavailable"]);
    assert(await metric(daemon, "keys_missing_total") >= 1);
    server.answer = serving(key);
    await until("they are back", async () => (await metric(daemon, "token_keys")) === 1);
    (await enter(daemon, token)).socket.terminate();
  }, "--token-jwks-url", server.url, "--token-jwks-refresh-min-ms", "100ms", "--token-jwks-refresh-ms", "300ms",
    "--token-jwks-max-age-ms", "3s");
  server.stop();
});

test("a key server that is slow, huge, wrong, or points elsewhere opens no door and stops nobody", async () => {
  const key = await make_key("ES256");
  const bait = await key_server(serving(key));
  const answers = {
    "says nothing": () => {},
    "is huge": (response) => {
      const chunk = Buffer.alloc(64 * 1024, " ");
      for (let i = 0; i < 160; ++i) response.write(chunk);
      response.end("{}");
    },
    "is no JSON": (response) => response.end("<html>"),
    "has no keys": (response) => response.end('{"keys":[]}'),
    "has a secret": (response) => response.end('{"keys":[{"kty":"oct","kid":"ES256","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}'),
    redirects: (response) => response.writeHead(302, { Location: bait.url }).end(),
    "redirects with a body": (response) => response.writeHead(302, { Location: bait.url }).end(jwks_of(key)),
    "hangs up": (response) => response.socket.destroy(),
  };
  for (const [what, answer] of Object.entries(answers)) {
    const server = await key_server(answer);
    await with_daemon(async (daemon) => {
      const refused = await refusal(daemon, await token_of(key));
      assert.deepEqual([refused.code, refused.error], [1013, "unavailable"], what);
      assert(await metric(daemon, "token_jwks_failures_total") >= 1, what);
      assert(!daemon.log.includes(server.url), "the address may hold a secret");
    }, "--token-jwks-url", server.url, "--token-jwks-timeout-ms", "500ms", "--token-jwks-refresh-min-ms", "100ms");
    server.stop();
  }
  assert.equal(bait.asked, 0, "a redirect was followed");
  bait.stop();
});

// A certificate of its own authority for a key server, as files; `name` is what it is good for.
function certificate_for(name) {
  const at = (file) => join(folder, `${name}-${file}`);
  const openssl = (...args) => execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  const fresh = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...fresh, "-subj", "/CN=a test authority", "-keyout", at("ca.key"), "-out", at("ca.pem"),
    "-addext", "basicConstraints=critical,CA:TRUE");
  openssl("req", ...fresh.slice(0, 5), "-subj", "/CN=keys", "-keyout", at("key.pem"), "-out", at("request.pem"));
  writeFileSync(at("extensions"), `subjectAltName=${name}\n`);
  openssl("x509", "-req", "-in", at("request.pem"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial",
    "-days", "2", "-extfile", at("extensions"), "-out", at("cert.pem"));
  return { ca_file: at("ca.pem"), tls: { key: readFileSync(at("key.pem")), cert: readFileSync(at("cert.pem")) } };
}

test("keys come over https from whom an authority of ours vouches for, and from nobody else", async () => {
  const key = await make_key("ES256");
  const [right, wrong] = [certificate_for("IP:127.0.0.1"), certificate_for("DNS:elsewhere.example")];
  const cases = [
    { is: "vouched for", tls: right.tls, flags: ["--token-jwks-ca-file", right.ca_file], comes_in: true },
    { is: "unknown to the system's authorities", tls: right.tls, flags: [] },
    { is: "of another authority", tls: right.tls, flags: ["--token-jwks-ca-file", wrong.ca_file] },
    { is: "of another name", tls: wrong.tls, flags: ["--token-jwks-ca-file", wrong.ca_file] },
    { is: "in clear behind https", tls: null, flags: ["--token-jwks-ca-file", right.ca_file] },
  ];
  for (const { is, tls, flags, comes_in } of cases) {
    const server = await key_server(serving(key), tls);
    await with_daemon(async (daemon) => {
      const token = await token_of(key);
      if (comes_in) {
        (await enter(daemon, token)).socket.terminate();
        assert(!daemon.log.includes("not https"), daemon.log);
      } else {
        const refused = await refusal(daemon, token);
        assert.deepEqual([refused.code, refused.error], [1013, "unavailable"], is);
        await until("a failure", async () => (await metric(daemon, "token_jwks_failures_total")) >= 1);
        assert.equal(server.asked, 0, is);
      }
    }, "--token-jwks-url", server.url.replace("http:", "https:"), "--token-jwks-refresh-min-ms", "100ms", ...flags);
    server.stop();
  }
});

test("nothing in a token makes the server ask anybody", async () => {
  const key = await make_key("ES256");
  const bait = await key_server(serving(key));
  await with_daemon(async (daemon) => {
    for (const header of [{ jku: bait.url }, { x5u: bait.url }, { kid: bait.url }, { jwk: key.jwk }])
      assert.equal((await refusal(daemon, await token_of(key, { iss: bait.url }, header))).code, 4401);
    assert.equal(bait.asked, 0);
  }, "--token-hmac-secret", "0123456789abcdef0123456789abcdef");
  bait.stop();
});

// ---- secrets

test("no token, key or secret stands in a log, an answer, a metric or /health, whatever goes wrong", async () => {
  const canary = (name) => `CANARY-${name}-${Math.random().toString(36).slice(2)}`;
  const secret = canary("secret").padEnd(64, "s");
  const key = await make_key("ES256");
  const hmac = { alg: "HS256", kid: undefined, sign: Buffer.from(secret) };
  const server = await key_server((response) => response.writeHead(500).end(canary("answer")));
  await with_daemon(async (daemon) => {
    const said = [];
    const claim = canary("claim");
    const tokens = [
      `${canary("part")}.${canary("part")}.${canary("part")}`, canary("bare"),
      await token_of(await make_key("ES256")), await token_of(key, { exp: 1, info: { claim } }),
      await token_of(key, { aud: "other", claim }), await token_of(key, { rooms: claim }),
      await token_of(key, { jti: "gone" }), await token_of(hmac, { exp: 1 }),
      await token_of(key, {}, { kid: canary("kid") }), await token_of(key, {}, { jku: `http://${canary("jku")}/` }),
    ];
    await api(daemon, "/api/revoke", { jti: "gone" });
    for (const token of tokens) {
      for (const [path, protocols, headers] of [
        [`/ws?token=${token}`], ["/ws", ["ringroom.v1.json", `ringroom.token.${token}`]],
        ["/ws", undefined, { Authorization: `Bearer ${token}` }], ["/ws", undefined, { Cookie: `session=${token}` }],
      ]) {
        const client = new Client(daemon, path, protocols, { headers });
        await client.end();
        said.push(client.heard, client.response?.headers);
      }
      const inside = await enter(daemon, await token_of(key));
      said.push(await inside.ask({ type: "refresh_token", payload: { token } }));
      said.push(await inside.ask({ type: "connect", payload: { token } }));
      inside.socket.terminate();
      const answer = await fetch(daemon.url("/api/publish", "http"), { method: "POST", headers: { "X-API-Key": token } });
      said.push(await answer.text());
    }
    for (const path of ["/metrics", "/health", "/ready"])
      said.push(await (await fetch(daemon.url(path, "http"))).text());
    const everything = JSON.stringify(said) + daemon.log + daemon.said;
    assert(everything.length > 20_000, "there was nothing to look at");
    for (const token of tokens)
      for (const part of token.split(".").filter((text) => text.length > 30))
        assert(!everything.includes(part), `a part of a token: ${part.slice(0, 20)}`);
    assert(!everything.includes("CANARY"), /.{60}CANARY.{30}/.exec(everything)?.[0]);
  }, "--token-jwks-file", jwks_file(key), "--token-hmac-secret", secret, "--api-key", "key", "--token-cookie", "session",
    "--token-jwks-url", `${server.url}?secret=${canary("url")}`, "--log-level", "trace");
  server.stop();
});

// ---- the command

test("token make and token check know every key the server knows", async () => {
  const key = await make_key("ES384", "k1");
  const flags = ["--key-files", `ES384:k1:${file_of(key.pem)}`];
  const made = run(["token", "make", "--sub", "ann", "--jti", "j1", "--sign-with", `ES384:k1:${file_of(key.private_pem)}`]).trim();
  assert.match(run(["token", "check", ...flags, made]), /^valid until .*\nuser ann\nid j1\n/);
  await with_daemon(
    async (daemon) => (await enter(daemon, made)).socket.terminate(),
    "--token-key-files", flags[1],
  );
  const told = (token) => {
    try {
      return run(["token", "check", ...flags, token]);
    } catch (error) {
      assert.equal(error.status, 1);
      return error.stdout;
    }
  };
  const other = await make_key("ES256", "k2");
  assert.match(told(await token_of(other)), /refused \(unknown_key\): .*\nkeys: k1 ES384\n/);
  assert.match(told(await token_of(key, { aud: "x" })), /refused \(wrong_audience\): .*\nthe server has no token-audience\n/);
  assert.match(told(await token_of(key, { exp: 1 })), /refused \(expired\): .*\nit is 20.*30 s\n/);
});
