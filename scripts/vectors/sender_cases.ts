/**
 * Faults that a sender of a transfer must notice.
 * @module
 */
import type { Case, Step } from "./cases.ts";
import { SERVER_SEED, STRANGER_SEED } from "./handshake_cases.ts";
import * as m from "./messages.ts";
import {
  ed25519Public,
  flipped,
  hex,
  join,
  NOTHING,
  number,
  pseudorandom,
  repeated,
  sha256,
  text,
} from "./primitives.ts";
import {
  ACCEPT_NOTHING,
  acceptOf,
  BLOCK_SIZE,
  type Cargo,
  dataOf,
  doneOf,
  type Ending,
  endOf,
  factsOf,
  file,
  fileDigests,
  hears,
  HELLO,
  manifestOf,
  offerOf,
  RECEIVER,
  says,
  senderCase,
  startOf,
  THREE_BLOCKS,
  TIME_MS,
  WANT_MANIFEST,
} from "./transfer_cases.ts";

const MALFORMED: Ending = ["malformed", 5];
const UNEXPECTED: Ending = ["unexpected_message", 5];
const BAD_RECEIPT: Ending = ["bad_receipt", 8];
const REJECTED: Ending = ["rejected", 8];
const LOST: Ending = ["connection_lost", null];
const FINE: Ending = [null, null];

/** OFFER and MANIFEST, which go out at once. */
function offered(cargo: Cargo, flags = 0): readonly Step[] {
  return says(offerOf(cargo, { flags }), manifestOf(cargo));
}

/** Everything up to END. */
function sent(cargo: Cargo, flags = 0): readonly Step[] {
  const digests = flags === WITH_DIGESTS ? says(m.message("digests", join(...fileDigests(cargo)))) : [];
  return [
    ...offered(cargo, flags),
    ...hears(WANT_MANIFEST, ACCEPT_NOTHING),
    ...says(startOf(0), ...dataOf(cargo)),
    ...digests,
    ...says(endOf(cargo)),
  ];
}

const WITH_DIGESTS = 2;
const REPEATED = 4;

/** Everything up to END, and a DONE that is refused. */
function atDone(name: string, ending: Ending, done: m.Message): Case {
  return senderCase(name, ending, HELLO, [...sent(HELLO), ...hears(done)]);
}

/** DONE for `hello.txt` with another signature than it should have. */
function signed(signature: Uint8Array<ArrayBuffer>, given: Partial<m.Done> = {}): m.Message {
  const { time, size, sessionId } = factsOf(HELLO);
  return m.message("done", m.done({ time, size, sessionId, withDigests: 0, signature, ...given }));
}

const TEXT = text(m.receiptText(factsOf(HELLO)));
const SIGNATURE = m.sshsig(SERVER_SEED, TEXT);

const RECEIPTS: readonly Case[] = [
  atDone("a wrong signature of the receipt", BAD_RECEIPT, signed(flipped(SIGNATURE, -1))),
  atDone("a receipt signed by another", BAD_RECEIPT, signed(m.sshsig(STRANGER_SEED, TEXT))),
  atDone(
    "a receipt signed by another under the receiver's name",
    BAD_RECEIPT,
    signed(m.sshsig(STRANGER_SEED, TEXT, { publicKey: RECEIVER })),
  ),
  atDone(
    "a receipt of another namespace",
    BAD_RECEIPT,
    signed(m.sshsig(SERVER_SEED, TEXT, { namespace: "file" })),
  ),
  atDone(
    "a signature whose reserved field is not empty",
    BAD_RECEIPT,
    signed(m.sshsig(SERVER_SEED, TEXT, { reserved: "x" })),
  ),
  atDone(
    "the receiver's signature under another's name",
    BAD_RECEIPT,
    signed(m.sshsig(SERVER_SEED, TEXT, { publicKey: ed25519Public(STRANGER_SEED) })),
  ),
  atDone(
    "a right signature that names another namespace",
    BAD_RECEIPT,
    signed(m.sshsig(SERVER_SEED, TEXT, { namedNamespace: "file" })),
  ),
  atDone("a signature of version 2", BAD_RECEIPT, signed(m.sshsig(SERVER_SEED, TEXT, { version: 2 }))),
  atDone("a receipt with another size than DONE", BAD_RECEIPT, signed(SIGNATURE, { size: 7 })),
  atDone("no signature", BAD_RECEIPT, signed(NOTHING)),
  atDone("a byte behind the signature", BAD_RECEIPT, signed(join(SIGNATURE, number(0, 1)))),
  atDone(
    "a receipt with another session_id than DONE",
    BAD_RECEIPT,
    signed(SIGNATURE, { sessionId: repeated(1, 16) }),
  ),
  atDone("a receipt with another time than DONE", BAD_RECEIPT, signed(SIGNATURE, { time: TIME_MS + 1 })),
  atDone(
    "a receipt for another transfer",
    BAD_RECEIPT,
    m.message("done", m.doneOf(SERVER_SEED, factsOf(HELLO, { transferId: repeated(1, 32) }))),
  ),
  atDone("a receipt for another size", BAD_RECEIPT, doneOf(HELLO, { size: 7 })),
  atDone("a time above 8.64 * 10^15", BAD_RECEIPT, signed(SIGNATURE, { time: 8_640_000_000_000_001 })),
  atDone("hashes that nobody has asked for", BAD_RECEIPT, doneOf(HELLO, { digests: fileDigests(HELLO) })),
  senderCase("no hashes, though they were asked for", BAD_RECEIPT, HELLO, [
    ...sent(HELLO, WITH_DIGESTS),
    ...hears(doneOf(HELLO)),
  ], { with_digests: true }),
  senderCase("a receipt over other hashes", BAD_RECEIPT, HELLO, [
    ...sent(HELLO, WITH_DIGESTS),
    ...hears(doneOf(HELLO, { digests: [repeated(1, 32)] })),
  ], { with_digests: true }),
  atDone("with_digests is 2", MALFORMED, signed(SIGNATURE, { withDigests: 2 })),
  atDone("DONE lacks its last byte", MALFORMED, m.message("done", doneOf(HELLO).body.slice(0, -1))),
  atDone("a byte behind DONE", MALFORMED, m.message("done", join(doneOf(HELLO).body, number(0, 1)))),
];

const PREFIX = THREE_BLOCKS.content.slice(0, BLOCK_SIZE);

/** An ACCEPT that is refused. */
function atAccept(name: string, accept: m.Message): Case {
  return senderCase(name, MALFORMED, THREE_BLOCKS, [...offered(THREE_BLOCKS), ...hears(accept)]);
}

const ACCEPTS: readonly Case[] = [
  atAccept("ACCEPT beyond the stream's end", m.message("accept", m.accept(3 * BLOCK_SIZE, repeated(0, 32)))),
  atAccept("ACCEPT within a block", acceptOf(THREE_BLOCKS.content.slice(0, BLOCK_SIZE + 1))),
  atAccept("ACCEPT of 39 bytes", m.message("accept", acceptOf(PREFIX).body.slice(0, -1))),
  atAccept("a byte behind ACCEPT", m.message("accept", join(acceptOf(PREFIX).body, number(0, 1)))),
  senderCase("ACCEPT with another hash: START at 0", FINE, THREE_BLOCKS, [
    ...offered(THREE_BLOCKS),
    ...hears(WANT_MANIFEST, m.message("accept", m.accept(BLOCK_SIZE, repeated(0, 32)))),
    ...says(startOf(0), ...dataOf(THREE_BLOCKS), endOf(THREE_BLOCKS)),
    ...hears(doneOf(THREE_BLOCKS)),
  ]),
  senderCase("ACCEPT of one block: START behind it", FINE, THREE_BLOCKS, [
    ...offered(THREE_BLOCKS),
    ...hears(acceptOf(PREFIX)),
    ...says(startOf(BLOCK_SIZE), ...dataOf(THREE_BLOCKS, 1), endOf(THREE_BLOCKS)),
    ...hears(m.message("durable", number(2 * BLOCK_SIZE, 8)), doneOf(THREE_BLOCKS)),
  ]),
  senderCase("ACCEPT of all: START at the end, and nothing to send", FINE, THREE_BLOCKS, [
    ...offered(THREE_BLOCKS),
    ...hears(acceptOf(THREE_BLOCKS.content)),
    ...says(startOf(THREE_BLOCKS.content.length), endOf(THREE_BLOCKS)),
    ...hears(doneOf(THREE_BLOCKS)),
  ]),
];

const DURABLES: readonly Case[] = [
  senderCase("DURABLE beyond what was sent", MALFORMED, HELLO, [
    ...sent(HELLO),
    ...hears(m.message("durable", number(7, 8))),
  ]),
  senderCase("DURABLE before ACCEPT", UNEXPECTED, HELLO, [
    ...offered(HELLO),
    ...hears(m.message("durable", number(0, 8))),
  ]),
  senderCase("DURABLE of seven bytes", MALFORMED, HELLO, [
    ...sent(HELLO),
    ...hears(m.message("durable", number(0, 7))),
  ]),
];

/** REJECT where ACCEPT could be. */
function rejected(name: string, ending: Ending, body: Uint8Array<ArrayBuffer>): Case {
  return senderCase(name, ending, HELLO, [...offered(HELLO), ...hears(m.message("reject", body))]);
}

const REJECTS: readonly Case[] = [
  ...[1, 2, 3, 4, 5, 6, 99].map((reason) =>
    rejected(`REJECT ${reason}`, REJECTED, m.reject(reason, text("because")))
  ),
  rejected("REJECT 7", ["digest_mismatch", 8], m.reject(7, NOTHING)),
  rejected("REJECT with a text that is no UTF-8", MALFORMED, m.reject(1, number(0xff, 1))),
  rejected("REJECT with 3,001 bytes of text", MALFORMED, m.reject(1, repeated(0x61, 3001))),
  rejected("a byte behind REJECT", MALFORMED, join(m.reject(1, NOTHING), number(0, 1))),
  senderCase("REJECT behind END", REJECTED, HELLO, [
    ...sent(HELLO),
    ...hears(m.message("reject", m.reject(2, NOTHING))),
  ]),
];

const OUT_OF_PLACE: readonly Case[] = [
  senderCase("DONE before anything was sent", UNEXPECTED, HELLO, [
    ...offered(HELLO),
    ...hears(doneOf(HELLO)),
  ]),
  senderCase("DONE behind WANT_MANIFEST", UNEXPECTED, HELLO, [
    ...offered(HELLO, REPEATED),
    ...hears(WANT_MANIFEST, doneOf(HELLO)),
  ], { repeated: true }),
  senderCase("WANT_MANIFEST twice", UNEXPECTED, HELLO, [
    ...offered(HELLO),
    ...hears(WANT_MANIFEST, WANT_MANIFEST),
  ]),
  senderCase("WANT_MANIFEST with a body", MALFORMED, HELLO, [
    ...offered(HELLO),
    ...hears(m.message("wantManifest", number(0, 1))),
  ]),
  senderCase("ACCEPT behind END", UNEXPECTED, HELLO, [...sent(HELLO), ...hears(ACCEPT_NOTHING)]),
  senderCase("OFFER to a sender", UNEXPECTED, HELLO, [...offered(HELLO), ...hears(offerOf(HELLO))]),
];

/** What is known of standard input before it is read. */
const UNKNOWN = { flags: 1, size: 0, transferId: pseudorandom("a transfer of unknown size", 32) };
const STDIN: Cargo = { entries: [file("stdin", 0)], content: HELLO.content };
const UNKNOWN_SETUP = { random_transfer_id: hex(UNKNOWN.transferId) };

const UNKNOWN_SIZE: readonly Case[] = [
  senderCase("ACCEPT of more than nothing, of a size that is not known", MALFORMED, STDIN, [
    ...says(offerOf(STDIN, UNKNOWN), manifestOf(STDIN)),
    ...hears(WANT_MANIFEST, m.message("accept", m.accept(6, sha256(STDIN.content)))),
  ], UNKNOWN_SETUP),
  senderCase("DONE at once, of a size that is not known", UNEXPECTED, STDIN, [
    ...says(offerOf(STDIN, { ...UNKNOWN, flags: 1 | REPEATED }), manifestOf(STDIN)),
    ...hears(doneOf(STDIN, { transferId: UNKNOWN.transferId })),
  ], { ...UNKNOWN_SETUP, repeated: true }),
  senderCase("a whole transfer of unknown size", FINE, STDIN, [
    ...says(offerOf(STDIN, UNKNOWN), manifestOf(STDIN)),
    ...hears(WANT_MANIFEST, ACCEPT_NOTHING),
    ...says(startOf(0), ...dataOf(STDIN), endOf(STDIN)),
    ...hears(doneOf(STDIN, { transferId: UNKNOWN.transferId })),
  ], UNKNOWN_SETUP),
];

const ENDS: readonly Case[] = [
  senderCase("the session ends before ACCEPT", LOST, HELLO, [...offered(HELLO), { end_of_stream: true }]),
  senderCase("the session ends behind END, before DONE", LOST, HELLO, [...sent(HELLO), {
    end_of_stream: true,
  }]),
  senderCase("a whole transfer", FINE, HELLO, [...sent(HELLO), ...hears(doneOf(HELLO))]),
  senderCase("a whole transfer with hashes", FINE, THREE_BLOCKS, [
    ...sent(THREE_BLOCKS, WITH_DIGESTS),
    ...hears(doneOf(THREE_BLOCKS, { digests: fileDigests(THREE_BLOCKS) })),
  ], { with_digests: true }),
  senderCase("a receipt with the hash sha256", FINE, HELLO, [
    ...sent(HELLO),
    ...hears(signed(m.sshsig(SERVER_SEED, TEXT, { hash: "sha256" }))),
  ]),
  senderCase("DONE at once, of a run that has sent all of it before", FINE, HELLO, [
    ...offered(HELLO, REPEATED),
    ...hears(doneOf(HELLO, { sessionId: repeated(1, 16) })),
  ], { repeated: true }),
  senderCase("DONE at once, with hashes that nobody has asked for", FINE, HELLO, [
    ...offered(HELLO, REPEATED),
    ...hears(doneOf(HELLO, { digests: fileDigests(HELLO) })),
  ], { repeated: true }),
];

/** All of them. */
export function senderCases(): readonly Case[] {
  return [...RECEIPTS, ...ACCEPTS, ...DURABLES, ...REJECTS, ...OUT_OF_PLACE, ...UNKNOWN_SIZE, ...ENDS];
}
