import { createHash, createHmac } from "node:crypto";
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../../lib/bytes/bytes.ts";
import {
  deriveExporter,
  deriveHandshakeSecrets,
  deriveSessionSecrets,
  finishedMac,
} from "../../../lib/handshake/key_schedule.ts";
import { signedContent } from "../../../lib/handshake/outcome.ts";
import { contentToSign } from "../../support/rogue_server.ts";
import { counting } from "../wire/codecs.ts";

// The specification's formulas over the platform's HMAC, sharing nothing with what is tested.
function hmac(key: Bytes, message: Bytes): Bytes {
  return new Uint8Array(createHmac("sha256", key).update(message).digest());
}
function xl(secret: Bytes, label: string, context: Bytes, size: number): Bytes {
  const name = utf8(`stx1 ${label}`);
  const info = concat(
    Uint8Array.of(0, size, name.length),
    name,
    Uint8Array.of(context.length),
    context,
    Uint8Array.of(1),
  );
  return hmac(secret, info).slice(0, size);
}
const ds = (secret: Bytes, label: string, hash: Bytes) => xl(secret, label, hash, 32);
const EMPTY_HASH = new Uint8Array(createHash("sha256").digest());
const ZEROS: Bytes = new Uint8Array(32);

const SHARED = counting(64, 5);
const TH2 = counting(32, 2);
const TH8 = counting(32, 8);
const TH10 = counting(32, 10);

Deno.test("the handshake's secrets are those of the specification", () => {
  const early = hmac(ZEROS, ZEROS);
  const handshake = hmac(ds(early, "derived", EMPTY_HASH), SHARED);
  const secrets = deriveHandshakeSecrets(SHARED, TH2, undefined);
  assert.deepEqual(secrets.client, ds(handshake, "c hs", TH2));
  assert.deepEqual(secrets.server, ds(handshake, "s hs", TH2));
  assert.deepEqual(secrets.master, hmac(ds(handshake, "derived", EMPTY_HASH), ZEROS));
  assert.deepEqual(SHARED, counting(64, 5));
});

Deno.test("the session's secrets are those of the specification", () => {
  const master = counting(32, 77);
  const secrets = deriveSessionSecrets(master, TH8);
  assert.deepEqual(secrets.client, ds(master, "c ap", TH8));
  assert.deepEqual(secrets.server, ds(master, "s ap", TH8));
  assert.deepEqual(secrets.ready, ds(master, "ready", TH8));
  assert.deepEqual(secrets.sessionId, xl(master, "session id", TH8, 16));
  assert.deepEqual(deriveExporter(master, TH10), ds(master, "exp", TH10));
  assert.deepEqual(finishedMac(master, TH8), hmac(xl(master, "finished", new Uint8Array(0), 32), TH8));
});

Deno.test("no two secrets are equal, and each depends on the shared secret and the transcript", () => {
  const all = (shared: Bytes, th2: Bytes, th8: Bytes) => {
    const first = deriveHandshakeSecrets(shared, th2, undefined);
    const second = deriveSessionSecrets(first.master, th8);
    return [
      first.client,
      first.server,
      first.master,
      second.client,
      second.server,
      second.ready,
      second.sessionId,
    ].map((each) => each.toHex());
  };
  const base = all(SHARED, TH2, TH8);
  assert.equal(new Set(base).size, base.length);
  for (const [i, hex] of all(counting(64, 6), TH2, TH8).entries()) assert.notEqual(hex, base[i]);
  const others = all(SHARED, counting(32, 3), counting(32, 9));
  for (const [i, hex] of others.entries()) {
    // The master secret has no transcript in it: what is derived from it has.
    if (i === 2) assert.equal(hex, base[i]);
    else assert.notEqual(hex, base[i]);
  }
});

Deno.test("what is signed is padding, context, a zero and the transcript, and differs by role", () => {
  for (const role of ["client", "server"] as const) {
    assert.deepEqual(signedContent(role, TH2), contentToSign(role, TH2));
    assert.equal(signedContent(role, TH2).length, 64 + "STX/1 server handshake".length + 1 + 32);
  }
  assert.notDeepEqual(signedContent("client", TH2), signedContent("server", TH2));
});
