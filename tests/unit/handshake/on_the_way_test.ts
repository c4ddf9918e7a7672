/** An attacker on the way who changes, replays, reflects or mixes the messages of honest ends. */
import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import { StxError } from "../../../lib/errors.ts";
import { encodeFrame, FRAME_HEADER_SIZE } from "../../../lib/wire/frame.ts";
import {
  decodeHello,
  decodeWelcome,
  encodeHello,
  encodeWelcome,
  type Hello,
  type Welcome,
} from "../../../lib/wire/handshake_messages.ts";
import {
  alertKind,
  type Ending,
  identityOf,
  outputOf,
  runHandshake,
  START_MS,
  startClient,
  startServer,
  type Tamper,
} from "../../support/handshake_ends.ts";
import { flipBit } from "../../support/pieces.ts";
import { assertRejects } from "../identity/failures.ts";

/** Asserts that neither end is open and who noticed with which code, in the order of time. */
function assertNoticed(ending: Ending, expected: readonly string[]): void {
  assert.deepEqual(ending.failures.map(({ side, code }) => `${side} ${code}`), expected);
  assert.equal(ending.clientOpen, undefined);
  assert.equal(ending.serverOpen, undefined);
  assert.notEqual(ending.client.state, "open");
  assert.notEqual(ending.server.state, "open");
}

/** Changes HELLO, its frame's size included. */
function onHello(change: (hello: Hello) => Hello): Tamper {
  return (bytes, from, flight) =>
    from === "client" && flight === 0
      ? encodeFrame("hello", encodeHello(change(decodeHello(bytes.slice(FRAME_HEADER_SIZE)))))
      : bytes;
}

/** Changes WELCOME's clear part. */
function onWelcome(change: (welcome: Welcome) => Welcome): Tamper {
  return (bytes, from, flight) => {
    if (from !== "server" || flight !== 0) return bytes;
    const { welcome, sealed } = decodeWelcome(bytes.slice(FRAME_HEADER_SIZE));
    return encodeFrame("welcome", concat(encodeWelcome(change(welcome)), sealed));
  };
}

const run = async (tamper: Tamper) => await runHandshake(await startClient(), startServer(), tamper);

Deno.test("a suite removed in flight is noticed by the client, at WELCOME's seal", async () => {
  for (const suite of [1, 2]) {
    const ending = await run(onHello((hello) => ({ ...hello, suites: [suite] })));
    // Removing all but the favourite chooses nothing else, and is noticed all the same.
    assertNoticed(ending, ["client handshake_failed", "server refused_connection"]);
    assert.match(ending.failures[0]!.error.message, /Cannot open WELCOME/);
  }
});

Deno.test("anything changed in HELLO that the server accepts is noticed at WELCOME's seal", async () => {
  const changes: readonly ((hello: Hello) => Hello)[] = [
    (hello) => ({ ...hello, suites: [2, 1] }),
    (hello) => ({ ...hello, suites: [...hello.suites, 9] }),
    (hello) => ({ ...hello, authModes: [1, 1] }),
    (hello) => ({ ...hello, authModes: [1, 2], binder: new Uint8Array(32) }),
    (hello) => ({ ...hello, extensions: [{ type: 1, data: new Uint8Array(0) }] }),
    (hello) => ({ ...hello, clientTimeS: hello.clientTimeS + 1 }),
    (hello) => ({ ...hello, clientNonce: new Uint8Array(32) }),
  ];
  for (const change of changes) {
    const ending = await run(onHello(change));
    assertNoticed(ending, ["client handshake_failed", "server refused_connection"]);
    assert.match(ending.failures[0]!.error.message, /Cannot open WELCOME/);
  }
});

Deno.test("anything changed in WELCOME's clear part is noticed by the client", async () => {
  const changes: readonly ((welcome: Welcome) => Welcome)[] = [
    (welcome) => ({ ...welcome, suite: 2 }),
    (welcome) => ({ ...welcome, suite: 3 }),
    (welcome) => ({ ...welcome, authMode: 2 }),
    (welcome) => ({ ...welcome, serverTimeS: welcome.serverTimeS - 1 }),
    (welcome) => ({ ...welcome, serverNonce: flipBit(welcome.serverNonce, 0) }),
    (welcome) => ({ ...welcome, extensions: [{ type: 1, data: new Uint8Array(0) }] }),
  ];
  for (const change of changes) {
    assertNoticed(await run(onWelcome(change)), ["client handshake_failed", "server refused_connection"]);
  }
});

Deno.test("a man in the middle with an identity of his own is seen by the pin, and gets no client identity", async () => {
  const mallory = await identityOf("mallory");
  const seen: Bytes[] = [];
  const client = await startClient({
    checkServer: (key) => {
      seen.push(key);
      throw new StxError("receiver_changed", "another key");
    },
  });
  const ending = await runHandshake(client, startServer({ identity: mallory }));
  assertNoticed(ending, ["client receiver_changed", "server handshake_failed"]);
  assert.deepEqual(seen, [mallory.publicKey]);
  assert.equal(alertKind(ending.sent.client[1]!), "sealedAlert");
});

Deno.test("messages of two handshakes between the same ends do not mix", async () => {
  const start = async (seed: string) => {
    const client = await startClient({}, seed);
    const server = startServer();
    await server.receive(outputOf(client), START_MS);
    return { client, server, welcome: outputOf(server) };
  };
  const swapped = [await start("a"), await start("b")];
  await assertRejects(() => swapped[0]!.client.receive(swapped[1]!.welcome, START_MS), "handshake_failed");

  const [one, two] = [await start("a"), await start("b")];
  for (const each of [one, two]) await each.client.receive(each.welcome, START_MS);
  const verify = outputOf(one.client);
  await assertRejects(() => two.server.receive(verify, START_MS), "handshake_failed", /Cannot open VERIFY/);
  await one.server.receive(verify, START_MS);
  await assertRejects(() => two.client.receive(outputOf(one.server), START_MS), "handshake_failed", /READY/);
});

Deno.test("a whole recorded session replayed to the server ends at VERIFY", async () => {
  const recorded = await runHandshake(await startClient(), startServer());
  const server = startServer();
  let asked = 0;
  const watched = startServer({ authorize: () => void (asked += 1) });
  for (const each of [server, watched]) {
    await each.receive(recorded.sent.client[0]!, START_MS);
    await assertRejects(() => each.receive(recorded.sent.client[1]!, START_MS), "handshake_failed");
  }
  assert.equal(asked, 0);
});

Deno.test("a whole recorded session replayed to a client ends at WELCOME", async () => {
  const recorded = await runHandshake(await startClient({}, "then"), startServer());
  const client = await startClient({}, "now");
  outputOf(client);
  await assertRejects(
    () => client.receive(concat(...recorded.sent.server), START_MS),
    "handshake_failed",
    /Cannot open WELCOME/,
  );
  assert.equal(alertKind(outputOf(client)), "alert");
});

Deno.test("what an end sent, reflected to itself, is refused", async () => {
  const client = await startClient();
  const hello = outputOf(client);
  await assertRejects(() => client.receive(hello, START_MS), "unexpected_message", /hello/);

  const server = startServer();
  await server.receive(hello, START_MS);
  const welcome = outputOf(server);
  await assertRejects(() => server.receive(welcome, START_MS), "unexpected_message", /welcome/);

  // VERIFY called READY, WELCOME's sealed part called VERIFY: each direction has its own key.
  const other = await startClient();
  const peer = startServer();
  await peer.receive(outputOf(other), START_MS);
  const answer = outputOf(peer);
  await other.receive(answer, START_MS);
  const verify = outputOf(other).slice();
  verify[0] = 4;
  await assertRejects(() => other.receive(verify, START_MS), "handshake_failed", /Cannot open READY/);
  const { sealed } = decodeWelcome(answer.slice(FRAME_HEADER_SIZE));
  await assertRejects(
    () => peer.receive(encodeFrame("verify", sealed), START_MS),
    "handshake_failed",
    /Cannot open VERIFY/,
  );
});

Deno.test("a message that is dropped leaves both ends waiting, and one that is cut too", async () => {
  for (const [from, flight] of [["client", 0], ["server", 0], ["client", 1], ["server", 1]] as const) {
    for (const keep of [0, 3, 40]) {
      const ending = await runHandshake(
        await startClient(),
        startServer(),
        (bytes, side, count) => side === from && count === flight ? bytes.slice(0, keep) : bytes,
      );
      assert.deepEqual(ending.failures, []);
      assert.equal(ending.clientOpen, undefined);
      // The server is open once it has VERIFY: READY is what the client then misses.
      assert.equal(ending.serverOpen === undefined, !(from === "server" && flight === 1));
    }
  }
});

Deno.test("an injected alert in clear ends a connection, and never says unauthorized", async () => {
  for (let number = 0; number < 16; number++) {
    const alert = encodeFrame("alert", Uint8Array.of(number));
    for (const side of ["client", "server"] as const) {
      const ending = await run((bytes, from) => from === side ? concat(alert, bytes) : bytes);
      assert.ok(ending.failures.length > 0);
      for (const { code } of ending.failures) {
        assert.ok(["refused_connection", "busy", "unexpected_message"].includes(code), code);
      }
      assert.equal(ending.clientOpen, undefined);
      assert.equal(ending.serverOpen, undefined);
    }
  }
});
