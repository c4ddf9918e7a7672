/**
 * Faults that a receiver of a transfer must notice.
 * @module
 */
import type { Case, Step } from "./cases.ts";
import * as m from "./messages.ts";
import {
  type Bytes,
  crc32,
  flipped,
  hex,
  join,
  NOTHING,
  number,
  pseudorandom,
  sha256,
  text,
} from "./primitives.ts";
import {
  ACCEPT_NOTHING,
  BLOCK_SIZE,
  type Cargo,
  dataOf,
  digestOf,
  doneOf,
  type Ending,
  endOf,
  file,
  fileDigests,
  folder,
  hears,
  HELLO,
  manifestOf,
  offerOf,
  receiverCase,
  rejects,
  says,
  startOf,
  THREE_BLOCKS,
  WANT_MANIFEST,
} from "./transfer_cases.ts";

const MALFORMED: Ending = ["malformed", 5];
const UNEXPECTED: Ending = ["unexpected_message", 5];
const BAD_MANIFEST: Ending = ["bad_manifest", 5];
const MISMATCH: Ending = ["digest_mismatch", 8];
const LOST: Ending = ["connection_lost", null];
const FINE: Ending = [null, null];

/** A fault in OFFER. */
function atOffer(name: string, ending: Ending, offer: m.Message, ...more: readonly Step[]): Case {
  return receiverCase(name, ending, [...hears(offer), ...more]);
}

/** The body of an OFFER with something written over it, added or taken away. */
function offerBody(change: (body: Bytes) => Bytes): m.Message {
  return m.message("offer", change(offerOf(HELLO).body));
}

const OFFERS: readonly Case[] = [
  atOffer(
    "a transfer_id that does not follow from the manifest",
    ["bad_transfer_id", 5],
    offerBody((body) => flipped(body, 0)),
  ),
  atOffer(
    "the transfer_id of another block size",
    ["bad_transfer_id", 5],
    offerOf(HELLO, { blockSize: 16_385, transferId: offerOf(HELLO).body.slice(0, 32) }),
  ),
  atOffer("a flag that does not exist", MALFORMED, offerOf(HELLO, { flags: 8 })),
  atOffer("a size beside the flag that says it is unknown", MALFORMED, offerOf(HELLO, { flags: 1 })),
  atOffer("no entry", BAD_MANIFEST, offerOf(HELLO, { count: 0 })),
  atOffer("1,114,113 entries", BAD_MANIFEST, offerOf(HELLO, { count: 1_114_113 })),
  atOffer("blocks of 16,383 bytes", MALFORMED, offerOf(HELLO, { blockSize: 16_383 })),
  atOffer("blocks of 1,048,513 bytes", MALFORMED, offerOf(HELLO, { blockSize: 1_048_513 })),
  atOffer("two entries of unknown size", BAD_MANIFEST, offerOf(HELLO, { flags: 1, size: 0, count: 2 })),
  atOffer("OFFER lacks its last byte", MALFORMED, offerBody((body) => body.slice(0, -1))),
  atOffer("a byte behind OFFER", MALFORMED, offerBody((body) => join(body, number(0, 1)))),
  atOffer(
    "a size of 2^53",
    MALFORMED,
    offerBody((body) => join(body.slice(0, 33), number(2n ** 53n, 8), body.slice(41))),
  ),
  receiverCase("more than the receiver takes", ["too_large", 8], [...hears(offerOf(HELLO)), ...rejects(5)], {
    max_size: 5,
  }),
];

/** OFFER of `cargo`, WANT_MANIFEST, and a MANIFEST that is refused. */
function atManifest(
  name: string,
  ending: Ending,
  cargo: Cargo,
  manifest = manifestOf(cargo),
  ...more: readonly Step[]
): Case {
  const steps = [...hears(offerOf(cargo)), ...says(WANT_MANIFEST), ...hears(manifest), ...more];
  return receiverCase(name, ending, steps);
}

function cargo(...entries: readonly m.Entry[]): Cargo {
  return { entries, content: new Uint8Array(entries.reduce((sum, entry) => sum + entry.size, 0)) };
}

const UNKNOWN = { flags: 1, size: 0, transferId: pseudorandom("a transfer of unknown size", 32) };
const HELLO_ENTRY = m.encodeEntry(HELLO.entries[0]!);

const MANIFESTS: readonly Case[] = [
  atManifest(
    "a manifest other than the one that was offered",
    BAD_MANIFEST,
    HELLO,
    manifestOf({ ...HELLO, entries: [{ ...HELLO.entries[0]!, mtime: 0 }] }),
  ),
  receiverCase("more entries than were counted, though the digest is theirs", BAD_MANIFEST, [
    ...hears(offerOf(THREE_BLOCKS, { count: 3 })),
    ...says(WANT_MANIFEST),
    ...hears(manifestOf(THREE_BLOCKS)),
  ]),
  atManifest(
    "more entries than were offered",
    BAD_MANIFEST,
    HELLO,
    m.message("manifest", join(HELLO_ENTRY, m.encodeEntry(folder("d")))),
  ),
  atManifest("MANIFEST without an entry", MALFORMED, HELLO, m.message("manifest")),
  atManifest("an entry that is cut", MALFORMED, HELLO, m.message("manifest", HELLO_ENTRY.slice(0, -1))),
  atManifest(
    "an entry of kind 2",
    MALFORMED,
    HELLO,
    m.message("manifest", join(number(2, 1), HELLO_ENTRY.slice(1))),
  ),
  atManifest("an entry of mode 0o1000", MALFORMED, cargo({ ...file("x", 0), mode: 0o1000 })),
  atManifest("a folder with a size", MALFORMED, cargo({ ...folder("x"), size: 1 })),
  atManifest(
    "a time above 8.64 * 10^15",
    MALFORMED,
    cargo({ ...file("x", 0), mtime: 8_640_000_000_000_001 }),
  ),
  atManifest(
    "a time below -8.64 * 10^15",
    MALFORMED,
    cargo({ ...file("x", 0), mtime: -8_640_000_000_000_001 }),
  ),
  atManifest(
    "a path that is no UTF-8",
    MALFORMED,
    HELLO,
    m.message("manifest", join(HELLO_ENTRY.slice(0, 21), text("hello.tx"), number(0xff, 1))),
  ),
  receiverCase("MANIFEST above 65,536 bytes, of entries that can be read", MALFORMED, [
    ...hears(offerOf(HELLO)),
    ...says(WANT_MANIFEST),
    { in_message: { type: m.MESSAGES.manifest, body: "", then: { byte: "00", count: 21 * 3_121 } } },
  ]),
  receiverCase("sizes that do not add up", BAD_MANIFEST, [
    ...hears(offerOf(HELLO, { size: 7 })),
    ...says(WANT_MANIFEST),
    ...hears(manifestOf(HELLO)),
  ]),
  receiverCase("a folder as the one entry of unknown size", BAD_MANIFEST, [
    ...hears(offerOf(cargo(folder("d")), UNKNOWN)),
    ...says(WANT_MANIFEST),
    ...hears(manifestOf(cargo(folder("d")))),
  ]),
  ...["../up", "/etc/passwd", "a/../../up", ".stx-partial", "con.txt"].map((path) =>
    atManifest(`the name ${path}`, ["bad_name", 8], cargo(file(path, 0)), undefined, ...rejects(3))
  ),
  atManifest(
    "two names that differ in case alone",
    ["bad_name", 8],
    cargo(file("a", 0), file("A", 0)),
    undefined,
    ...rejects(3),
  ),
  receiverCase("a name that is taken", ["exists", 8], [
    ...hears(offerOf(HELLO)),
    ...says(WANT_MANIFEST),
    ...hears(manifestOf(HELLO)),
    ...rejects(4),
  ], { existing: ["hello.txt"] }),
];

/** Everything up to ACCEPT of nothing. */
function accepted(what: Cargo, flags = 0): readonly Step[] {
  const offer = offerOf(what, { flags });
  return [...hears(offer), ...says(WANT_MANIFEST), ...hears(manifestOf(what)), ...says(ACCEPT_NOTHING)];
}

/** Everything up to START. */
function started(what: Cargo, flags = 0): readonly Step[] {
  return [...accepted(what, flags), ...hears(startOf(0))];
}

function data(index: number, block: Bytes): m.Message {
  return m.message("data", m.data(index, block));
}

function end(size: number, blocks: number, crc: number): m.Message {
  return m.message("end", m.end(size, blocks, crc));
}

const { content } = HELLO;
const DIGESTS = m.message("digests", join(...fileDigests(HELLO)));
const WITH_DIGESTS = 2;

const STREAMS: readonly Case[] = [
  receiverCase("START neither at 0 nor where ACCEPT says", MALFORMED, [
    ...accepted(HELLO),
    ...hears(startOf(6)),
  ]),
  receiverCase("START of nine bytes", MALFORMED, [
    ...accepted(HELLO),
    ...hears(m.message("start", number(0, 9))),
  ]),
  receiverCase("DATA with another index than the next", MALFORMED, [
    ...started(HELLO),
    ...hears(data(1, content)),
  ]),
  receiverCase("DATA twice", MALFORMED, [
    ...started(THREE_BLOCKS),
    ...hears(dataOf(THREE_BLOCKS)[0]!, dataOf(THREE_BLOCKS)[0]!),
    ...says(m.message("durable", number(BLOCK_SIZE, 8))),
  ]),
  ...[["shorter than a block, and not the last", -1], ["longer than a block", 1]].map(([what, more]) =>
    receiverCase(`DATA ${what}`, MALFORMED, [
      ...started(THREE_BLOCKS),
      {
        in_message: {
          type: m.MESSAGES.data,
          body: hex(number(0, 8)),
          then: { byte: "00", count: BLOCK_SIZE + Number(more) },
        },
      },
    ])
  ),
  receiverCase("DATA of a whole block where less is left", MALFORMED, [
    ...started(THREE_BLOCKS),
    ...hears(...dataOf(THREE_BLOCKS).slice(0, 2)),
    {
      in_message: {
        type: m.MESSAGES.data,
        body: hex(number(2, 8)),
        then: { byte: "00", count: BLOCK_SIZE },
      },
    },
    ...says(m.message("durable", number(2 * BLOCK_SIZE, 8))),
  ]),
  receiverCase("DATA beyond the size that was offered", MALFORMED, [
    ...started(HELLO),
    ...hears(data(0, text("hello\n!"))),
  ]),
  receiverCase("DATA behind the last block", MALFORMED, [
    ...started(HELLO),
    ...hears(data(0, content), data(1, NOTHING)),
  ]),
  receiverCase("DATA of seven bytes", MALFORMED, [
    ...started(HELLO),
    ...hears(m.message("data", number(0, 7))),
  ]),
  receiverCase("END with another size", MISMATCH, [
    ...started(HELLO),
    ...hears(data(0, content), end(7, 1, crc32(content))),
    ...rejects(7),
  ]),
  receiverCase("END with another number of blocks", MISMATCH, [
    ...started(HELLO),
    ...hears(data(0, content), end(6, 2, crc32(content))),
    ...rejects(7),
  ]),
  receiverCase("END with another CRC-32", MISMATCH, [
    ...started(HELLO),
    ...hears(data(0, content), end(6, 1, crc32(content) - 1)),
    ...rejects(7),
  ]),
  receiverCase("END before all has come", MISMATCH, [
    ...started(HELLO),
    ...hears(end(0, 0, 0)),
    ...rejects(7),
  ]),
  receiverCase("END of 21 bytes", MALFORMED, [
    ...started(HELLO),
    ...hears(data(0, content), m.message("end", join(endOf(HELLO).body, number(0, 1)))),
  ]),
  receiverCase("more than the receiver takes, of a size that was not known", ["too_large", 8], [
    ...hears(offerOf(cargo(file("x", 0)), UNKNOWN)),
    ...says(WANT_MANIFEST),
    ...hears(manifestOf(cargo(file("x", 0)))),
    ...says(ACCEPT_NOTHING),
    ...hears(startOf(0), data(0, content)),
    ...rejects(5),
  ], { max_size: 5 }),
  receiverCase("DIGESTS that nobody has announced", MALFORMED, [
    ...started(HELLO),
    ...hears(data(0, content), DIGESTS),
  ]),
  receiverCase("DIGESTS with half a hash", MALFORMED, [
    ...started(HELLO, WITH_DIGESTS),
    ...hears(data(0, content), m.message("digests", new Uint8Array(16))),
  ]),
  receiverCase("more DIGESTS than entries", MALFORMED, [
    ...started(HELLO, WITH_DIGESTS),
    ...hears(data(0, content), DIGESTS, DIGESTS),
  ]),
  receiverCase("fewer DIGESTS than files", MALFORMED, [
    ...started(HELLO, WITH_DIGESTS),
    ...hears(data(0, content), endOf(HELLO)),
  ]),
  receiverCase("DIGESTS of another content", MISMATCH, [
    ...started(HELLO, WITH_DIGESTS),
    ...hears(data(0, content), m.message("digests", sha256(text("hullo\n"))), endOf(HELLO)),
    ...rejects(7),
  ]),
];

const OUT_OF_PLACE: readonly Case[] = [
  receiverCase("MANIFEST before OFFER", UNEXPECTED, hears(manifestOf(HELLO))),
  receiverCase("DONE to a receiver", UNEXPECTED, hears(doneOf(HELLO))),
  receiverCase("OFFER a second time", UNEXPECTED, [
    ...hears(offerOf(HELLO)),
    ...says(WANT_MANIFEST),
    ...hears(offerOf(HELLO)),
  ]),
  receiverCase("START before ACCEPT", UNEXPECTED, [
    ...hears(offerOf(HELLO)),
    ...says(WANT_MANIFEST),
    ...hears(startOf(0)),
  ]),
  receiverCase("DATA before START", UNEXPECTED, [...accepted(HELLO), ...hears(...dataOf(HELLO))]),
  receiverCase("START a second time", UNEXPECTED, [...started(HELLO), ...hears(startOf(0))]),
  receiverCase("MANIFEST behind START", UNEXPECTED, [...started(HELLO), ...hears(manifestOf(HELLO))]),
  receiverCase("ACCEPT to a receiver", UNEXPECTED, [...started(HELLO), ...hears(ACCEPT_NOTHING)]),
];

const ENDS: readonly Case[] = [
  receiverCase("no OFFER within 30 s", LOST, [{ at: 29_999 }, { at: 30_000 }]),
  receiverCase("the session ends before END", LOST, [
    ...started(HELLO),
    ...hears(...dataOf(HELLO)),
    { end_of_stream: true },
  ]),
  receiverCase("a whole transfer", FINE, [
    ...started(HELLO),
    ...hears(...dataOf(HELLO), endOf(HELLO)),
    ...says(doneOf(HELLO)),
  ]),
  receiverCase("a whole transfer with hashes, and MANIFEST that was under way", FINE, [
    ...accepted(THREE_BLOCKS, WITH_DIGESTS),
    ...hears(manifestOf(HELLO), startOf(0), ...dataOf(THREE_BLOCKS)),
    ...hears(m.message("digests", join(...fileDigests(THREE_BLOCKS))), endOf(THREE_BLOCKS)),
    ...says(m.message("durable", number(2 * BLOCK_SIZE, 8))),
    ...says(doneOf(THREE_BLOCKS, { digests: fileDigests(THREE_BLOCKS) })),
  ]),
  receiverCase("a hidden file, where the receiver takes those", FINE, [
    ...started(cargo(file(".x", 0))),
    ...hears(end(0, 0, 0)),
    ...says(doneOf(cargo(file(".x", 0)))),
  ], { allow_dotfiles: true }),
  receiverCase("a transfer of unknown size", FINE, [
    ...hears(offerOf(cargo(file("x", 0)), UNKNOWN)),
    ...says(WANT_MANIFEST),
    ...hears(manifestOf(cargo(file("x", 0)))),
    ...says(ACCEPT_NOTHING),
    ...hears(startOf(0), data(0, content), endOf(HELLO)),
    ...says(doneOf(cargo(file("x", 0)), {
      size: 6,
      transferId: UNKNOWN.transferId,
      manifestDigest: digestOf(cargo(file("x", 0))),
    })),
  ]),
];

/** All of them. */
export function receiverCases(): readonly Case[] {
  return [...OFFERS, ...MANIFESTS, ...STREAMS, ...OUT_OF_PLACE, ...ENDS];
}
