/**
 * docs/protocol-example.md: a connection from its first byte to its last, and the binder of a shared key.
 * @module
 */
import { block, paragraph, values, wire } from "./markdown.ts";
import * as m from "./messages.ts";
import { type Bytes, crc32, join, number, sha256, sha512, text } from "./primitives.ts";
import {
  BLOCK_SIZE,
  CLIENT,
  CONTENT,
  ENTRY,
  INPUTS,
  SERVER,
  TIME_MS,
  TO_CLIENT,
  TO_SERVER,
  V,
} from "./example_inputs.ts";
import { agreement, binder, given, hello, ready, verify, welcome } from "./example_handshake.ts";

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
