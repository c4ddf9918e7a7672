/**
 * Faults that a client must notice in WELCOME, and in what comes in its place.
 * @module
 */
import { type Case, clear, clearAlert, sealed } from "./cases.ts";
import { Client } from "./handshake.ts";
import { BOTH, CHACHA, PLAIN, PSK, SERVER_SEED, STRANGER_SEED, TIME } from "./handshake_cases.ts";
import { contentToSign, frame, frameHeader, FRAMES } from "./handshake_inputs.ts";
import {
  ed25519Public,
  ed25519Sign,
  finished,
  flipped,
  FORGED_SIGNATURE,
  hex,
  hmac,
  join,
  NEUTRAL,
  NEUTRAL_NOT_CANONICAL,
  NOTHING,
  number,
  overwritten,
  seal,
  text,
  X25519_ORDER_8,
} from "./primitives.ts";
import { atWelcome, withExtensions } from "./client_case.ts";

/** A fault in WELCOME that makes the seal not open: nobody has proved anything, so the alert is in clear. */
const UNOPENED = { error: "handshake_failed", alert: clear(1) };
const TOLD = sealed(1);
const MALFORMED = { error: "malformed", alert: clear(1) };

const STRANGER = ed25519Public(STRANGER_SEED);
const SEALS: readonly Case[] = [
  atWelcome("a suite removed from HELLO on the way", {
    // The first of the two is gone; the frame's sizes fit what is left.
    hello: (hello) => {
      const body = join(hello.slice(4, 4 + 1260), number(2, 1), hello.slice(4 + 1263));
      return frame(FRAMES.hello, body);
    },
    serverInputs: { suite: 2 },
    ...UNOPENED,
  }),
  atWelcome("the suites of HELLO turned round on the way", {
    hello: (hello) => overwritten(hello, 4 + 1261, join(number(2, 2), number(1, 2))),
    serverInputs: { suite: 2 },
    ...UNOPENED,
  }),
  atWelcome("the shared-key mode and the binder removed from HELLO on the way", {
    inputs: { ...PSK, modes: [2, 1] },
    hello: (hello) => {
      const body = join(hello.slice(4, 4 + 1265), number(1, 1), number(1, 1), hello.slice(4 + 1268, -32));
      return frame(FRAMES.hello, body);
    },
    serverInputs: { mode: 1 },
    ...UNOPENED,
  }),
  atWelcome("HELLO's time changed on the way", { hello: (hello) => flipped(hello, 4 + 11), ...UNOPENED }),
  atWelcome("HELLO's nonce changed on the way", { hello: (hello) => flipped(hello, 4 + 12), ...UNOPENED }),
  atWelcome("HELLO's X25519 key changed on the way", {
    hello: (hello) => flipped(hello, 4 + 1228),
    ...UNOPENED,
  }),
  atWelcome("HELLO's encapsulation key replaced on the way", {
    hello: (hello) => overwritten(hello, 4 + 44, new Client(CHACHA).hello().slice(48, 48 + 1184)),
    ...UNOPENED,
  }),
  atWelcome("WELCOME's time changed on the way", { welcome: (frame) => flipped(frame, 4 + 7), ...UNOPENED }),
  atWelcome("WELCOME's nonce changed on the way", { welcome: (frame) => flipped(frame, 4 + 8), ...UNOPENED }),
  atWelcome("WELCOME's KEM ciphertext changed on the way", {
    welcome: (frame) => flipped(frame, 4 + 40),
    ...UNOPENED,
  }),
  atWelcome("WELCOME's X25519 key changed on the way", {
    welcome: (frame) => flipped(frame, 4 + 1128),
    ...UNOPENED,
  }),
  atWelcome("WELCOME's suite changed on the way to another that was offered", {
    welcome: (frame) => overwritten(frame, 4 + 1160, number(2, 2)),
    ...UNOPENED,
  }),
  atWelcome("WELCOME's mode changed on the way to another that was offered", {
    inputs: PSK,
    welcome: (frame) => overwritten(frame, 4 + 1162, number(3, 1)),
    ...UNOPENED,
  }),
  atWelcome("WELCOME names a suite that was not offered", {
    inputs: { ...BOTH, suites: [2] },
    serverInputs: { suite: 1 },
    ...UNOPENED,
  }),
  atWelcome("WELCOME names a mode that was not offered", { server: { namedMode: 2 }, ...UNOPENED }),
  atWelcome("WELCOME names a suite that does not exist", { server: { namedSuite: 3 }, ...UNOPENED }),
  atWelcome("one bit of WELCOME's tag flipped", {
    server: { sealed: (right) => flipped(right, -1) },
    ...UNOPENED,
  }),
  atWelcome("WELCOME sealed under number 1", { server: { number: 1 }, ...UNOPENED }),
  atWelcome("WELCOME sealed under the client's secret", {
    server: { secret: (_, values) => values["c_hs"]! },
    ...UNOPENED,
  }),
  atWelcome("WELCOME sealed with other additional data", {
    server: {
      sealed: (_, values) =>
        seal(1, values["s_hs"]!, 0, frameHeader(FRAMES.welcome, 0), values["welcome_plaintext"]!),
    },
    ...UNOPENED,
  }),
  atWelcome("WELCOME under the secret of another shared key", {
    inputs: PSK,
    serverInputs: { psk: SERVER_SEED },
    ...UNOPENED,
  }),
  atWelcome("WELCOME without the shared key in a mode that has one", {
    inputs: PSK,
    serverInputs: { psk: new Uint8Array(32) },
    ...UNOPENED,
  }),
];

const SHARES: readonly Case[] = [
  atWelcome("the server's X25519 key is zero", {
    server: { share: (right) => join(right.slice(0, -32), new Uint8Array(32)) },
    ...UNOPENED,
  }),
  atWelcome("the server's X25519 key is a point of order 8", {
    server: { share: (right) => join(right.slice(0, -32), X25519_ORDER_8) },
    ...UNOPENED,
  }),
];

const SHAPES: readonly Case[] = [
  atWelcome("WELCOME ends within its clear part", {
    welcome: (welcome) => frame(FRAMES.welcome, welcome.slice(4, 4 + 1164)),
    ...MALFORMED,
  }),
  atWelcome("a server_time of 2^53", {
    server: { clear: (right) => overwritten(right, 0, number(2n ** 53n, 8)) },
    ...MALFORMED,
  }),
  atWelcome("WELCOME's extensions are out of order", {
    server: withExtensions([2, NOTHING], [1, NOTHING]),
    ...MALFORMED,
  }),
  atWelcome("WELCOME has an extension twice", {
    server: withExtensions([1, NOTHING], [1, NOTHING]),
    ...MALFORMED,
  }),
  atWelcome("a byte behind WELCOME's last sealed field", {
    server: { plaintext: (right) => join(right, number(0, 1)) },
    error: "malformed",
    alert: TOLD,
  }),
  atWelcome("WELCOME's last sealed field lacks a byte", {
    server: { plaintext: (right) => right.slice(0, -1) },
    error: "malformed",
    alert: TOLD,
  }),
  atWelcome("a body above 16,384 bytes is announced", {
    welcome: () => frameHeader(FRAMES.welcome, 16_385),
    ...MALFORMED,
  }),
  atWelcome("a frame of type 7", { welcome: () => number(7, 1), ...MALFORMED }),
  atWelcome("a frame of type 0", { welcome: () => number(0, 1), ...MALFORMED }),
];

const SIGNATURES: readonly Case[] = [
  atWelcome("server_signature over TH2", {
    server: { signed: (_, values) => contentToSign("server", values["th2"]!) },
    error: "bad_signature",
    alert: TOLD,
  }),
  atWelcome("the client's context string in server_signature", {
    server: { signed: (_, values) => contentToSign("client", values["th3"]!) },
    error: "bad_signature",
    alert: TOLD,
  }),
  atWelcome("server_signature without the context", {
    server: { signed: (_, values) => values["th3"]! },
    error: "bad_signature",
    alert: TOLD,
  }),
  atWelcome("server_signature without the 64 spaces", {
    server: { signed: (right) => right.slice(64) },
    error: "bad_signature",
    alert: TOLD,
  }),
  atWelcome("server_signature without the zero byte", {
    server: { signed: (right) => join(right.slice(0, -33), right.slice(-32)) },
    error: "bad_signature",
    alert: TOLD,
  }),
  atWelcome("server_signature by another key than server_id", {
    inputs: CHACHA,
    server: { signature: (_, values) => ed25519Sign(STRANGER_SEED, contentToSign("server", values["th3"]!)) },
    error: "bad_signature",
    alert: TOLD,
  }),
  atWelcome("server_finished wrong, the signature right", {
    server: { finished: (right) => flipped(right, 0) },
    error: "bad_proof",
    alert: TOLD,
  }),
  atWelcome("server_finished over TH3", {
    server: { finished: (_, values) => finished(values["s_hs"]!, values["th3"]!) },
    error: "bad_proof",
    alert: TOLD,
  }),
  atWelcome("server_finished with the client's key", {
    inputs: BOTH,
    server: { finished: (_, values) => finished(values["c_hs"]!, values["th4"]!) },
    error: "bad_proof",
    alert: TOLD,
  }),
  atWelcome("server_finished with s_hs itself as the key", {
    server: { finished: (_, values) => hmac(values["s_hs"]!, values["th4"]!) },
    error: "bad_proof",
    alert: TOLD,
  }),
  atWelcome("server_finished and server_signature both wrong", {
    server: { signature: (right) => flipped(right, 0), finished: (right) => flipped(right, 31) },
    error: "bad_proof",
    alert: TOLD,
  }),
];

const IDENTITIES: readonly Case[] = [
  ...([
    ["the neutral element", NEUTRAL],
    ["the neutral element in another encoding", NEUTRAL_NOT_CANONICAL],
  ] as const).map(([what, id]) =>
    atWelcome(`the server's identity is ${what}, with a forged signature`, {
      server: { id, signature: () => FORGED_SIGNATURE },
      setup: { receiver: hex(id) },
      error: "bad_identity",
      alert: TOLD,
    })
  ),
  atWelcome("the server's identity is no point, and its proof is wrong", {
    server: { id: join(number(2, 1), new Uint8Array(31)), finished: (right) => flipped(right, 0) },
    error: "bad_identity",
    alert: TOLD,
  }),
  atWelcome("a reflection: in mode psk the server shows the client's own identity", {
    inputs: { ...PSK, serverSeed: PSK.clientSeed },
    error: "bad_identity",
    alert: TOLD,
  }),
  atWelcome("a reflection in mode identity+psk, of a client that does not know its peer", {
    inputs: { ...BOTH, serverSeed: BOTH.clientSeed },
    setup: { receiver: null },
    error: "bad_identity",
    alert: TOLD,
  }),
  atWelcome("a receiver that the user has never named or met", {
    setup: { receiver: null },
    error: "unknown_receiver",
    alert: TOLD,
  }),
  atWelcome("another receiver than the one that the user means", {
    setup: { receiver: hex(STRANGER) },
    error: "receiver_changed",
    alert: TOLD,
  }),
  atWelcome("an unknown receiver whose clock is wrong", {
    inputs: { ...PLAIN, serverTime: TIME + 121 },
    setup: { receiver: null },
    error: "unknown_receiver",
    alert: TOLD,
  }),
  atWelcome("the server's clock is 121 s ahead", {
    inputs: { ...PLAIN, serverTime: TIME + 121 },
    error: "clock_skew",
    alert: sealed(4),
  }),
  atWelcome("the server's clock is 121 s behind", {
    inputs: { ...BOTH, serverTime: TIME - 121 },
    error: "clock_skew",
    alert: sealed(4),
  }),
];

const INSTEAD_OF_WELCOME: readonly Case[] = [
  atWelcome("READY in place of WELCOME", {
    welcome: () => frame(FRAMES.ready, new Uint8Array(70)),
    error: "unexpected_message",
    alert: clear(1),
  }),
  atWelcome("the client's own HELLO comes back", {
    welcome: () => new Client(PLAIN).hello(),
    error: "unexpected_message",
    alert: clear(1),
  }),
  atWelcome("SEALED_ALERT in place of WELCOME", {
    welcome: () => frame(FRAMES.sealedAlert, new Uint8Array(17)),
    error: "unexpected_message",
    alert: clear(1),
  }),
  atWelcome("ALERT 1 in place of WELCOME", {
    welcome: () => clearAlert(1),
    error: "refused_connection",
    alert: null,
  }),
  atWelcome("ALERT 3, which is never said in clear, in place of WELCOME", {
    welcome: () => clearAlert(3),
    error: "refused_connection",
    alert: null,
  }),
  atWelcome("ALERT 2 in place of WELCOME", { welcome: () => clearAlert(2), error: "busy", alert: null }),
  atWelcome("ALERT of two bytes in place of WELCOME", {
    welcome: () => frame(FRAMES.alert, text("\x01\x01")),
    ...MALFORMED,
  }),
];

/** All of them. */
export function welcomeCases(): readonly Case[] {
  return [...SEALS, ...SHARES, ...SHAPES, ...SIGNATURES, ...IDENTITIES, ...INSTEAD_OF_WELCOME];
}
