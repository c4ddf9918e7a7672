/** What a server makes of a client, or of somebody on the way, that departs from the specification in one point. */
import assert from "node:assert/strict";
import { type Bytes, concat } from "../../../lib/bytes/bytes.ts";
import { type ErrorCode, StxError } from "../../../lib/errors.ts";
import type { ServerHandshake, ServerOptions } from "../../../lib/handshake/server.ts";
import { alertError, ALERTS, decodeAlert } from "../../../lib/wire/alert.ts";
import { encodeFrame } from "../../../lib/wire/frame.ts";
import {
  alertKind,
  CLIENT_IDENTITY,
  identityOf,
  outputOf,
  runHandshake,
  START_MS,
  startClient,
  startServer,
} from "../../support/handshake_ends.ts";
import { flipBit } from "../../support/pieces.ts";
import { RogueClient, type RogueClientHooks } from "../../support/rogue_client.ts";
import { contentToSign } from "../../support/rogue_server.ts";
import { HELLO, helloBeginning } from "../wire/codecs.ts";
import { assertRejects } from "../identity/failures.ts";

const NEUTRAL_POINT: Bytes = Uint8Array.of(1, ...new Uint8Array(31));
const FORGED_SIGNATURE: Bytes = concat(NEUTRAL_POINT, new Uint8Array(32));

/** Asserts that `server` is closed for good and that nothing of it has left but an alert. */
async function assertClosed(server: ServerHandshake, output: Bytes, failure: unknown): Promise<void> {
  assert.equal(server.state, "closed");
  alertKind(output);
  assert.equal(outputOf(server).length, 0);
  assert.equal(server.nextTimeoutMs(), undefined);
  await assert.rejects(server.receive(Uint8Array.of(3, 0, 0, 0), START_MS), failure as Error);
  assert.equal(outputOf(server).length, 0);
}

/** Sends a HELLO with `hooks` to a server, which must refuse it in clear. */
async function failHello(
  frame: Bytes,
  code: ErrorCode,
  change: Partial<ServerOptions> = {},
  words?: RegExp,
): Promise<void> {
  const server = startServer(change);
  const error = await assertRejects(() => server.receive(frame, START_MS), code, words);
  const output = outputOf(server);
  assert.deepEqual(output, encodeFrame("alert", Uint8Array.of(ALERTS.handshakeFailed)));
  await assertClosed(server, output, error);
}

/** Lets a server accept HELLO and fail at VERIFY; returns the alert that its client reads. */
async function failVerify(
  hooks: RogueClientHooks,
  code: ErrorCode,
  change: Partial<ServerOptions> = {},
  words?: RegExp,
): Promise<string> {
  let asked = 0;
  const server = startServer({ authorize: () => void (asked += 1), ...change });
  const client = await RogueClient.start(hooks);
  await server.receive(client.hello(), START_MS);
  await client.welcome(outputOf(server));
  const verify = await client.verify();
  const error = await assertRejects(() => server.receive(verify, START_MS), code, words);
  const output = outputOf(server);
  assert.equal(alertKind(output), "sealedAlert");
  await assertClosed(server, output, error);
  // Whom to let in is never asked about somebody who has not proved who it is.
  if (change.authorize === undefined) assert.equal(asked, 0);
  return decodeAlert((await client.open(output, 1))!);
}

Deno.test("HELLO must be one, of this version", async () => {
  await failHello(encodeFrame("hello", helloBeginning("SSH", 1)), "malformed");
  await failHello(encodeFrame("hello", helloBeginning("STX", 2)), "unsupported_version");
  await failHello(encodeFrame("hello", new Uint8Array(0)), "malformed");
});

Deno.test("HELLO must offer a suite that the server has, and a mode that it takes", async () => {
  const hello = async (change: Partial<typeof HELLO>) => (await RogueClient.start({ hello: change })).hello();
  await failHello(
    await hello({ suites: [2] }),
    "handshake_failed",
    { suites: ["aes-256-gcm"] },
    /no cipher suite/,
  );
  await failHello(await hello({ suites: [0, 3, 0xffff] }), "handshake_failed", {}, /no cipher suite/);
  await failHello(
    await hello({ authModes: [0, 4, 255] }),
    "handshake_failed",
    {},
    /no way to authenticate that this end takes$/,
  );
  const binder = new Uint8Array(32);
  await failHello(
    await hello({ authModes: [2], binder }),
    "handshake_failed",
    {},
    /no way to authenticate .*comes with a shared key, and this end has none$/,
  );
  await failHello(
    await hello({ authModes: [3, 2], binder }),
    "handshake_failed",
    {},
    /no way to authenticate/,
  );
});

Deno.test("an encapsulation key of all ones is handshake_failed at the server", async () => {
  const share = HELLO.clientShare.slice();
  share.fill(0xff, 0, 1184);
  const hello = (await RogueClient.start({ hello: { clientShare: share } })).hello();
  await failHello(hello, "handshake_failed", {}, /public key is not usable/);
});

Deno.test("an X25519 share of zero is handshake_failed at the server", async () => {
  const hello = (await RogueClient.start()).hello();
  // Magic, version, time and nonce, then the KEM's key: the X25519 share follows.
  const at = 4 + 3 + 1 + 8 + 32 + 1184;
  hello.fill(0, at, at + 32);
  await failHello(hello, "handshake_failed", {}, /public key is not usable/);
});

Deno.test("a failure of the server's own identity is told in clear as nothing but a failure", async () => {
  const fault = new Error("the agent is gone");
  const server = startServer({
    identity: { publicKey: CLIENT_IDENTITY.publicKey, sign: () => Promise.reject(fault) },
  });
  await assert.rejects(server.receive((await RogueClient.start()).hello(), START_MS), fault);
  const output = outputOf(server);
  assert.deepEqual(output, encodeFrame("alert", Uint8Array.of(ALERTS.handshakeFailed)));
  await assertClosed(server, output, fault);
});

Deno.test("a client identity under which anybody can sign is bad_identity", async () => {
  for (const clientId of [NEUTRAL_POINT, new Uint8Array(32), new Uint8Array(32).fill(0xff)]) {
    assert.equal(
      await failVerify({ clientId, signature: () => FORGED_SIGNATURE }, "bad_identity"),
      "handshakeFailed",
    );
  }
});

Deno.test("a client's signature over another transcript, context or key is bad_signature", async () => {
  const cases: readonly RogueClientHooks[] = [
    { signed: (th5) => contentToSign("client", th5) },
    { signed: (_th5, th6) => contentToSign("server", th6) },
    { signed: (_th5, th6) => th6 },
    { identity: await identityOf("thief"), clientId: CLIENT_IDENTITY.publicKey },
    { signature: () => new Uint8Array(64) },
    { signature: (signature) => flipBit(signature, 0) },
    { signature: (signature) => flipBit(signature, 511) },
  ];
  for (const hooks of cases) assert.equal(await failVerify(hooks, "bad_signature"), "handshakeFailed");
});

Deno.test("a wrong client_proof with a right signature is bad_proof", async () => {
  for (const bit of [0, 100, 255]) {
    assert.equal(await failVerify({ proof: (proof) => flipBit(proof, bit) }, "bad_proof"), "handshakeFailed");
  }
  await failVerify({ proof: () => new Uint8Array(32) }, "bad_proof");
});

Deno.test("the proof is checked before the signature, and the identity's form before both", async () => {
  const zero = () => new Uint8Array(32);
  await failVerify({ proof: zero, signature: () => new Uint8Array(64) }, "bad_proof");
  await failVerify({ proof: zero, clientId: NEUTRAL_POINT }, "bad_identity");
});

Deno.test("an intent that does not exist is handshake_failed, once the client is verified", async () => {
  for (const intent of [0, 2, 255]) {
    assert.equal(
      await failVerify({ intent }, "handshake_failed", {}, /intent \d+ does not exist/),
      "handshakeFailed",
    );
  }
});

Deno.test("VERIFY of another size is malformed", async () => {
  await failVerify({ plaintext: (right) => right.slice(0, -1) }, "malformed");
  await failVerify({ plaintext: (right) => concat(right, Uint8Array.of(0)) }, "malformed");
  await failVerify({ plaintext: () => new Uint8Array(0) }, "malformed");
});

Deno.test("VERIFY under another number of the key does not open", async () => {
  const server = startServer();
  const client = await RogueClient.start();
  await server.receive(client.hello(), START_MS);
  await client.welcome(outputOf(server));
  const verify = await client.sealed("verify", new Uint8Array(129), 1);
  await assertRejects(() => server.receive(verify, START_MS), "handshake_failed", /Cannot open VERIFY/);
  assert.equal(alertKind(outputOf(server)), "sealedAlert");
});

Deno.test("a client that is not authorized learns it by a sealed alert", async () => {
  const { failures, client, server, sent } = await runHandshake(
    await startClient(),
    startServer({
      authorize: () => {
        throw new StxError("unauthorized", "not on the list");
      },
    }),
  );
  assert.deepEqual(failures.map(({ side, code }) => [side, code]), [
    ["server", "unauthorized"],
    ["client", "unauthorized"],
  ]);
  assert.match(failures[1]!.error.hint!, /authorized_keys/);
  assert.equal(alertKind(sent.server[1]!), "sealedAlert");
  assert.deepEqual([client.state, server.state], ["closed", "closed"]);
});

Deno.test("what authorize throws comes through, and becomes one of a few sealed alerts", async () => {
  const cases: readonly [Error, string][] = [
    [new StxError("unauthorized", ""), "accessDenied"],
    [new StxError("busy", ""), "busy"],
    [new StxError("clock_skew", ""), "clockSkew"],
    [new StxError("bad_trust_file", "line 3"), "internalError"],
    [new StxError("usage", "what nobody asks"), "handshakeFailed"],
  ];
  for (const [error, alert] of cases) {
    const authorize = () => {
      throw error;
    };
    assert.equal(await failVerify({}, (error as StxError).code, { authorize }), alert);
  }
});

Deno.test("an alert in clear in place of VERIFY is refused_connection or busy", async () => {
  for (let number = 0; number < 10; number++) {
    const server = startServer();
    await server.receive((await RogueClient.start()).hello(), START_MS);
    outputOf(server);
    const code = number === ALERTS.busy ? "busy" : "refused_connection";
    const alert = encodeFrame("alert", Uint8Array.of(number));
    const error = await assertRejects(() => server.receive(alert, START_MS), code);
    const output = outputOf(server);
    assert.equal(alertKind(output), "none");
    await assertClosed(server, output, error);
  }
});

Deno.test("a sealed alert in place of VERIFY says what the client means, if it opens", async () => {
  for (const [name, number] of Object.entries(ALERTS)) {
    for (const isRight of [true, false]) {
      const server = startServer();
      const client = await RogueClient.start();
      await server.receive(client.hello(), START_MS);
      await client.welcome(outputOf(server));
      const heard = alertError(name as keyof typeof ALERTS, true, "client");
      const [expected, message] = isRight
        ? [heard.code, heard.message]
        : ["handshake_failed", "Cannot open the client's alert"] as const;
      const alert = await client.sealed("sealedAlert", Uint8Array.of(number), isRight ? 0 : 1);
      const error = await assertRejects(() => server.receive(alert, START_MS), expected);
      // The clocks' difference comes with its size.
      if (expected !== "clock_skew") assert.equal((error as StxError).message, message);
      assert.equal(alertKind(outputOf(server)), isRight ? "none" : "sealedAlert");
      assert.equal(server.state, "closed");
    }
  }
});

Deno.test("a client that does not know the server tells it so by a sealed alert, and not who it is itself", async () => {
  const { failures, sent } = await runHandshake(
    await startClient({
      checkServer: () => {
        throw new StxError("unknown_receiver", "never seen");
      },
    }),
    startServer(),
  );
  assert.deepEqual(failures.map(({ side, code }) => [side, code]), [
    ["client", "unknown_receiver"],
    ["server", "handshake_failed"],
  ]);
  assert.deepEqual(sent.client.length, 2);
  assert.equal(alertKind(sent.client[1]!), "sealedAlert");
});
