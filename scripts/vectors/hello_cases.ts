/**
 * Faults that a server must notice in HELLO, and in what comes in its place.
 * @module
 */
import { type Case, clear, clearAlert } from "./cases.ts";
import { OTHER_SHARED_KEY, PLAIN, PSK, SHARED_KEY, THIRD_SHARED_KEY } from "./handshake_cases.ts";
import { type ClientFaults, extensions, frame, frameHeader, FRAMES } from "./handshake_inputs.ts";
import {
  type Bytes,
  ds,
  extract,
  finished,
  flipped,
  hex,
  hmac,
  join,
  NOTHING,
  number,
  overwritten,
  repeated,
  sha256,
  text,
  vector8,
  X25519_ORDER_8,
  xl,
  ZEROS,
} from "./primitives.ts";
import { atHello, atShare, atVerify } from "./server_case.ts";

const REFUSED = { error: "handshake_failed", alert: clear(1) };
const MALFORMED = { error: "malformed", alert: clear(1) };
const UNEXPECTED = { error: "unexpected_message", alert: clear(1) };

/** The binder of another key, over another hash, or with another label. */
function binderOf(psk: Bytes, hash: Bytes, label = "psk binder"): Bytes {
  return finished(ds(extract(ZEROS, psk), label, sha256()), hash);
}

const BINDERS: readonly Case[] = [
  atHello("one bit of the binder flipped", {
    inputs: PSK,
    client: { binder: (right) => flipped(right, 31) },
    ...REFUSED,
  }),
  atHello("the binder of another key", {
    inputs: PSK,
    client: { binder: (_, values) => binderOf(OTHER_SHARED_KEY, values["th0"]!) },
    ...REFUSED,
  }),
  atHello("the binder missing", {
    inputs: PSK,
    hello: (hello) => frame(FRAMES.hello, hello.slice(4, -32)),
    ...MALFORMED,
  }),
  atHello("the binder over a header that does not count it", {
    inputs: PSK,
    hello: (hello) => {
      const body = hello.slice(4, -32);
      const hash = sha256(frameHeader(FRAMES.hello, body.length), body);
      return join(hello.slice(0, -32), binderOf(SHARED_KEY, hash));
    },
    ...REFUSED,
  }),
  atHello("the binder over HELLO's body without its header", {
    inputs: PSK,
    hello: (hello) => join(hello.slice(0, -32), binderOf(SHARED_KEY, sha256(hello.slice(4, -32)))),
    ...REFUSED,
  }),
  atHello("the binder with ES itself as its key", {
    inputs: PSK,
    client: { binder: (_, values) => hmac(extract(ZEROS, SHARED_KEY), values["th0"]!) },
    ...REFUSED,
  }),
  atHello("the binder with TLS 1.3's label", {
    inputs: PSK,
    client: { binder: (_, values) => binderOf(SHARED_KEY, values["th0"]!, "ext binder") },
    ...REFUSED,
  }),
  atHello("the binder without the key's second derivation", {
    inputs: PSK,
    client: {
      binder: (_, values) => hmac(xl(extract(ZEROS, SHARED_KEY), "finished", NOTHING, 32), values["th0"]!),
    },
    ...REFUSED,
  }),
  atHello("HELLO's modes changed on the way, with a binder", {
    inputs: { ...PSK, modes: [2, 1] },
    setup: { modes: [1, 2] },
    hello: (hello) => overwritten(hello, 4 + 1266, Uint8Array.of(1, 2)),
    ...REFUSED,
  }),
  atHello("HELLO's time changed on the way, with a binder", {
    inputs: PSK,
    hello: (hello) => flipped(hello, 4 + 11),
    ...REFUSED,
  }),
  atHello("no key fits, though another mode is offered that the server takes", {
    inputs: { ...PSK, modes: [1, 2] },
    setup: { modes: [1, 2], shared_keys: [OTHER_SHARED_KEY, THIRD_SHARED_KEY].map(hex) },
    ...REFUSED,
  }),
  atHello("a shared key is required, mode 1 is offered", { setup: { modes: [2, 3] }, ...REFUSED }),
  atHello("mode 2 is offered, the server has no shared key", {
    inputs: PSK,
    setup: { shared_keys: [], modes: [1, 2, 3] },
    ...REFUSED,
  }),
  atHello("mode 2 is offered, the server takes mode 3 alone", {
    inputs: { ...PSK, modes: [2] },
    setup: { modes: [3] },
    ...REFUSED,
  }),
  atHello("32 bytes in the place of a binder, without a mode that has one", {
    hello: (hello) => frame(FRAMES.hello, join(hello.slice(4), new Uint8Array(32))),
    ...MALFORMED,
  }),
];

/** HELLO with its lists of suites, modes and extensions replaced. */
function withLists(suites: Bytes, modes: Bytes, last = extensions()): ClientFaults {
  return { helloBody: (right) => join(right.slice(0, 1260), suites, modes, last) };
}

const BOTH_SUITES = vector8(join(number(1, 2), number(2, 2)));
const MODE_1 = vector8(number(1, 1));

const SHAPES: readonly Case[] = [
  atHello("HELLO does not begin with STX", { hello: (hello) => flipped(hello, 4), ...MALFORMED }),
  atHello("HELLO of version 2", {
    hello: (hello) => overwritten(hello, 7, number(2, 1)),
    error: "unsupported_version",
    alert: clear(1),
  }),
  atHello("a client_time of 2^53", {
    hello: (hello) => overwritten(hello, 8, number(2n ** 53n, 8)),
    ...MALFORMED,
  }),
  atHello("no suite", { client: withLists(vector8(NOTHING), MODE_1), ...MALFORMED }),
  atHello("no mode", { client: withLists(BOTH_SUITES, vector8(NOTHING)), ...MALFORMED }),
  atHello("half a suite", { client: withLists(vector8(number(1, 3)), MODE_1), ...MALFORMED }),
  atHello("no suite that the server has", {
    client: withLists(vector8(join(number(3, 2), number(0, 2))), MODE_1),
    ...REFUSED,
  }),
  atHello("no mode that exists", { client: withLists(BOTH_SUITES, vector8(number(4, 1))), ...REFUSED }),
  atHello("extensions out of order", {
    client: withLists(BOTH_SUITES, MODE_1, extensions([2, NOTHING], [1, NOTHING])),
    ...MALFORMED,
  }),
  atHello("an extension twice", {
    client: withLists(BOTH_SUITES, MODE_1, extensions([1, NOTHING], [1, NOTHING])),
    ...MALFORMED,
  }),
  atHello("an extension longer than the extensions", {
    client: withLists(BOTH_SUITES, MODE_1, join(number(4, 2), number(1, 2), number(1, 2))),
    ...MALFORMED,
  }),
  atHello("a byte behind HELLO's last field", {
    hello: (hello) => frame(FRAMES.hello, join(hello.slice(4), number(0, 1))),
    ...MALFORMED,
  }),
  atHello("HELLO lacks its last byte", {
    hello: (hello) => frame(FRAMES.hello, hello.slice(4, -1)),
    ...MALFORMED,
  }),
  atHello("a body above 16,384 bytes is announced", {
    hello: () => frameHeader(FRAMES.hello, 16_385),
    ...MALFORMED,
  }),
  atHello("a frame of type 0", { hello: () => number(0, 1), ...MALFORMED }),
  atHello("a frame of type 7", { hello: () => number(7, 1), ...MALFORMED }),
];

const FRESHNESS: readonly Case[] = [
  atHello("a HELLO whose nonce is remembered in memory", {
    setup: { nonces_in_memory: [hex(PLAIN.clientNonce)] },
    ...REFUSED,
  }),
  atHello("no answer is left", { setup: { answers_left: 0 }, error: "busy", alert: clear(2) }),
  atHello("no answer is left, and the nonce is remembered", {
    setup: { answers_left: 0, nonces_in_memory: [hex(PLAIN.clientNonce)] },
    ...REFUSED,
  }),
];

const SHARES: readonly Case[] = [
  atShare("the encapsulation key is all FF", {
    hello: (hello) => overwritten(hello, 4 + 44, repeated(0xff, 1184)),
    ...REFUSED,
  }),
  atShare("one coefficient of the encapsulation key is the modulus", {
    // 3329 in the lowest 12 bits of the first three bytes.
    hello: (hello) => overwritten(hello, 4 + 44, Uint8Array.of(0x01, (hello[4 + 45]! & 0xf0) | 0x0d)),
    ...REFUSED,
  }),
  atShare("the client's X25519 key is zero", {
    hello: (hello) => overwritten(hello, 4 + 1228, new Uint8Array(32)),
    ...REFUSED,
  }),
  atShare("the client's X25519 key is a point of order 8", {
    hello: (hello) => overwritten(hello, 4 + 1228, X25519_ORDER_8),
    ...REFUSED,
  }),
];

const INSTEAD_OF_HELLO: readonly Case[] = [
  atHello("VERIFY in place of HELLO", {
    hello: () => frame(FRAMES.verify, new Uint8Array(145)),
    ...UNEXPECTED,
  }),
  atHello("WELCOME in place of HELLO", { hello: () => frame(FRAMES.welcome, NOTHING), ...UNEXPECTED }),
  atHello("ALERT in place of HELLO", { hello: () => clearAlert(1), ...UNEXPECTED }),
  atHello("SEALED_ALERT in place of HELLO", {
    hello: () => frame(FRAMES.sealedAlert, new Uint8Array(17)),
    ...UNEXPECTED,
  }),
];

const SURVIVED: readonly Case[] = [
  atVerify("HELLO with unknown suites, modes and extensions", {
    client: withLists(
      vector8(join(number(0x1301, 2), number(1, 2), number(2, 2))),
      vector8(Uint8Array.of(9, 1)),
      extensions([0, NOTHING], [51, text("what is not known")], [0xffff, NOTHING]),
    ),
    error: null,
    alert: null,
  }),
  atVerify("HELLO when one answer is left", { setup: { answers_left: 1 }, error: null, alert: null }),
  atVerify("HELLO of 16,384 bytes", {
    client: withLists(BOTH_SUITES, MODE_1, extensions([1, new Uint8Array(15_111)])),
    error: null,
    alert: null,
  }),
];

/** All of them. */
export function helloCases(): readonly Case[] {
  return [...BINDERS, ...SHAPES, ...FRESHNESS, ...SHARES, ...INSTEAD_OF_HELLO, ...SURVIVED];
}
