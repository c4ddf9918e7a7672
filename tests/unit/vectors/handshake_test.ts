import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import type { ClientHandshake } from "../../../lib/handshake/client.ts";
import type { HandshakeEvent } from "../../../lib/handshake/outcome.ts";
import type { ServerHandshake } from "../../../lib/handshake/server.ts";
import { cryptoSettled } from "../../support/settled_crypto.ts";
import { assertBytes, type ClientSetup, modeOf, readVectors, type ServerSetup, suiteOf } from "./files.ts";
import { withFixedKem } from "./fixed_kem.ts";
import { startClient, startServer } from "./handshake_ends.ts";

interface HandshakeCase {
  readonly name: string;
  readonly mode: number;
  readonly suite: number;
  readonly client: ClientSetup;
  readonly server: ServerSetup;
  readonly values: Readonly<Record<string, string>>;
  readonly hello: string;
  readonly welcome: string;
  readonly verify: string;
  readonly ready: string;
}

function outputOf(machine: ClientHandshake | ServerHandshake): Bytes {
  return concat(...machine.takeOutput());
}

/** Holds what an end knows of the session against a vector. */
function assertKeys(event: HandshakeEvent | undefined, each: HandshakeCase, end: "client" | "server"): void {
  assert.ok(event !== undefined, "nothing is reported");
  const { keys } = event;
  const { values } = each;
  const sides = end === "client" ? ["c", "s"] : ["s", "c"];
  assertBytes(keys.sendSecret, values[`${sides[0]}_ap_0`]!, "sendSecret");
  assertBytes(keys.receiveSecret, values[`${sides[1]}_ap_0`]!, "receiveSecret");
  assertBytes(keys.sessionId, values["session_id"]!, "sessionId");
  assertBytes(keys.peerIdentity, values[end === "client" ? "server_id" : "client_id"]!, "peerIdentity");
  assert.deepEqual([keys.suite, keys.authMode], [suiteOf(each.suite), modeOf(each.mode)]);
  if (event.kind !== "open") return;
  const { window_records, window_bytes } = each.server;
  assert.deepEqual(event.limits, { windowRecords: window_records, windowSizeBytes: window_bytes });
  assertBytes(event.exporter, values["exporter"]!, "exporter");
}

const { cases } = readVectors<{ cases: readonly HandshakeCase[] }>("handshake");

Deno.test("there is a handshake for each mode and suite", () => {
  const kinds = new Set(cases.map(({ mode, suite }) => `${mode}/${suite}`));
  assert.deepEqual([...kinds].sort(), ["1/1", "1/2", "2/1", "2/2", "3/1", "3/2"]);
});

for (const each of cases) {
  Deno.test(`the client of the handshake "${each.name}"`, async () => {
    const { machine, random } = await startClient(each.client);
    assert.equal(random.leftCount, 0, "it has not drawn all of its randomness");
    assertBytes(outputOf(machine), each.hello, "HELLO");
    const nowMs = each.client.time * 1000;
    const [verified, ...more] = await machine.receive(fromHex(each.welcome), nowMs);
    assertBytes(outputOf(machine), each.verify, "VERIFY");
    assert.equal(verified?.kind, "verified");
    assertKeys(verified, each, "client");
    assert.deepEqual(more, []);
    const [open] = await machine.receive(fromHex(each.ready), nowMs);
    assert.equal(open?.kind, "open");
    assertKeys(open, each, "client");
    assertBytes(outputOf(machine), "");
    await cryptoSettled();
  });

  Deno.test(`the server of the handshake "${each.name}"`, async () => {
    const { machine, random } = await startServer(each.server);
    const nowMs = each.server.time * 1000;
    const count = await withFixedKem(fromHex(each.server.kem_randomness), async () => {
      assert.deepEqual(await machine.receive(fromHex(each.hello), nowMs), []);
    });
    assert.deepEqual([count, random.leftCount], [1, 0], "it has not drawn all of its randomness");
    assertBytes(outputOf(machine), each.welcome, "WELCOME");
    const [open] = await machine.receive(fromHex(each.verify), nowMs);
    assertBytes(outputOf(machine), each.ready, "READY");
    assert.equal(open?.kind, "open");
    assertKeys(open, each, "server");
    await cryptoSettled();
  });

  Deno.test(`the frames of the handshake "${each.name}" are cut as the document says`, () => {
    const { values, hello, welcome, verify, ready } = each;
    const at = (frame: string, offset: number, size: number): string =>
      toHex(fromHex(frame).slice(4 + offset, 4 + offset + size));
    assert.equal(at(hello, 44, 1184), values["client_ek"]);
    assert.equal(at(hello, 1228, 32), values["client_x25519"]);
    assert.equal(at(welcome, 40, 1088), values["kem_ciphertext"]);
    assert.equal(at(welcome, 1128, 32), values["server_x25519"]);
    if (values["binder"] !== undefined) assert.ok(hello.endsWith(values["binder"]));
    assert.deepEqual([verify.length, ready.length], [2 * 149, 2 * 74]);
  });
}
