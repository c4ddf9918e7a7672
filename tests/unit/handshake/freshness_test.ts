/** Clocks that differ, and HELLOs that come twice. */
import assert from "node:assert/strict";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import type { ServerOptions } from "../../../lib/handshake/server.ts";
import { PUBLIC_KEY_BURST } from "../../../lib/limits.ts";
import { HelloGuard } from "../../../lib/handshake/hello_guard.ts";
import { prepareSharedKey } from "../../../lib/handshake/key_schedule.ts";
import { StxError } from "../../../lib/errors.ts";
import type { NonceStore } from "../../../lib/ports.ts";
import { MemoryNonceStore } from "../../../lib/store/memory_nonce_store.ts";
import { ALERTS, decodeAlert } from "../../../lib/wire/alert.ts";
import { encodeFrame } from "../../../lib/wire/frame.ts";
import { assertRejects } from "../identity/failures.ts";
import {
  alertKind,
  outputOf,
  runHandshake,
  START_MS,
  startClient,
  startServer,
} from "../../support/handshake_ends.ts";
import { RogueClient } from "../../support/rogue_client.ts";
import { RogueServer } from "../../support/rogue_server.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const START_S = START_MS / 1000;

/** A server and a client whose HELLO it has answered. */
async function answered(hooks: Parameters<typeof RogueClient.start>[0], change: Partial<ServerOptions> = {}) {
  const server = startServer(change);
  const client = await RogueClient.start(hooks);
  await server.receive(client.hello(), START_MS);
  await client.welcome(outputOf(server));
  return { server, client };
}

for (const differenceS of [-121, 121, -(2 ** 31), 2 ** 50]) {
  Deno.test(`a client whose clock is ${differenceS} s off is told so, sealed, once it is verified`, async () => {
    const { server, client } = await answered({ hello: { clientTimeS: Math.max(0, START_S + differenceS) } });
    const verify = await client.verify();
    const error = await assertRejects(() => server.receive(verify, START_MS), "clock_skew");
    assert.match(error.message, /2027-01-15T08:00:00Z/);
    const alert = outputOf(server);
    assert.equal(alertKind(alert), "sealedAlert");
    assert.equal(decodeAlert((await client.open(alert, 1))!), "clockSkew");
  });
}

for (const differenceS of [-120, 120]) {
  Deno.test(`${differenceS} s are allowed`, async () => {
    const { server, client } = await answered({ hello: { clientTimeS: START_S + differenceS } });
    const events = await server.receive(await client.verify(), START_MS);
    assert.equal(events[0]?.kind, "open");
    const other = await startClient();
    const rogue = new RogueServer({ serverTimeS: START_S + differenceS });
    const verified = await other.receive(await rogue.welcome(outputOf(other)), START_MS);
    assert.equal(verified[0]?.kind, "verified");
  });
}

Deno.test("clock_skew is not for strangers: a bad signature is told nothing of it", async () => {
  const { server, client } = await answered({
    hello: { clientTimeS: START_S + 1000 },
    signature: (right) => right.map((byte) => byte ^ 1),
  });
  const verify = await client.verify();
  await assertRejects(() => server.receive(verify, START_MS), "bad_signature");
  assert.equal(decodeAlert((await client.open(outputOf(server), 1))!), "handshakeFailed");
});

Deno.test("a client's time is judged before it is looked up among those who may send", async () => {
  const { server, client } = await answered({ hello: { clientTimeS: START_S + 1000 } }, {
    authorize() {
      throw new StxError("unauthorized", "Not on the list");
    },
  });
  const verify = await client.verify();
  await assertRejects(() => server.receive(verify, START_MS), "clock_skew");
});

Deno.test("a client refuses a server whose clock is too far off, and tells it so, sealed", async () => {
  for (const differenceS of [-121, 121]) {
    const client = await startClient();
    const rogue = new RogueServer({ serverTimeS: START_S + differenceS });
    const welcome = await rogue.welcome(outputOf(client));
    const error = await assertRejects(() => client.receive(welcome, START_MS), "clock_skew");
    assert.match(error.message, /differ by 121 seconds: it is 2027-01-15T08:00:00Z at the sender/);
    const alert = outputOf(client);
    assert.equal(alertKind(alert), "sealedAlert");
    assert.equal(decodeAlert((await rogue.open(alert, 0))!), "clockSkew");
  }
});

Deno.test("a client asks about the receiver's key before it speaks of clocks", async () => {
  const client = await startClient({
    checkServer() {
      throw new StxError("unknown_receiver", "Nobody knows it");
    },
  });
  const welcome = await new RogueServer({ serverTimeS: 0 }).welcome(outputOf(client));
  await assertRejects(() => client.receive(welcome, START_MS), "unknown_receiver");
});

Deno.test("whoever is told of clock_skew names both times too", async () => {
  const { server, client } = await answered({});
  const alert = await client.sealed("sealedAlert", Uint8Array.of(ALERTS.clockSkew), 0);
  const error = await assertRejects(() => server.receive(alert, START_MS), "clock_skew");
  assert.match(error.message, /2027-01-15T08:00:00Z at the sender and 2027-01-15T08:00:00Z at the receiver/);
});

Deno.test("a HELLO that comes again is refused before any public-key work", async () => {
  const guard = new HelloGuard();
  const hello = outputOf(await startClient());
  await startServer({ guard }).receive(hello, START_MS);
  let drawn = 0;
  const random = { bytes: (size: number) => (drawn += size, new Uint8Array(size)) };
  const again = startServer({ guard, random });
  await assertRejects(() => again.receive(hello, START_MS), "handshake_failed", /here before/);
  assert.deepEqual(outputOf(again), encodeFrame("alert", Uint8Array.of(ALERTS.handshakeFailed)));
  assert.equal(drawn, 0);
});

Deno.test("where a shared key decides, a HELLO without the right binder leaves no trace", async () => {
  const guard = new HelloGuard();
  const sharedKey = prepareSharedKey(new Uint8Array(32).fill(1));
  const options = { guard, authModes: ["psk"], sharedKeys: [sharedKey] } as const;
  const wrong = await RogueClient.start({ sharedKey, binder: (right) => right.map((byte) => byte ^ 1) });
  await assertRejects(
    () => startServer(options).receive(wrong.hello(), START_MS),
    "handshake_failed",
    /binder/,
  );
  // The same nonce with the right binder is new to the server.
  const right = await RogueClient.start({ sharedKey });
  await startServer(options).receive(right.hello(), START_MS);
});

Deno.test("too many HELLOs at once are told busy, in clear, and may come again", async () => {
  const guard = new HelloGuard();
  const random = seededRandom("nonces");
  for (let n = 0; n < PUBLIC_KEY_BURST; n++) guard.admit(random.bytes(32), START_MS);
  const hello = outputOf(await startClient());
  const server = startServer({ guard });
  await assertRejects(() => server.receive(hello, START_MS), "busy");
  assert.deepEqual(outputOf(server), encodeFrame("alert", Uint8Array.of(ALERTS.busy)));
  await startServer({ guard }).receive(hello, START_MS + 1000);
  const client = await startClient();
  await assertRejects(
    () => client.receive(encodeFrame("alert", Uint8Array.of(ALERTS.busy)), START_MS),
    "busy",
  );
});

/** A store that remembers what it was asked. */
function watched(
  inner: NonceStore,
): NonceStore & { readonly claims: { nonce: Bytes; expiresMs: number; nowMs: number }[] } {
  const claims: { nonce: Bytes; expiresMs: number; nowMs: number }[] = [];
  return {
    claims,
    claim(nonce, expiresMs, nowMs) {
      claims.push({ nonce, expiresMs, nowMs });
      return inner.claim(nonce, expiresMs, nowMs);
    },
  };
}

Deno.test("a session's nonce is claimed once its client is verified and authorized, and kept for both clocks' error", async () => {
  const nonces = watched(new MemoryNonceStore());
  const client = await startClient();
  const server = startServer({ nonces });
  const ending = await runHandshake(client, server);
  assert.deepEqual(ending.failures, []);
  assert.equal(nonces.claims.length, 1);
  const { nonce, expiresMs, nowMs } = nonces.claims[0]!;
  assert.deepEqual(nonce, ending.sent.client[0]!.slice(16, 48));
  assert.equal(nowMs, START_MS);
  assert.equal(expiresMs, START_MS + 240_000);
});

Deno.test("nothing is written for a stranger: not for a bad proof, signature, time or sender", async () => {
  const cases: [Parameters<typeof RogueClient.start>[0], Partial<ServerOptions>][] = [
    [{ proof: (right) => right.map((byte) => byte ^ 1) }, {}],
    [{ signature: (right) => right.map((byte) => byte ^ 1) }, {}],
    [{ hello: { clientTimeS: 1 } }, {}],
    [{}, {
      authorize() {
        throw new StxError("unauthorized", "Not on the list");
      },
    }],
  ];
  for (const [hooks, change] of cases) {
    const nonces = watched(new MemoryNonceStore());
    const { server, client } = await answered(hooks, { ...change, nonces });
    const verify = await client.verify();
    await assert.rejects(server.receive(verify, START_MS));
    assert.deepEqual(nonces.claims, []);
  }
});

Deno.test("a nonce that has opened a session opens none again, even where the memory of HELLOs was lost", async () => {
  const nonces = new MemoryNonceStore();
  const first = await answered({}, { nonces });
  await first.server.receive(await first.client.verify(), START_MS);
  // The same client with the same nonce, at a server that was started anew.
  const second = await answered({}, { nonces });
  const verify = await second.client.verify();
  await assertRejects(() => second.server.receive(verify, START_MS), "handshake_failed", /session before/);
  assert.equal(alertKind(outputOf(second.server)), "sealedAlert");
});

Deno.test("a store that cannot be written is this end's failure and no judgement of the client", async () => {
  const nonces: NonceStore = {
    claim() {
      throw new StxError("disk_full", "No room");
    },
  };
  const { server, client } = await answered({}, { nonces });
  const verify = await client.verify();
  await assertRejects(() => server.receive(verify, START_MS), "disk_full");
  assert.equal(decodeAlert((await client.open(outputOf(server), 1))!), "internalError");
});
