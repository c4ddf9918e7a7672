import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import type { Suite } from "../../../lib/crypto/suite.ts";
import type { ClientHandshake } from "../../../lib/handshake/client.ts";
import type { HandshakeEvent } from "../../../lib/handshake/outcome.ts";
import type { ServerHandshake } from "../../../lib/handshake/server.ts";
import { FRAME_HEADER_SIZE } from "../../../lib/wire/frame.ts";
import { decodeHello, decodeWelcome, SUITE_NUMBERS } from "../../../lib/wire/handshake_messages.ts";
import {
  CLIENT_IDENTITY,
  type Ending,
  frameTypeOf,
  identityOf,
  type OpenEvent,
  outputOf,
  runHandshake,
  SERVER_IDENTITY,
  START_MS,
  startClient,
  startServer,
} from "../../support/handshake_ends.ts";
import { withNonceGuard } from "../../support/nonce_guard.ts";
import { byteByByte, splitAt } from "../../support/pieces.ts";
import { RogueClient } from "../../support/rogue_client.ts";
import { RogueServer } from "../../support/rogue_server.ts";

/** Asserts that both ends are open and agree on everything. */
function assertOpen(ending: Ending): { client: OpenEvent; server: OpenEvent } {
  assert.deepEqual(ending.failures, []);
  assert.equal(ending.client.state, "open");
  assert.equal(ending.server.state, "open");
  const [client, server] = [ending.clientOpen!, ending.serverOpen!];
  assertAgreed(client, server);
  return { client, server };
}

function assertAgreed(client: OpenEvent, server: OpenEvent): void {
  assert.equal(client.keys.suite, server.keys.suite);
  assert.deepEqual(client.keys.sendSecret, server.keys.receiveSecret);
  assert.deepEqual(client.keys.receiveSecret, server.keys.sendSecret);
  assert.notDeepEqual(client.keys.sendSecret, client.keys.receiveSecret);
  assert.deepEqual(client.keys.sessionId, server.keys.sessionId);
  assert.equal(client.keys.sessionId.length, 16);
  assert.deepEqual(client.exporter, server.exporter);
  assert.equal(client.exporter.length, 32);
  assert.equal(client.keys.intent, server.keys.intent);
  assert.deepEqual(client.limits, server.limits);
  assert.deepEqual(client.keys.peerIdentity, SERVER_IDENTITY.publicKey);
  assert.deepEqual(server.keys.peerIdentity, CLIENT_IDENTITY.publicKey);
  for (const secret of [client.keys.sendSecret, client.keys.receiveSecret, client.exporter]) {
    assert.ok(secret.some((byte) => byte !== 0));
  }
}

Deno.test("both ends open with the same keys, exporter, session and limits", async () => {
  const limits = { windowRecords: 100, windowSizeBytes: 1_000_000 };
  const ending = await runHandshake(await startClient(), startServer({ limits }));
  const { client, server } = assertOpen(ending);
  assert.deepEqual(client.limits, limits);
  assert.deepEqual(server.rest, new Uint8Array(0));
  assert.deepEqual(client.rest, new Uint8Array(0));
  assert.equal(server.keys.intent, "send");
  assert.deepEqual(ending.sent.client.map(frameTypeOf), ["hello", "verify"]);
  assert.deepEqual(ending.sent.server.map(frameTypeOf), ["welcome", "ready"]);
  assert.equal(ending.client.nextTimeoutMs(), undefined);
  assert.equal(ending.server.nextTimeoutMs(), undefined);
});

Deno.test("the client reports its keys with VERIFY already, and the same ones when open", async () => {
  const client = await startClient();
  const server = startServer();
  assert.deepEqual(await server.receive(outputOf(client), START_MS), []);
  assert.equal(server.state, "waitVerify");
  const events = await client.receive(outputOf(server), START_MS);
  assert.deepEqual(events.map(({ kind }) => kind), ["verified"]);
  assert.equal(client.state, "waitReady");
  const [opened] = await server.receive(outputOf(client), START_MS);
  const [ready] = await client.receive(outputOf(server), START_MS);
  assert.equal(opened?.kind, "open");
  assert.equal(ready?.keys, events[0]!.keys);
});

Deno.test("an independent client and server of the specification agree with these ends", async () => {
  const rogueServer = new RogueServer();
  const client = await startClient();
  await client.receive(await rogueServer.welcome(outputOf(client)), START_MS);
  const verify = outputOf(client);
  const [opened] = await client.receive(await rogueServer.ready(verify), START_MS);
  assert.ok(opened?.kind === "open");
  assert.deepEqual(opened.exporter, rogueServer.exporter);
  assert.deepEqual(rogueServer.verify.clientId, CLIENT_IDENTITY.publicKey);

  const rogueClient = await RogueClient.start();
  const server = startServer();
  await server.receive(rogueClient.hello(), START_MS);
  const authentication = await rogueClient.welcome(outputOf(server));
  assert.deepEqual(authentication.serverId, SERVER_IDENTITY.publicKey);
  const [event] = await server.receive(await rogueClient.verify(), START_MS);
  assert.ok(event?.kind === "open");
  const ready = await rogueClient.ready(outputOf(server));
  assert.equal(ready.isProved, true);
  assert.deepEqual(ready.exporter, event.exporter);
  assert.deepEqual(ready.sessionId, event.keys.sessionId);
});

Deno.test("every session has other keys, also between the same ends", async () => {
  const run = async (seed: string) =>
    assertOpen(await runHandshake(await startClient({}, seed), startServer()));
  const [one, two] = [await run("a"), await run("a")];
  // The server's encapsulation is fresh even where all injected randomness is the same.
  assert.notDeepEqual(one.client.keys.sendSecret, two.client.keys.sendSecret);
  assert.notDeepEqual(one.client.exporter, two.client.exporter);
  assert.notDeepEqual(one.client.keys.sessionId, two.client.keys.sessionId);
});

Deno.test("the server takes the first of the client's suites that it has", async () => {
  const [gcm, chacha]: [Suite, Suite] = ["aes-256-gcm", "chacha20-poly1305"];
  const cases: readonly [readonly Suite[], readonly Suite[], Suite][] = [
    [[gcm, chacha], [gcm, chacha], gcm],
    [[chacha, gcm], [gcm, chacha], chacha],
    [[gcm, chacha], [chacha, gcm], gcm],
    [[chacha, gcm], [gcm], gcm],
    [[gcm], [chacha, gcm], gcm],
    [[chacha], [gcm, chacha], chacha],
  ];
  for (const [offered, had, chosen] of cases) {
    const ending = await runHandshake(await startClient({ suites: offered }), startServer({ suites: had }));
    assert.equal(assertOpen(ending).client.keys.suite, chosen);
    const hello = decodeHello(ending.sent.client[0]!.slice(FRAME_HEADER_SIZE));
    assert.deepEqual(hello.suites, offered.map((suite) => SUITE_NUMBERS[suite]));
  }
});

Deno.test("HELLO and WELCOME carry the time in seconds and what was injected as randomness", async () => {
  const { sent } = await runHandshake(await startClient(), startServer());
  const hello = decodeHello(sent.client[0]!.slice(FRAME_HEADER_SIZE));
  assert.equal(hello.clientTimeS, 1_800_000_000);
  assert.deepEqual(hello.authModes, [1]);
  assert.deepEqual(hello.extensions, []);
  const again = decodeHello(outputOf(await startClient()).slice(FRAME_HEADER_SIZE));
  assert.deepEqual(again, hello);
  const { welcome } = decodeWelcome(sent.server[0]!.slice(FRAME_HEADER_SIZE));
  assert.equal(welcome.serverTimeS, 1_800_000_000);
  assert.equal(welcome.authMode, 1);
  assert.ok(welcome.serverNonce.some((byte) => byte !== 0));
});

Deno.test("neither identity is ever to be seen in the clear", async () => {
  const { sent } = await runHandshake(await startClient(), startServer());
  const wire = concat(...sent.client, ...sent.server).toHex();
  assert.ok(!wire.includes(CLIENT_IDENTITY.publicKey.toHex()));
  assert.ok(!wire.includes(SERVER_IDENTITY.publicKey.toHex()));
});

Deno.test("who it is is asked once the peer has proved it, with its key", async () => {
  const asked: string[] = [];
  const ending = await runHandshake(
    await startClient({ checkServer: (key) => void asked.push(`server ${key.toHex()}`) }),
    startServer({ authorize: (key, intent) => void asked.push(`${intent} ${key.toHex()}`) }),
  );
  assertOpen(ending);
  assert.deepEqual(asked, [
    `server ${SERVER_IDENTITY.publicKey.toHex()}`,
    `send ${CLIENT_IDENTITY.publicKey.toHex()}`,
  ]);
});

Deno.test("another identity is reported as what it is", async () => {
  const other = await identityOf("somebody else");
  const { clientOpen, serverOpen } = await runHandshake(
    await startClient({ identity: other }),
    startServer(),
  );
  assert.deepEqual(serverOpen!.keys.peerIdentity, other.publicKey);
  assert.deepEqual(clientOpen!.keys.peerIdentity, SERVER_IDENTITY.publicKey);
});

Deno.test("what comes behind the handshake is left for the session, at both ends", async () => {
  const client = await startClient();
  const server = startServer();
  await server.receive(outputOf(client), START_MS);
  await client.receive(outputOf(server), START_MS);
  const [opened] = await server.receive(concat(outputOf(client), utf8("early records")), START_MS);
  assert.ok(opened?.kind === "open");
  assert.deepEqual(opened.rest, utf8("early records"));
  const [ready] = await client.receive(concat(outputOf(server), utf8("first records")), START_MS);
  assert.ok(ready?.kind === "open");
  assert.deepEqual(ready.rest, utf8("first records"));
});

/** Delivers `pieces` one after the other and returns every event. */
async function receiveAll(
  machine: ClientHandshake | ServerHandshake,
  pieces: readonly Bytes[],
): Promise<readonly HandshakeEvent[]> {
  const events: HandshakeEvent[] = [];
  for (const piece of pieces) {
    // Whatever follows the last byte of the handshake is the session's, not this machine's.
    if (machine.state !== "open") events.push(...await machine.receive(piece, START_MS));
    else assert.equal(piece.length, 0);
  }
  return events;
}

type Cut = (bytes: Bytes, flight: string) => readonly Bytes[];

async function runCut(cut: Cut): Promise<void> {
  const client = await startClient();
  const server = startServer();
  assert.deepEqual(await receiveAll(server, cut(outputOf(client), "hello")), []);
  const verified = await receiveAll(client, cut(outputOf(server), "welcome"));
  assert.deepEqual(verified.map(({ kind }) => kind), ["verified"]);
  const [opened, ...more] = await receiveAll(server, cut(outputOf(client), "verify"));
  const [ready, ...still] = await receiveAll(client, cut(outputOf(server), "ready"));
  assert.deepEqual([more, still], [[], []]);
  assert.ok(opened?.kind === "open" && ready?.kind === "open");
  assertAgreed(ready, opened);
}

Deno.test("byte by byte the handshake is the same", async () => {
  await runCut((bytes) => byteByByte(bytes));
});

Deno.test("in two pieces, cut anywhere, the handshake is the same", async () => {
  // One handshake cuts all four messages, each at a place of its own; every place of each is reached.
  const places = { hello: 0, welcome: 0, verify: 0, ready: 0 };
  const steps = { hello: 11, welcome: 11, verify: 1, ready: 1 };
  const done = new Set<string>();
  while (done.size < 4) {
    await runCut((bytes, flight) => {
      const name = flight as keyof typeof places;
      const at = places[name];
      if (at >= bytes.length) done.add(name);
      // The first and last bytes one by one, the long middle of a key in steps.
      const isEdge = at < 60 || at > bytes.length - 60;
      places[name] = at + (isEdge ? 1 : steps[name]);
      return splitAt(bytes, Math.min(at, bytes.length));
    });
  }
});

Deno.test("no handshake key seals twice under one nonce, and each end seals twice at most", async () => {
  let ending: Ending | undefined;
  const seals = await withNonceGuard(async () => {
    ending = await runHandshake(await startClient(), startServer());
  });
  assertOpen(ending!);
  assert.equal(seals, 3);
});
