/**
 * docs/protocol-example.md: a connection from its first byte to its last, and the binder of a shared key.
 * @module
 */
import { inputsOf, SHARED_KEY, TIME } from "./handshake_cases.ts";
import { Client, runHandshake } from "./handshake.ts";
import { contentToSign, type Inputs } from "./handshake_inputs.ts";
import { block, paragraph, values, wire } from "./markdown.ts";
import * as m from "./messages.ts";
import {
  type Bytes,
  crc32,
  ds,
  ed25519Public,
  extract,
  join,
  nonceOf,
  NOTHING,
  number,
  pseudorandom,
  sha256,
  sha512,
  text,
  vector8,
  xl,
  ZEROS,
} from "./primitives.ts";

const INPUTS: Inputs = inputsOf("worked example", {
  clientSeed: pseudorandom("worked example: client's identity", 32),
  serverSeed: pseudorandom("worked example: server's identity", 32),
});
const BLOCK_SIZE = 1_048_512;
const CONTENT = text("hello\n");
const ENTRY: m.Entry = { kind: "file", mode: 0o644, mtime: 1_799_999_940_000, size: 6, path: "hello.txt" };
/** When the receiver puts the file in place, in milliseconds. */
const TIME_MS = TIME * 1000;

const HANDSHAKE = runHandshake(INPUTS);
const V = HANDSHAKE.values;
const CLIENT = ed25519Public(INPUTS.clientSeed);
const SERVER = ed25519Public(INPUTS.serverSeed);
const DIGEST = sha256(m.encodeEntry(ENTRY));
const TRANSFER_ID = m.transferIdOf(CLIENT, SERVER, BLOCK_SIZE, DIGEST);
const FACTS: m.Facts = {
  sender: CLIENT,
  receiver: SERVER,
  transferId: TRANSFER_ID,
  manifestDigest: DIGEST,
  sessionId: V["session_id"]!,
  size: 6,
  entries: [ENTRY],
  time: TIME_MS,
  digests: undefined,
};

const RECEIPT = m.receiptText(FACTS);

/** The key of a proof. */
function proofKey(secret: Bytes): Bytes {
  return xl(secret, "finished", NOTHING, 32);
}

const TO_SERVER = "client to server";
const TO_CLIENT = "server to client";

function given(): string {
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

function hello(): readonly string[] {
  const { hello: frame } = HANDSHAKE;
  return [
    "## HELLO",
    wire(TO_SERVER, [
      [frame.slice(0, 4), "frame 1, HELLO, of 1,269 bytes"],
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

function agreement(): readonly string[] {
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

function welcome(): readonly string[] {
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
      [frame.slice(0, 4), "frame 2, WELCOME, of 1,309 bytes"],
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

function verify(): readonly string[] {
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
      [frame.slice(0, 4), "frame 3, VERIFY, of 145 bytes"],
      [frame.slice(4, -16), "seal(c_hs, 0): ciphertext"],
      [frame.slice(-16), "tag"],
    ]),
    "## The session's secrets",
    keys(["c_ap_0", 'c_ap_0 = DS(MS, "c ap", TH8)'], ["s_ap_0", 's_ap_0 = DS(MS, "s ap", TH8)']),
    values([['session_id = XL(MS, "session id", TH8, 16)', V["session_id"]!]]),
  ];
}

function ready(): readonly string[] {
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
      [frame.slice(0, 4), "frame 4, READY, of 70 bytes"],
      [frame.slice(4, -16), "seal(s_hs, 1): ciphertext"],
      [frame.slice(-16), "tag"],
    ]),
  ];
}

/** The next number of either direction. */
interface Sequences {
  client: number;
  server: number;
}

/** A record: its plaintext field by field, and its bytes. */
function record(
  sequences: Sequences,
  from: keyof Sequences,
  name: keyof typeof m.MESSAGES,
  ack: number,
  fields: readonly (readonly [string, Bytes])[] = [],
): readonly string[] {
  const body = join(...fields.map(([, bytes]) => bytes));
  const plaintext = m.plaintextOf(m.message(name, body), ack);
  const sequence = sequences[from]++;
  const secret = V[from === "client" ? "c_ap_0" : "s_ap_0"]!;
  const { nonce, header, sealed, wire: bytes } = m.recordOf(1, secret, sequence, plaintext);
  const title = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return [
    `### ${title}`,
    values([
      [`type ${m.MESSAGES[name]}`, plaintext.slice(0, 1)],
      [`ack ${ack}`, plaintext.slice(1, 5)],
      ...fields,
      [`nonce of ${from === "client" ? "c_ap_0" : "s_ap_0"}, ${sequence}`, nonce],
    ]),
    wire(from === "client" ? TO_SERVER : TO_CLIENT, [
      [header.slice(0, 4), `record ${sequence}`],
      [header.slice(4), `${plaintext.length} bytes; these 8 are the additional data`],
      [sealed.slice(0, -16), "ciphertext"],
      [sealed.slice(-16), "tag"],
      [bytes.slice(-4), "CRC-32 of all before it"],
    ]),
  ];
}

const OFFER: readonly (readonly [string, Bytes])[] = [
  ["transfer_id", TRANSFER_ID],
  ["flags", number(0, 1)],
  ["size", number(6, 8)],
  ["count", number(1, 4)],
  ["block_size", number(BLOCK_SIZE, 4)],
  ["manifest_digest", DIGEST],
];
const MANIFEST: readonly (readonly [string, Bytes])[] = [
  ["kind: a file", number(0, 1)],
  ["mode 0o644", number(0o644, 2)],
  ["mtime", number(ENTRY.mtime, 8)],
  ["size", number(6, 8)],
  ["bytes of the path", number(9, 2)],
  ['"hello.txt"', text(ENTRY.path)],
];

/** Everything that either end sends behind VERIFY and behind READY. */
function transfer(): { readonly early: readonly string[]; readonly rest: readonly string[] } {
  const sequences: Sequences = { client: 0, server: 0 };
  const early = [
    "## The first two records",
    paragraph(
      `The client sends them behind VERIFY, without waiting for READY. It has opened nothing yet, so it
      acknowledges 0.`,
    ),
    values([
      ['"stx1 transfer" | 0x00', join(text("stx1 transfer"), number(0, 1))],
      ["manifest_digest = SHA-256(the entry)", DIGEST],
      ["transfer_id", TRANSFER_ID],
    ]),
    ...record(sequences, "client", "offer", 0, OFFER),
    ...record(sequences, "client", "manifest", 0, MANIFEST),
  ];
  const signature = m.sshsig(INPUTS.serverSeed, text(RECEIPT));
  const rest = [
    "## The transfer",
    paragraph(
      `The receiver does not know this transfer. The two records of the sender have come at once, so both of
      its own acknowledge 2.`,
    ),
    ...record(sequences, "server", "wantManifest", 2),
    ...record(sequences, "server", "accept", 2, [
      ["offset", number(0, 8)],
      ['SHA-256("")', sha256()],
    ]),
    paragraph("The whole manifest is under way already, so the sender goes on with START."),
    ...record(sequences, "client", "start", 2, [["offset", number(0, 8)]]),
    ...record(sequences, "client", "data", 2, [["index", number(0, 8)], ['"hello", line feed', CONTENT]]),
    ...record(sequences, "client", "end", 2, [
      ["size", number(6, 8)],
      ["blocks", number(1, 8)],
      ["CRC-32 of the stream", number(crc32(CONTENT), 4)],
    ]),
    paragraph("The receiver puts the file in place and signs this text, which does not travel:"),
    block(RECEIPT.trimEnd().split("\n")),
    paragraph(
      "Each line ends with a line feed. OpenSSH's format signs the text's SHA-512 in a frame of its own:",
    ),
    values([
      ["SHA-512(the text)", sha512(text(RECEIPT))],
      ["what is signed", m.sshsigContent("receipt@stx1", "sha512", text(RECEIPT))],
      ["its Ed25519 signature", signature.slice(-64)],
    ]),
    ...record(sequences, "server", "done", 5, [
      ["time", number(TIME_MS, 8)],
      ["size", number(6, 8)],
      ["session_id", V["session_id"]!],
      ["with_digests", number(0, 1)],
      ["bytes of the signature", number(signature.length, 2)],
      ["signature", signature],
    ]),
    paragraph("The sender verifies the receipt and says goodbye, and so does the receiver."),
    ...record(sequences, "client", "close", 3),
    ...record(sequences, "server", "close", 6),
  ];
  return { early, rest };
}

function binder(): readonly string[] {
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

/** The document. */
export function exampleDocument(): string {
  const { early, rest } = transfer();
  return [
    "# A worked example of STX/1",
    paragraph(
      `One connection from its first byte to its last, in hexadecimal and with every secret: the client
      sends the file \`hello.txt\`, which holds \`hello\` and a line feed, in mode 1 with AES-256-GCM. Every value
      follows from [protocol.md](protocol.md) and from what is given here; this page is written by
      \`deno task vectors\`, which computes it without the code of stx, and the tests hold stx against it.`,
    ),
    paragraph(
      `In a block whose first line names a direction, all other lines together are the bytes on the wire,
      \`#\` and what follows it left out. Elsewhere a value that is longer than a line goes on below it. The
      acknowledgements are those of ends that read all that has come before they answer; another end may
      acknowledge less, or send an ACK more.`,
    ),
    "## What both ends are given",
    given(),
    paragraph(
      `Both clocks say 2027-01-15T08:00:00Z. READY allows 256 records and 16,777,216 bytes. The sender's
      blocks have 1,048,512 bytes.`,
    ),
    ...hello(),
    ...agreement(),
    ...welcome(),
    ...verify(),
    ...early,
    ...ready(),
    ...rest,
    ...binder(),
  ].join("\n\n") + "\n";
}

/** Everything that a test needs to run the example: its inputs, and what is sent. */
export const EXAMPLE = {
  inputs: INPUTS,
  entry: ENTRY,
  content: CONTENT,
  timeMs: TIME_MS,
  blockSize: BLOCK_SIZE,
};
