/** What a client makes of a server, or of somebody on the way, that departs from the specification in one point. */
import assert from "node:assert/strict";
import { type Bytes, concat, fromHex } from "../../../lib/bytes/bytes.ts";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";
import type { ClientHandshake, ClientOptions } from "../../../lib/handshake/client.ts";
import { alertError, ALERTS, decodeAlert } from "../../../lib/wire/alert.ts";
import {
  alertKind,
  CLIENT_IDENTITY,
  identityOf,
  outputOf,
  SERVER_IDENTITY,
  START_MS,
  startClient,
} from "../../support/handshake_ends.ts";
import { flipBit } from "../../support/pieces.ts";
import { contentToSign, type RogueHooks, RogueServer } from "../../support/rogue_server.ts";
import { assertRejects } from "../identity/failures.ts";

/**
 * Under the neutral point as a key, a signature of the neutral point and zero holds for every message: S·B = 0 and
 * R + k·A = 0.
 */
const NEUTRAL_POINT: Bytes = Uint8Array.of(1, ...new Uint8Array(31));
const FORGED_SIGNATURE: Bytes = concat(NEUTRAL_POINT, new Uint8Array(32));

/** The points of small order (RFC 7748's curve in Ed25519's form) and encodings that are not canonical. */
const BAD_KEYS = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  // The neutral point again, its number not below the prime; and no point at all.
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "0200000000000000000000000000000000000000000000000000000000000000",
].map(fromHex);

/** Asserts that `client` is closed for good and that nothing of it has left but an alert. */
async function assertClosed(client: ClientHandshake, output: Bytes, failure: StxError): Promise<void> {
  assert.equal(client.state, "closed");
  alertKind(output);
  assert.ok(!output.toHex().includes(CLIENT_IDENTITY.publicKey.toHex()));
  assert.equal(outputOf(client).length, 0);
  assert.equal(client.nextTimeoutMs(), undefined);
  const again = await assertRejects(() => client.receive(Uint8Array.of(2, 0, 0, 0), START_MS), failure.code);
  assert.equal(again, failure);
  assert.equal(outputOf(client).length, 0);
}

/** Runs WELCOME of a server with `hooks` into a client, which must fail, and says what it told the server. */
async function failWelcome(
  hooks: RogueHooks,
  code: ErrorCode,
  change: Partial<ClientOptions> = {},
  words?: RegExp,
): Promise<{ server: RogueServer; output: Bytes; kind: "none" | "alert" | "sealedAlert" }> {
  let checked = 0;
  const client = await startClient({ checkServer: () => void (checked += 1), ...change });
  const server = new RogueServer(hooks);
  const welcome = await server.welcome(outputOf(client));
  const error = await assertRejects(() => client.receive(welcome, START_MS), code, words);
  const output = outputOf(client);
  await assertClosed(client, output, error);
  // Whether to trust a key is never asked of somebody who has not proved to hold it.
  if (change.checkServer === undefined) assert.equal(checked, 0);
  return { server, output, kind: alertKind(output) };
}

/** The alert that a client sealed in place of VERIFY, as the server reads it. */
async function sealedAlertOf(server: RogueServer, output: Bytes): Promise<string> {
  return decodeAlert((await server.open(output, 0))!);
}

Deno.test("the forged signature holds for the platform, which is why the key itself is refused", async () => {
  const key = await crypto.subtle.importKey("raw", NEUTRAL_POINT, "Ed25519", false, ["verify"]);
  assert.equal(
    await crypto.subtle.verify("Ed25519", key, FORGED_SIGNATURE, contentToSign("server", NEUTRAL_POINT)),
    true,
  );
});

Deno.test("a server identity under which anybody can sign is bad_identity", async () => {
  for (const serverId of BAD_KEYS) {
    const { server, output, kind } = await failWelcome(
      { serverId, signature: () => FORGED_SIGNATURE },
      "bad_identity",
    );
    assert.equal(kind, "sealedAlert");
    assert.equal(await sealedAlertOf(server, output), "handshakeFailed");
  }
});

Deno.test("a signature over the transcript without the server's identity is bad_signature", async () => {
  const { server, output } = await failWelcome(
    { signed: (th2) => contentToSign("server", th2) },
    "bad_signature",
  );
  assert.equal(await sealedAlertOf(server, output), "handshakeFailed");
});

Deno.test("a signature with the client's context string is bad_signature", async () => {
  await failWelcome({ signed: (_th2, th3) => contentToSign("client", th3) }, "bad_signature");
});

Deno.test("a signature over the bare hash, or with another padding, is bad_signature", async () => {
  await failWelcome({ signed: (_th2, th3) => th3 }, "bad_signature");
  await failWelcome({ signed: (_th2, th3) => contentToSign("server", th3).slice(1) }, "bad_signature");
});

Deno.test("a signature by another key than the one shown is bad_signature", async () => {
  const thief = await identityOf("thief");
  await failWelcome({ identity: thief, serverId: SERVER_IDENTITY.publicKey }, "bad_signature");
});

Deno.test("a signature with any bit changed is bad_signature, the proof over it being right", async () => {
  for (let bit = 0; bit < 512; bit += 13) {
    await failWelcome({ signature: (signature) => flipBit(signature, bit) }, "bad_signature");
  }
  await failWelcome({ signature: () => new Uint8Array(64) }, "bad_signature");
});

Deno.test("a wrong server_finished with a right signature is bad_proof", async () => {
  for (let bit = 0; bit < 256; bit += 7) {
    await failWelcome({ finished: (finished) => flipBit(finished, bit) }, "bad_proof");
  }
  await failWelcome({ finished: () => new Uint8Array(32) }, "bad_proof");
});

Deno.test("the proof is checked before the signature, and the identity's form before both", async () => {
  const zero = () => new Uint8Array(32);
  await failWelcome({ finished: zero, signature: () => new Uint8Array(64) }, "bad_proof");
  await failWelcome({ finished: zero, serverId: NEUTRAL_POINT }, "bad_identity");
});

Deno.test("a suite or mode that was not offered is handshake_failed, in clear: no key is agreed on", async () => {
  const offered = { suites: ["aes-256-gcm"] as const };
  for (
    const hooks of [{ suite: 2 }, { suite: 0 }, { suite: 0xffff }, { authMode: 0 }, { authMode: 2 }, {
      authMode: 3,
    }]
  ) {
    const { kind } = await failWelcome(hooks, "handshake_failed", offered, /was not offered/);
    assert.equal(kind, "alert");
  }
});

Deno.test("an X25519 share of zero is handshake_failed at the client", async () => {
  const zero = (share: Bytes) => concat(share.slice(0, 1088), new Uint8Array(32));
  const { kind } = await failWelcome({ share: zero }, "handshake_failed", {}, /public key is not usable/);
  assert.equal(kind, "alert");
});

Deno.test("a share that the server did not use leads to another key: WELCOME does not open", async () => {
  for (const bit of [0, 8 * 1087, 8 * 1088]) {
    await failWelcome(
      { share: (share) => flipBit(share, bit) },
      "handshake_failed",
      {},
      /Cannot open WELCOME/,
    );
  }
});

Deno.test("a sealed part that is too short or too long is malformed", async () => {
  for (
    const plaintext of [
      (right: Bytes) => right.slice(0, -1),
      (right: Bytes) => concat(right, Uint8Array.of(0)),
      () => new Uint8Array(0),
    ]
  ) {
    const { kind } = await failWelcome({ plaintext }, "malformed");
    assert.equal(kind, "sealedAlert");
  }
});

Deno.test("an extension in WELCOME that nobody knows is passed over, and covered by the transcript", async () => {
  const extensions = [{ type: 9, data: Uint8Array.of(1, 2) }];
  const client = await startClient();
  const server = new RogueServer({ extensions });
  await client.receive(await server.welcome(outputOf(client)), START_MS);
  const [ready] = await client.receive(await server.ready(outputOf(client)), START_MS);
  assert.equal(ready?.kind, "open");

  const other = await startClient();
  const welcome = await new RogueServer({ extensions }).welcome(outputOf(other));
  // The last byte of the clear part is the extension's own.
  const changed = flipBit(welcome, 8 * (welcome.length - 144 - 1));
  await assertRejects(() => other.receive(changed, START_MS), "handshake_failed", /Cannot open WELCOME/);
});

Deno.test("what checkServer throws is what the client fails with, and the server learns no more than that", async () => {
  for (const code of ["unknown_receiver", "receiver_changed"] as const) {
    const own = new StxError(code, "not the one");
    const asked: Bytes[] = [];
    const { server, output, kind } = await failWelcome({}, code, {
      checkServer: (key) => {
        asked.push(key);
        throw own;
      },
    });
    assert.deepEqual(asked, [SERVER_IDENTITY.publicKey]);
    assert.equal(kind, "sealedAlert");
    assert.equal(await sealedAlertOf(server, output), "handshakeFailed");
  }
});

Deno.test("a fault in checkServer comes through as it is, and says so to the server alone", async () => {
  const fault = new TypeError("a fault");
  const client = await startClient({
    checkServer: () => {
      throw fault;
    },
  });
  const server = new RogueServer();
  const welcome = await server.welcome(outputOf(client));
  await assert.rejects(client.receive(welcome, START_MS), fault);
  const output = outputOf(client);
  assert.equal(alertKind(output), "sealedAlert");
  assert.equal(await sealedAlertOf(server, output), "internalError");
  await assert.rejects(client.receive(welcome, START_MS), fault);
});

// ---- READY ----

/** Lets a client accept WELCOME and fail at READY; it says nothing more in the handshake's name. */
async function failReady(hooks: RogueHooks, code: ErrorCode, words?: RegExp): Promise<void> {
  const client = await startClient();
  const server = new RogueServer(hooks);
  await client.receive(await server.welcome(outputOf(client)), START_MS);
  const ready = await server.ready(outputOf(client));
  const error = await assertRejects(() => client.receive(ready, START_MS), code, words);
  const output = outputOf(client);
  assert.equal(alertKind(output), "none");
  await assertClosed(client, output, error);
}

Deno.test("a wrong proof in READY is bad_proof", async () => {
  await failReady({ proof: (proof) => flipBit(proof, 0) }, "bad_proof", /proof does not fit/);
  await failReady({ proof: (proof) => flipBit(proof, 255) }, "bad_proof", /proof does not fit/);
  await failReady({ proof: () => new Uint8Array(32) }, "bad_proof", /proof does not fit/);
});

Deno.test("another session in READY is bad_proof, the proof over it being right", async () => {
  await failReady({ sessionId: (id) => flipBit(id, 0) }, "bad_proof", /another session/);
  await failReady({ sessionId: (id) => flipBit(id, 127) }, "bad_proof", /another session/);
  await failReady({ sessionId: () => new Uint8Array(16) }, "bad_proof", /another session/);
});

Deno.test("READY may not lower a limit below what was allowed before", async () => {
  const right = { windowRecords: 16, windowSizeBytes: 256 * 1024 };
  for (const windowRecords of [0, 1, 15]) {
    await failReady({ limits: { ...right, windowRecords } }, "bad_limits", /below/);
  }
  for (const windowSizeBytes of [0, 1, 256 * 1024 - 1]) {
    await failReady({ limits: { ...right, windowSizeBytes } }, "bad_limits", /below/);
  }
});

Deno.test("READY may not make the client keep more records than the protocol has", async () => {
  for (const windowRecords of [257, 0xffff]) {
    await failReady({ limits: { windowRecords, windowSizeBytes: 2 ** 24 } }, "bad_limits", /above 256/);
  }
});

Deno.test("READY's limits are taken up to their bounds", async () => {
  for (
    const limits of [
      { windowRecords: 16, windowSizeBytes: 256 * 1024 },
      { windowRecords: 256, windowSizeBytes: 2 ** 32 - 1 },
    ]
  ) {
    const client = await startClient();
    const server = new RogueServer({ limits });
    await client.receive(await server.welcome(outputOf(client)), START_MS);
    const [open] = await client.receive(await server.ready(outputOf(client)), START_MS);
    assert.ok(open?.kind === "open");
    assert.deepEqual(open.limits, limits);
  }
});

Deno.test("READY of another size is malformed", async () => {
  await failReady({ readyPlaintext: (right) => right.slice(0, -1) }, "malformed");
  await failReady({ readyPlaintext: (right) => concat(right, Uint8Array.of(0)) }, "malformed");
});

Deno.test("READY under another number of the key does not open", async () => {
  for (const number of [0, 2]) {
    const client = await startClient();
    const server = new RogueServer();
    await client.receive(await server.welcome(outputOf(client)), START_MS);
    const ready = await server.sealed("ready", new Uint8Array(54), number);
    await assertRejects(() => client.receive(ready, START_MS), "handshake_failed", /Cannot open READY/);
  }
});

// ---- Alerts ----

/** A client that waits for READY, with the server that it waits for. */
async function waitingForReady(): Promise<{ client: ClientHandshake; server: RogueServer }> {
  const client = await startClient();
  const server = new RogueServer();
  await client.receive(await server.welcome(outputOf(client)), START_MS);
  outputOf(client);
  return { client, server };
}

Deno.test("an alert in clear is refused_connection or busy, whatever it says and whenever it comes", async () => {
  for (let number = 0; number < 256; number++) {
    // A byte for every kind of alert before WELCOME; those that exist after it too.
    for (const isReady of number < 10 ? [false, true] : [false]) {
      const client = isReady ? (await waitingForReady()).client : await startClient();
      if (!isReady) outputOf(client);
      const alert = Uint8Array.of(5, 0, 0, 1, number);
      const code = number === ALERTS.busy ? "busy" : "refused_connection";
      const error = await assertRejects(() => client.receive(alert, START_MS), code);
      const output = outputOf(client);
      assert.equal(alertKind(output), "none");
      await assertClosed(client, output, error);
    }
  }
});

Deno.test("an alert of another size is malformed", async () => {
  for (const alert of [[5, 0, 0, 0], [5, 0, 0, 2, 3, 3]]) {
    const client = await startClient();
    outputOf(client);
    await assertRejects(() => client.receive(Uint8Array.from(alert), START_MS), "malformed");
    assert.equal(client.state, "closed");
  }
});

Deno.test("a sealed alert in place of READY says what the server means", async () => {
  for (const [name, number] of Object.entries(ALERTS)) {
    const { client, server } = await waitingForReady();
    const expected = alertError(name as keyof typeof ALERTS, true);
    const alert = await server.alert(Uint8Array.of(number), 1);
    const error = await assertRejects(() => client.receive(alert, START_MS), expected.code);
    // Both times are known here, which the alert alone does not say.
    if (name === "clockSkew") assert.match(error.message, /at the sender and .* at the receiver/);
    else assert.equal(error.message, expected.message);
    const output = outputOf(client);
    assert.equal(alertKind(output), "none");
    await assertClosed(client, output, error);
  }
});

Deno.test("a sealed alert that does not open says nothing", async () => {
  for (const number of [0, 2]) {
    const { client, server } = await waitingForReady();
    const alert = await server.alert(Uint8Array.of(ALERTS.accessDenied), number);
    await assertRejects(
      () => client.receive(alert, START_MS),
      "handshake_failed",
      /Cannot open the server's alert/,
    );
  }
  for (let bit = 32; bit < 8 * 21; bit++) {
    const { client, server } = await waitingForReady();
    const alert = await server.alert(Uint8Array.of(ALERTS.accessDenied), 1);
    await assertRejects(() => client.receive(flipBit(alert, bit), START_MS), "handshake_failed");
  }
});

Deno.test("a READY that is called an alert, or an alert that is called READY, does not open", async () => {
  const first = await waitingForReady();
  const ready = await first.server.sealed("ready", Uint8Array.of(ALERTS.accessDenied), 1);
  ready[0] = 6;
  await assertRejects(() => first.client.receive(ready, START_MS), "handshake_failed");
  const second = await waitingForReady();
  const alert = await second.server.sealed("sealedAlert", new Uint8Array(54), 1);
  alert[0] = 4;
  await assertRejects(() => second.client.receive(alert, START_MS), "handshake_failed");
});
