/**
 * The worked example's handshake, and the binder of a shared key.
 * @module
 */
import { SHARED_KEY } from "./handshake_cases.ts";
import { Client } from "./handshake.ts";
import { contentToSign } from "./handshake_inputs.ts";
import { paragraph, values, wire } from "./markdown.ts";
import {
  type Bytes,
  ds,
  extract,
  join,
  nonceOf,
  NOTHING,
  number,
  sha256,
  text,
  vector8,
  xl,
  ZEROS,
} from "./primitives.ts";
import { CLIENT, HANDSHAKE, INPUTS, SERVER, TO_CLIENT, TO_SERVER, V } from "./example_inputs.ts";

/** What a frame's header says. */
function firstField(type: number, name: string, frame: Bytes): string {
  return `frame ${type}, ${name}, of ${(frame.length - 4).toLocaleString("en-US")} bytes`;
}

/** The key of a proof. */
function proofKey(secret: Bytes): Bytes {
  return xl(secret, "finished", NOTHING, 32);
}

/** What nobody can compute. */
export function given(): string {
  return values([
    ["client's Ed25519 seed", INPUTS.clientSeed],
    ["client_id", CLIENT],
    ["server's Ed25519 seed", INPUTS.serverSeed],
    ["server_id", SERVER],
    ["client_nonce", INPUTS.clientNonce],
    ["server_nonce", INPUTS.serverNonce],
    ["client's ML-KEM-768 d | z", INPUTS.kemSeed],
    ["server's ML-KEM-768 m", INPUTS.kemRandomness],
    ["client's X25519 secret", INPUTS.clientX25519],
    ["server's X25519 secret", INPUTS.serverX25519],
  ]);
}

/** HELLO, and its hash. */
export function hello(): readonly string[] {
  const { hello: frame } = HANDSHAKE;
  return [
    "## HELLO",
    wire(TO_SERVER, [
      [frame.slice(0, 4), firstField(1, "HELLO", frame)],
      [frame.slice(4, 7), '"STX"'],
      [frame.slice(7, 8), "version"],
      [frame.slice(8, 16), "client_time"],
      [frame.slice(16, 48), "client_nonce"],
      [V["client_ek"]!, "the ML-KEM-768 encapsulation key of d | z"],
      [V["client_x25519"]!, "the X25519 public key"],
      [vector8(join(number(1, 2), number(2, 2))), "suites 1 and 2"],
      [vector8(number(1, 1)), "mode 1"],
      [number(0, 2), "no extensions"],
    ]),
    values([["TH1 = SHA-256(all of it)", V["th1"]!]]),
  ];
}

/** From the two shares to MS. */
export function agreement(): readonly string[] {
  const info = join(number(32, 2), vector8(text("stx1 derived")), vector8(sha256()));
  return [
    "## The key agreement",
    paragraph(`The server encapsulates for the client's key with the randomness m, and computes X25519 of its
      secret and the client's public key. The client gets the same two secrets from WELCOME.`),
    values([
      ["ss_mlkem", V["ss_mlkem"]!],
      ["ss_x25519", V["ss_x25519"]!],
      ["ES = HKDF-Extract(0^32, 0^32)", V["es"]!],
      ['info of XL(ES, "derived", SHA-256(""), 32)', info],
      ['DS(ES, "derived", SHA-256(""))', V["es_derived"]!],
      ["HS = HKDF-Extract(that, ss_mlkem | ss_x25519)", V["hs"]!],
      ['DS(HS, "derived", SHA-256(""))', V["hs_derived"]!],
      ["MS = HKDF-Extract(that, 0^32)", V["ms"]!],
    ]),
    paragraph(
      `HKDF-Extract(salt, input) is HMAC(salt, input), and HKDF-Expand(secret, info, n) is for every n here
      the first n bytes of HMAC(secret, info | 0x01).`,
    ),
  ];
}

/** What is between a secret and a seal. */
function sealing(
  name: string,
  n: number,
  header: Bytes,
  plaintext: readonly (readonly [string, Bytes])[],
): string {
  const iv = V[`${name}_iv`]!;
  return values([
    ...plaintext,
    ["key", V[`${name}_key`]!],
    [`nonce: iv with ${n} in it`, nonceOf(iv, n)],
    ["additional data", header],
  ]);
}

function keys(...names: readonly (readonly [string, string])[]): string {
  return values(names.flatMap(([name, what]) => [
    [what, V[name]!] as const,
    ["  key", V[`${name}_key`]!] as const,
    ["  iv", V[`${name}_iv`]!] as const,
  ]));
}

/** WELCOME, and what the server proves in it. */
export function welcome(): readonly string[] {
  const { welcome: frame } = HANDSHAKE;
  return [
    "## WELCOME",
    values([["TH2: HELLO and all up to the seal", V["th2"]!]]),
    keys(["c_hs", 'c_hs = DS(HS, "c hs", TH2)'], ["s_hs", 's_hs = DS(HS, "s hs", TH2)']),
    paragraph("What the server proves:"),
    values([
      ["TH3: and server_id", V["th3"]!],
      ["what is signed", contentToSign("server", V["th3"]!)],
      ["server_signature", V["server_signature"]!],
      ["TH4: and server_signature", V["th4"]!],
      ['XL(s_hs, "finished", "", 32)', proofKey(V["s_hs"]!)],
      ["server_finished = HMAC(that, TH4)", V["server_finished"]!],
      ["TH5: and server_finished", V["th5"]!],
    ]),
    sealing("s_hs", 0, frame.slice(0, 4), [["plaintext", V["welcome_plaintext"]!]]),
    wire(TO_CLIENT, [
      [frame.slice(0, 4), firstField(2, "WELCOME", frame)],
      [frame.slice(4, 12), "server_time"],
      [frame.slice(12, 44), "server_nonce"],
      [V["kem_ciphertext"]!, "the ML-KEM-768 ciphertext"],
      [V["server_x25519"]!, "the X25519 public key"],
      [number(1, 2), "suite 1"],
      [number(1, 1), "mode 1"],
      [number(0, 2), "no extensions"],
      [frame.slice(-144, -16), "seal(s_hs, 0): ciphertext"],
      [frame.slice(-16), "tag"],
    ]),
  ];
}

/** VERIFY, what the client proves in it, and the session's secrets. */
export function verify(): readonly string[] {
  const { verify: frame } = HANDSHAKE;
  return [
    "## VERIFY",
    values([
      ["TH6: and VERIFY's header, client_id, intent", V["th6"]!],
      ["what is signed", contentToSign("client", V["th6"]!)],
      ["client_signature", V["client_signature"]!],
      ["TH7: and client_signature", V["th7"]!],
      ['XL(c_hs, "finished", "", 32)', proofKey(V["c_hs"]!)],
      ["client_proof = HMAC(that, TH7)", V["client_proof"]!],
      ["TH8: and client_proof", V["th8"]!],
    ]),
    sealing("c_hs", 0, frame.slice(0, 4), [["plaintext", V["verify_plaintext"]!]]),
    wire(TO_SERVER, [
      [frame.slice(0, 4), firstField(3, "VERIFY", frame)],
      [frame.slice(4, -16), "seal(c_hs, 0): ciphertext"],
      [frame.slice(-16), "tag"],
    ]),
    "## The session's secrets",
    keys(["c_ap_0", 'c_ap_0 = DS(MS, "c ap", TH8)'], ["s_ap_0", 's_ap_0 = DS(MS, "s ap", TH8)']),
    values([['session_id = XL(MS, "session id", TH8, 16)', V["session_id"]!]]),
  ];
}

/** READY, and what the server proves in it. */
export function ready(): readonly string[] {
  const { ready: frame } = HANDSHAKE;
  return [
    "## READY",
    values([
      ["TH9: and READY's header, session_id, limits", V["th9"]!],
      ['DS(MS, "ready", TH8)', V["ready"]!],
      ['XL(that, "finished", "", 32)', proofKey(V["ready"]!)],
      ["server_proof = HMAC(that, TH9)", V["server_proof"]!],
      ["TH10: and server_proof", V["th10"]!],
      ['exporter = DS(MS, "exp", TH10)', V["exporter"]!],
    ]),
    sealing("s_hs", 1, frame.slice(0, 4), [["plaintext", V["ready_plaintext"]!]]),
    wire(TO_CLIENT, [
      [frame.slice(0, 4), firstField(4, "READY", frame)],
      [frame.slice(4, -16), "seal(s_hs, 1): ciphertext"],
      [frame.slice(-16), "tag"],
    ]),
  ];
}

/** A HELLO with a shared key. */
export function binder(): readonly string[] {
  const client = new Client({ ...INPUTS, mode: 2, modes: [2], psk: SHARED_KEY });
  const frame = client.hello();
  const es = extract(ZEROS, SHARED_KEY);
  const early = ds(es, "psk binder", sha256());
  return [
    "## The binder of a shared key",
    paragraph(
      `The same client with the shared key below offers mode 2 alone. Its HELLO is the one above but for
      three places: the frame's size, which counts the binder, the mode, and the binder itself at the end.`,
    ),
    values([
      ["shared key", SHARED_KEY],
      ["ES = HKDF-Extract(0^32, shared key)", es],
      ['DS(ES, "psk binder", SHA-256(""))', early],
      ['XL(that, "finished", "", 32)', client.values["binder_key"]!],
      ["the frame's header", frame.slice(0, 4)],
      ["suites, mode, extensions", frame.slice(1264, -32)],
      ["TH0 = SHA-256(HELLO less the binder)", client.values["th0"]!],
      ["binder = HMAC(the key, TH0)", client.values["binder"]!],
      ["TH1 = SHA-256(HELLO)", client.values["th1"]!],
    ]),
  ];
}
