/**
 * What tests/vectors has of sessions where nothing goes wrong: records.json, manifest.json, receipt.json and
 * keys.json.
 * @module
 */
import { CLIENT_SEED, SERVER_SEED, SHARED_KEY, SUITES } from "./handshake_cases.ts";
import * as m from "./messages.ts";
import {
  type Bytes,
  bytesOf,
  ed25519Public,
  hex,
  join,
  NEUTRAL,
  NEUTRAL_NOT_CANONICAL,
  NOTHING,
  number,
  pseudorandom,
  repeated,
  sha256,
  text,
} from "./primitives.ts";

const SENDER = ed25519Public(CLIENT_SEED);
const RECEIVER = ed25519Public(SERVER_SEED);

// ---- records.json ----

/** The largest size that the protocol knows. */
const MAX = Number.MAX_SAFE_INTEGER;
const SESSION_ID = pseudorandom("session_id", 16);

/** Numbers around the changes of generation, and a message of each kind in them. */
const RECORDS: readonly (readonly [number, number, m.Message])[] = [
  [0, 0, m.message("ack")],
  [1, 1, m.message("data", m.data(0, pseudorandom("block", 100)))],
  [65_535, 7, m.message("ping")],
  [65_536, 65_535, m.message("nak", number(65_530, 4))],
  [65_537, 65_536, m.message("data", m.data(1, NOTHING))],
  [131_072, 0xfffe_ffff, m.message("close")],
];

/** records.json */
export function recordsFile(): unknown {
  return {
    cases: SUITES.map((suite) => {
      const secret0 = pseudorandom(`traffic secret, suite ${suite}`, 32);
      const largest = m.recordOf(suite, secret0, 2, m.plaintextOf(LARGEST, 2)).wire;
      return {
        suite,
        secret_0: hex(secret0),
        records: RECORDS.map(([sequence, ack, each]) => {
          const plaintext = m.plaintextOf(each, ack);
          const record = m.recordOf(suite, secret0, sequence, plaintext);
          return {
            sequence,
            type: each.type,
            ack,
            body: hex(each.body),
            plaintext: hex(plaintext),
            generation: record.generation,
            secret: hex(record.secret),
            key: hex(record.key),
            iv: hex(record.iv),
            nonce: hex(record.nonce),
            additional_data: hex(record.header),
            ciphertext: hex(record.sealed.slice(0, -16)),
            tag: hex(record.sealed.slice(-16)),
            crc32: hex(record.wire.slice(-4)),
            record: hex(record.wire),
          };
        }),
        largest: {
          sequence: 2,
          type: LARGEST.type,
          ack: 2,
          body_byte: "a5",
          body_size: LARGEST.body.length,
          record_size: largest.length,
          record_sha256: hex(sha256(largest)),
          record_start: hex(largest.slice(0, 32)),
          record_end: hex(largest.slice(-32)),
        },
      };
    }),
  };
}

const LARGEST = m.message("data", repeated(0xa5, 1_048_576 - 5));

// ---- manifest.json ----

function file(path: string, size: number, mtime = 1_799_999_000_000, mode = 0o644): m.Entry {
  return { kind: "file", mode, mtime, size, path };
}

function folder(path: string, mtime = 1_799_999_000_000, mode = 0o755): m.Entry {
  return { kind: "folder", mode, mtime, size: 0, path };
}

interface Tree {
  readonly name: string;
  readonly blockSize: number;
  readonly entries: readonly m.Entry[];
}

const TREES: readonly Tree[] = [
  { name: "one file", blockSize: 1_048_512, entries: [file("hello.txt", 6)] },
  { name: "an empty file, executable", blockSize: 16_384, entries: [file("run", 0, 0, 0o777)] },
  { name: "an empty folder, without permissions", blockSize: 16_384, entries: [folder("empty", 1, 0)] },
  {
    name: "times before 1970, and as far as times go",
    blockSize: 65_536,
    entries: [
      file("old", 1, -1),
      file("older", 2, -8_640_000_000_000_000),
      file("late", 3, 8_640_000_000_000_000),
    ],
  },
  {
    name: "a tree with names in several scripts",
    blockSize: 1_048_512,
    entries: [
      folder("фото"),
      file("фото/é è.jpg", 1_000_000),
      folder("фото/空", 5),
      file("фото/空/🎉", 4_294_967_296),
      file("ﬁn\u00a0", 1),
      file("e\u0301", 0),
      file("\ufeffa", 0),
    ],
  },
  {
    name: "the largest size, one file",
    blockSize: 1_048_512,
    entries: [file("x", MAX)],
  },
  {
    name: "the longest path",
    blockSize: 20_000,
    entries: [file(Array.from({ length: 1024 }, () => "é/").join("").slice(0, -1) + "!", 1)],
  },
];

/** manifest.json */
export function manifestFile(): unknown {
  return {
    cases: TREES.map(({ name, blockSize, entries }) => {
      const body = m.encodeEntries(entries);
      const digest = sha256(body);
      return {
        name,
        entries,
        encoded: entries.map((entry) => hex(m.encodeEntry(entry))),
        manifest_digest: hex(digest),
        size: entries.reduce((sum, entry) => sum + entry.size, 0),
        sender_id: hex(SENDER),
        receiver_id: hex(RECEIVER),
        block_size: blockSize,
        transfer_id: hex(m.transferIdOf(SENDER, RECEIVER, blockSize, digest)),
      };
    }),
  };
}

// ---- receipt.json ----

function facts(tree: Tree, time: number, digests: readonly Bytes[] | undefined): m.Facts {
  const manifestDigest = sha256(m.encodeEntries(tree.entries));
  return {
    sender: SENDER,
    receiver: RECEIVER,
    transferId: m.transferIdOf(SENDER, RECEIVER, tree.blockSize, manifestDigest),
    manifestDigest,
    sessionId: SESSION_ID,
    size: tree.entries.reduce((sum, entry) => sum + entry.size, 0),
    entries: tree.entries,
    time,
    digests,
  };
}

function receipt(name: string, given: m.Facts) {
  const words = m.receiptText(given);
  const blob = m.sshsig(SERVER_SEED, text(words));
  return {
    name,
    receiver_seed: hex(SERVER_SEED),
    sender_id: hex(given.sender),
    receiver_id: hex(given.receiver),
    transfer_id: hex(given.transferId),
    manifest_digest: hex(given.manifestDigest),
    session_id: hex(given.sessionId),
    size: given.size,
    entries: given.entries,
    time: given.time,
    digests: given.digests?.map(hex) ?? null,
    text: words,
    signature: hex(blob),
    signature_file: m.armor(blob),
    allowed_signers: `receiver ${m.publicKeyLine(given.receiver)}\n`,
    done: hex(m.doneOf(SERVER_SEED, given)),
  };
}

/** receipt.json */
export function receiptFile(): unknown {
  const files = TREES[4]!.entries.filter(({ kind }) => kind === "file");
  const digests = files.map(({ path }) => pseudorandom(`content of ${path}`, 32));
  return {
    cases: [
      receipt("one file", facts(TREES[0]!, 1_800_000_000_000, undefined)),
      receipt("one file with its hash", facts(TREES[0]!, 1_800_000_001_234, [sha256(text("hello\n"))])),
      receipt("a tree with hashes", facts(TREES[4]!, 0, digests)),
      receipt("nothing but a folder, hashes asked for", facts(TREES[2]!, 1_800_000_000_007, [])),
    ],
  };
}

// ---- keys.json ----

const ORDER_8 = bytesOf("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");

/** A point of prime order with one of order 2 added: -x, -y of the first is that sum. */
function mixedOrder(publicKey: Bytes): Bytes {
  const p = (1n << 255n) - 19n;
  const y = BigInt(`0x${hex(publicKey.toReversed())}`) & ((1n << 255n) - 1n);
  const sign = publicKey[31]! >> 7;
  const negated = number(p - y, 32).toReversed() as Bytes;
  negated[31]! |= (1 - sign) << 7;
  return negated;
}

/** keys.json */
export function keysFile(): unknown {
  return {
    identities: [CLIENT_SEED, SERVER_SEED, new Uint8Array(32)].map((seed) => {
      const publicKey = ed25519Public(seed);
      return {
        seed: hex(seed),
        public_key: hex(publicKey),
        line: m.publicKeyLine(publicKey),
        fingerprint: m.fingerprint(publicKey),
      };
    }),
    refused: [
      ["the neutral element", NEUTRAL],
      ["the neutral element, y written as p + 1", NEUTRAL_NOT_CANONICAL],
      ["the neutral element with its sign bit set", join(NEUTRAL.slice(0, 31), number(0x80, 1))],
      ["the point of order 2", join(number(0xec, 1), repeated(0xff, 30), number(0x7f, 1))],
      ["a point of order 4", new Uint8Array(32)],
      ["a point of order 8", ORDER_8],
      ["a point of mixed order", mixedOrder(SENDER)],
      ["no point of the curve", join(number(2, 1), new Uint8Array(31))],
      ["y above p", repeated(0xff, 32)],
      ["31 bytes", SENDER.slice(1)],
      ["33 bytes", join(SENDER, number(0, 1))],
    ].map(([why, publicKey]) => ({ why, public_key: hex(publicKey as Bytes) })),
    shared_keys: [{
      key: hex(SHARED_KEY),
      line: `stx-psk ${Buffer.from(SHARED_KEY).toString("base64")}`,
    }],
  };
}
