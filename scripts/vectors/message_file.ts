/**
 * messages.json: every message as a value and as bytes, and bodies that are none.
 * @module
 */
import { CLIENT_SEED } from "./handshake_cases.ts";
import { file, folder } from "./transfer_cases.ts";
import * as m from "./messages.ts";
import {
  type Bytes,
  hex,
  join,
  NOTHING,
  number,
  overwritten,
  pseudorandom,
  repeated,
  text,
} from "./primitives.ts";

/** The largest number that the protocol knows. */
const MAX = Number.MAX_SAFE_INTEGER;

type Value = Readonly<Record<string, string | number | readonly m.Entry[]>>;

const ID = pseudorandom("transfer_id", 32);
const DIGEST = pseudorandom("manifest_digest", 32);
const SESSION_ID = pseudorandom("session_id", 16);
const SIGNATURE = pseudorandom("signature", 83);
const ENTRIES = [folder("d"), file("d/hello.txt", 6)];

function offerValue(flags: number, size: number, count: number, blockSize: number) {
  const given = { transferId: ID, flags, size, count, blockSize, manifestDigest: DIGEST };
  const value: Value = {
    transfer_id: hex(ID),
    flags,
    size,
    count,
    block_size: blockSize,
    manifest_digest: hex(DIGEST),
  };
  return { name: "OFFER", type: m.MESSAGES.offer, value, body: hex(m.offer(given)) };
}

function doneValue(time: number, size: number, withDigests: number, signature: Bytes) {
  const value: Value = {
    time,
    size,
    session_id: hex(SESSION_ID),
    with_digests: withDigests,
    signature: hex(signature),
  };
  const body = m.done({ time, size, sessionId: SESSION_ID, withDigests, signature });
  return { name: "DONE", type: m.MESSAGES.done, value, body: hex(body) };
}

function simple(name: string, type: number, value: Value, body: Bytes) {
  return { name, type, value, body: hex(body) };
}

function rejectValue(reason: number, words: string) {
  return simple("REJECT", m.MESSAGES.reject, { reason, text: words }, m.reject(reason, text(words)));
}

function acceptValue(offset: number) {
  return simple("ACCEPT", m.MESSAGES.accept, { offset, sha256: hex(DIGEST) }, m.accept(offset, DIGEST));
}

function endValue(size: number, blocks: number, crc: number) {
  return simple("END", m.MESSAGES.end, { size, blocks, crc32: crc }, m.end(size, blocks, crc));
}

function rotationValue() {
  const [oldSeed, newSeed, time] = [
    CLIENT_SEED,
    pseudorandom("client's next identity", 32),
    1_799_999_999_123,
  ];
  const body = m.rotation(oldSeed, newSeed, time);
  const value: Value = {
    old_key: hex(body.slice(0, 32)),
    new_key: hex(body.slice(32, 64)),
    time,
    old_signature: hex(body.slice(72, 136)),
    new_signature: hex(body.slice(136)),
    old_seed: hex(oldSeed),
    new_seed: hex(newSeed),
  };
  return simple("ROTATION", m.MESSAGES.rotation, value, body);
}

/** messages.json */
export function messagesFile(): unknown {
  const { ack, nak, ping, alert, close, start, data, durable, digests, wantManifest, manifest } = m.MESSAGES;
  const block = pseudorandom("block", 40);
  return {
    messages: [
      simple("ACK", ack, {}, NOTHING),
      simple("NAK", nak, { sequence: 0 }, number(0, 4)),
      simple("NAK", nak, { sequence: 0xfffe_ffff }, number(0xfffe_ffff, 4)),
      simple("PING", ping, {}, NOTHING),
      ...ALERTS.map(([, number_]) => simple("ALERT", alert, { alert: number_ }, number(number_, 1))),
      simple("CLOSE", close, {}, NOTHING),
      rotationValue(),
      offerValue(0, 6, 1, 16_384),
      offerValue(1, 0, 1, 1_048_512),
      offerValue(2, MAX, 1_114_112, 65_536),
      offerValue(4, 0x0102_0304_0506, 0x0001_0203, 0x0001_0203),
      offerValue(6, 1, 2, 16_385),
      simple("MANIFEST", manifest, { entries: ENTRIES }, m.encodeEntries(ENTRIES)),
      simple("WANT_MANIFEST", wantManifest, {}, NOTHING),
      acceptValue(0),
      acceptValue(MAX),
      ...[1, 2, 3, 4, 5, 6, 7].map((reason) => rejectValue(reason, `reason ${reason}`)),
      rejectValue(1, ""),
      rejectValue(3, "naïve – 名前 – 🗂"),
      rejectValue(4, "\ufeffa mark at the beginning"),
      rejectValue(5, "a".repeat(1000)),
      simple("START", start, { offset: 0 }, number(0, 8)),
      simple("START", start, { offset: MAX }, number(MAX, 8)),
      simple("DATA", data, { index: 0, data: hex(block) }, m.data(0, block)),
      simple("DATA", data, { index: MAX, data: "00" }, m.data(MAX, number(0, 1))),
      simple("DURABLE", durable, { offset: 16_384 }, number(16_384, 8)),
      simple("DIGESTS", digests, { digests: hex(join(ID, DIGEST)) }, join(ID, DIGEST)),
      endValue(0, 0, 0),
      endValue(MAX, 0x0102_0304, 0xffff_fffe),
      doneValue(1_800_000_000_123, 6, 0, SIGNATURE),
      doneValue(8_640_000_000_000_000, MAX, 1, NOTHING),
    ],
    unknown: [
      simple("ALERT", alert, { alert: 8 }, number(200, 1)),
      simple("ALERT", alert, { alert: 8 }, number(0, 1)),
      simple("REJECT", m.MESSAGES.reject, { reason: 1, text: "why" }, m.reject(99, text("why"))),
      simple("REJECT", m.MESSAGES.reject, { reason: 1, text: "" }, m.reject(0, NOTHING)),
    ],
    refused: REFUSED.map(([why, { type, body }]) => ({ why, type, body: hex(body) })),
    alerts: ALERTS.map(([name, number_]) => ({ name, number: number_ })),
    reject_reasons: REASONS.map((name, i) => ({ name, number: i + 1 })),
  };
}

/** 2^53 in eight bytes. */
const TOO_MUCH = number(2n ** 53n, 8);
const OFFER = m.offer({
  transferId: ID,
  flags: 0,
  size: 6,
  count: 1,
  blockSize: 16_384,
  manifestDigest: DIGEST,
});
const DONE = m.done({ time: 0, size: 6, sessionId: SESSION_ID, withDigests: 0, signature: SIGNATURE });
const ENTRY = m.encodeEntry(ENTRIES[1]!);

/** Bodies that nobody may take for a message, whatever comes of it otherwise. */
const REFUSED: readonly (readonly [string, m.Message])[] = [
  ...([
    ["nak", number(1, 4)],
    ["alert", number(5, 1)],
    ["rotation", m.rotation(CLIENT_SEED, pseudorandom("client's next identity", 32), 0)],
    ["offer", OFFER],
    ["accept", m.accept(0, DIGEST)],
    ["reject", m.reject(1, text("no"))],
    ["start", number(0, 8)],
    ["durable", number(0, 8)],
    ["end", m.end(0, 0, 0)],
    ["done", DONE],
  ] as const).flatMap(([name, body]) =>
    [
      ["it lacks its last byte", m.message(name, body.slice(0, -1))],
      ["a byte is behind its end", m.message(name, join(body, number(0, 1)))],
    ] as const
  ),
  ...(["ack", "ping", "close", "wantManifest"] as const).map((name) =>
    ["it has a body", m.message(name, number(0, 1))] as const
  ),
  ["its size is 2^53", m.message("offer", overwritten(OFFER, 33, TOO_MUCH))],
  ["a flag that does not exist", m.message("offer", overwritten(OFFER, 32, number(8, 1)))],
  ["a size, and the flag that says it is unknown", m.message("offer", overwritten(OFFER, 32, number(1, 1)))],
  ["its offset is 2^53", m.message("accept", overwritten(m.accept(0, DIGEST), 0, TOO_MUCH))],
  ["its offset is 2^53", m.message("start", TOO_MUCH)],
  ["its offset is 2^64 - 1", m.message("durable", repeated(0xff, 8))],
  ["its index is 2^53", m.message("data", m.data(Number(2n ** 53n), NOTHING))],
  ["its index has seven bytes", m.message("data", number(0, 7))],
  ["its size is 2^53", m.message("end", overwritten(m.end(0, 0, 0), 0, TOO_MUCH))],
  ["its number of blocks is 2^53", m.message("end", overwritten(m.end(0, 0, 0), 8, TOO_MUCH))],
  ["its time is 2^53", m.message("done", overwritten(DONE, 0, TOO_MUCH))],
  ["with_digests is 2", m.message("done", overwritten(DONE, 32, number(2, 1)))],
  ["its text is no UTF-8", m.message("reject", m.reject(1, number(0xc3, 1)))],
  ["its text has a surrogate", m.message("reject", m.reject(1, Uint8Array.of(0xed, 0xa0, 0x80)))],
  ["its text has 3,001 bytes", m.message("reject", m.reject(1, repeated(0x61, 3001)))],
  ["an entry of kind 2", m.message("manifest", overwritten(ENTRY, 0, number(2, 1)))],
  ["an entry of mode 0o1000", m.message("manifest", overwritten(ENTRY, 1, number(0o1000, 2)))],
  [
    "a time of 8.64 * 10^15 + 1",
    m.message("manifest", overwritten(ENTRY, 3, number(8_640_000_000_000_001, 8))),
  ],
  [
    "a time of -8.64 * 10^15 - 1",
    m.message("manifest", overwritten(ENTRY, 3, number(-8_640_000_000_000_001, 8))),
  ],
  ["a time of 2^63 - 1", m.message("manifest", overwritten(ENTRY, 3, number(2n ** 63n - 1n, 8)))],
  ["a size of 2^53", m.message("manifest", overwritten(ENTRY, 11, TOO_MUCH))],
  ["a folder with a size", m.message("manifest", overwritten(ENTRY, 0, number(1, 1)))],
  ["a path of 3,073 bytes", m.message("manifest", m.encodeEntry(file("x".repeat(3073), 0)))],
  ["a path that is no UTF-8", m.message("manifest", overwritten(ENTRY, 21, number(0xff, 1)))],
  ["an entry that is cut", m.message("manifest", ENTRY.slice(0, -1))],
];

const ALERTS: readonly (readonly [string, number])[] = [
  "handshake failed",
  "busy",
  "access denied",
  "clock skew",
  "protocol error",
  "bad record",
  "closing",
  "internal error",
  "superseded",
].map((name, i) => [name, i + 1]);
const REASONS = ["policy", "space", "name", "exists", "quota", "local", "integrity"];
