import assert from "node:assert/strict";
import { type Bytes, concat, fromHex, toHex } from "../../../lib/bytes/bytes.ts";
import { u16, vector16 } from "../../../lib/wire/fields.ts";
import {
  decodeHello,
  decodeReady,
  decodeWelcome,
  encodeHello,
  encodeLimits,
  encodeReady,
  encodeServerAuthentication,
  encodeVerify,
  encodeWelcome,
  type Extension,
  READY_SIZE,
  SERVER_AUTHENTICATION_SIZE,
  VERIFY_SIZE,
} from "../../../lib/wire/handshake_messages.ts";
import { assertFails } from "../identity/failures.ts";
import { counting, HELLO, helloBeginning } from "./codecs.ts";

/** Where HELLO's suites begin: magic, version, time, nonce and share come before. */
const SUITES_AT = 3 + 1 + 8 + 32 + 1216;

/** HELLO's body up to its suites, and whatever is to follow. */
function helloWith(rest: string): Bytes {
  return concat(encodeHello(HELLO).subarray(0, SUITES_AT), fromHex(rest));
}

function withExtensions(extensions: readonly Extension[]): Bytes {
  return encodeHello({ ...HELLO, extensions });
}

Deno.test("HELLO has the layout of the specification", () => {
  const bytes = encodeHello({ ...HELLO, extensions: [{ type: 0x0102, data: Uint8Array.of(0xaa) }] });
  assert.equal(
    toHex(bytes),
    toHex(fromHex("535458" + "01" + "000000006b49d200")) + toHex(counting(32, 1)) + toHex(counting(1216, 2)) +
      "0400020001" + "0101" + "00050102" + "0001aa",
  );
});

Deno.test("WELCOME, VERIFY and READY have the layouts of the specification", () => {
  const welcome = encodeWelcome({
    serverTimeS: 1,
    serverNonce: counting(32),
    serverShare: counting(1120),
    suite: 0x0102,
    authMode: 3,
    extensions: [],
  });
  assert.equal(
    toHex(welcome),
    "0000000000000001" + toHex(counting(32)) + toHex(counting(1120)) + "0102030000",
  );
  const sealed = encodeServerAuthentication({
    serverId: counting(32),
    signature: counting(64),
    finished: counting(32, 9),
  });
  assert.equal(toHex(sealed), toHex(counting(32)) + toHex(counting(64)) + toHex(counting(32, 9)));
  assert.equal(sealed.length, SERVER_AUTHENTICATION_SIZE);
  const verify = encodeVerify({
    clientId: counting(32),
    intent: 7,
    signature: counting(64),
    proof: counting(32, 9),
  });
  assert.equal(toHex(verify), toHex(counting(32)) + "07" + toHex(counting(64)) + toHex(counting(32, 9)));
  assert.equal(verify.length, VERIFY_SIZE);
  const limits = { windowRecords: 0x0102, windowSizeBytes: 0x03040506 };
  assert.equal(toHex(encodeLimits(limits)), "010203040506");
  const ready = encodeReady({ sessionId: counting(16), limits, proof: counting(32, 9) });
  assert.equal(toHex(ready), toHex(counting(16)) + "010203040506" + toHex(counting(32, 9)));
  assert.equal(ready.length, READY_SIZE);
  assert.deepEqual(decodeReady(ready).limits, limits);
});

Deno.test("HELLO must begin with STX", () => {
  for (const magic of ["stx", "ST\0", "XTS", "SSH"]) {
    assertFails(() => decodeHello(helloBeginning(magic, 1)), "malformed", /does not begin with STX/);
  }
});

Deno.test("HELLO of another version is refused as such, before anything behind it is read", () => {
  for (const version of [0, 2, 255]) {
    assertFails(() => decodeHello(helloBeginning("STX", version)), "unsupported_version", /expected 1/);
    assertFails(() => decodeHello(helloBeginning("STX", version).slice(0, 4)), "unsupported_version");
  }
});

Deno.test("HELLO's time must be a number that is counted exactly", () => {
  const bytes = encodeHello(HELLO);
  bytes.set(fromHex("0020000000000000"), 4);
  assertFails(() => decodeHello(bytes), "malformed", /2\^53/);
});

Deno.test("HELLO must offer a suite and a mode", () => {
  assertFails(() => decodeHello(helloWith("00" + "0101" + "0000")), "malformed", /no suite or no mode/);
  assertFails(() => decodeHello(helloWith("020001" + "00" + "0000")), "malformed", /no suite or no mode/);
  assert.deepEqual(decodeHello(helloWith("020001" + "0101" + "0000")).suites, [1]);
});

Deno.test("HELLO's suites are whole numbers of two bytes", () => {
  assertFails(() => decodeHello(helloWith("0100" + "0101" + "0000")), "malformed", /suites/);
  assertFails(() => decodeHello(helloWith("03000100" + "0101" + "0000")), "malformed", /suites/);
});

Deno.test("HELLO has a binder if and only if a mode with a shared key is offered", () => {
  const binder = counting(32, 3);
  for (const mode of [2, 3]) {
    const bytes = encodeHello({ ...HELLO, authModes: [1, mode], binder });
    assert.deepEqual(decodeHello(bytes).binder, binder);
    for (const size of [0, 1, 31]) {
      assertFails(() => decodeHello(bytes.slice(0, bytes.length - 32 + size)), "malformed");
    }
  }
  assertFails(() => decodeHello(encodeHello({ ...HELLO, binder })), "malformed", /32 bytes follow/);
  assert.equal(decodeHello(encodeHello(HELLO)).binder, undefined);
});

Deno.test("modes and suites that do not exist yet are kept, for the server to pass over", () => {
  const hello = decodeHello(encodeHello({ ...HELLO, suites: [9, 1], authModes: [200, 1] }));
  assert.deepEqual(hello.suites, [9, 1]);
  assert.deepEqual(hello.authModes, [200, 1]);
});

Deno.test("extensions come in ascending order, each once", () => {
  const data = new Uint8Array(0);
  assert.equal(decodeHello(withExtensions([{ type: 0, data }, { type: 1, data }])).extensions.length, 2);
  for (const types of [[1, 1], [0, 0], [2, 1], [1, 2, 2], [0xffff, 0]]) {
    const bytes = withExtensions(types.map((type) => ({ type, data })));
    assertFails(() => decodeHello(bytes), "malformed", /ascending/);
  }
});

Deno.test("an extension may not reach beyond the list, nor the list beyond the message", () => {
  for (const list of ["00", "000100", "00010001", "0001ffff00"]) {
    const bytes = concat(encodeHello(HELLO).slice(0, -2), vector16(fromHex(list)));
    assertFails(() => decodeHello(bytes), "malformed", /extensions/);
  }
  const tooLong = concat(encodeHello(HELLO).slice(0, -2), u16(5), new Uint8Array(4));
  assertFails(() => decodeHello(tooLong), "malformed", /HELLO/);
});

Deno.test("as many extensions as fit into a frame are read at once", () => {
  const extensions = Array.from({ length: 3700 }, (_, type) => ({ type, data: new Uint8Array(0) }));
  assert.equal(decodeHello(withExtensions(extensions)).extensions.length, 3700);
});

Deno.test("WELCOME gives the very bytes of its clear part, and the sealed rest", () => {
  const clear = encodeWelcome({
    serverTimeS: 1,
    serverNonce: counting(32),
    serverShare: counting(1120),
    suite: 1,
    authMode: 1,
    extensions: [{ type: 3, data: counting(4) }],
  });
  const decoded = decodeWelcome(concat(clear, counting(160)));
  assert.deepEqual(decoded.clear, clear);
  assert.deepEqual(decoded.sealed, counting(160));
  assert.deepEqual(decodeWelcome(clear).sealed, new Uint8Array(0));
});
