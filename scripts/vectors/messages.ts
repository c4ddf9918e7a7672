/**
 * Messages and records as docs/protocol.md writes them down: bodies, records, the manifest, the receipt.
 * @module
 */
import {
  type Bytes,
  crc32,
  ed25519Public,
  ed25519Sign,
  hex,
  join,
  keyOf,
  nonceOf,
  NOTHING,
  number,
  seal,
  sha256,
  sha512,
  type SuiteNumber,
  text,
  vector16,
  xl,
} from "./primitives.ts";

/** The numbers of the messages. */
export const MESSAGES = {
  ack: 1,
  nak: 2,
  ping: 3,
  alert: 4,
  close: 5,
  rotation: 6,
  offer: 16,
  manifest: 17,
  wantManifest: 18,
  accept: 19,
  reject: 20,
  start: 21,
  data: 22,
  durable: 23,
  digests: 24,
  end: 25,
  done: 26,
} as const;

/** A message: its number and its body. */
export interface Message {
  readonly type: number;
  readonly body: Bytes;
}

/** A message by its name. */
export function message(name: keyof typeof MESSAGES, body: Bytes = NOTHING): Message {
  return { type: MESSAGES[name], body };
}

// ---- Records ----

/** What is sealed in a record. */
export function plaintextOf({ type, body }: Message, ack: number): Bytes {
  return join(number(type, 1), number(ack, 4), body);
}

/** The secret of a generation, from that of generation 0. */
export function secretOf(secret0: Bytes, generation: number): Bytes {
  let secret = secret0;
  for (let i = 0; i < generation; i++) secret = xl(secret, "traffic upd", NOTHING, 32);
  return secret;
}

/** Where a record departs from the specification. */
export interface RecordFaults {
  /** Of the key. */
  readonly generation?: number;
  /** In the nonce. */
  readonly nonce?: number;
}

/** A record with everything on the way to it. */
export function recordOf(
  suite: SuiteNumber,
  secret0: Bytes,
  sequence: number,
  plaintext: Bytes,
  faults: RecordFaults = {},
) {
  const generation = faults.generation ?? Math.floor(sequence / 65_536);
  const secret = secretOf(secret0, generation);
  const { key, iv } = keyOf(secret);
  const header = join(number(sequence, 4), number(plaintext.length, 4));
  const n = faults.nonce ?? sequence;
  const sealed = seal(suite, secret, n, header, plaintext);
  return {
    generation,
    secret,
    key,
    iv,
    nonce: nonceOf(iv, n),
    header,
    sealed,
    wire: withCrc(join(header, sealed)),
  };
}

/** A record's bytes and their CRC. */
export function withCrc(bytes: Bytes): Bytes {
  return join(bytes, number(crc32(bytes), 4));
}

/** A record with its CRC made right again. */
export function crcMended(record: Bytes): Bytes {
  return withCrc(record.slice(0, -4));
}

/** One direction of a session: its records in their order. */
export class Direction {
  readonly #suite: SuiteNumber;
  readonly #secret0: Bytes;
  #next: number;

  constructor(suite: SuiteNumber, secret0: Bytes, first = 0) {
    this.#suite = suite;
    this.#secret0 = secret0;
    this.#next = first;
  }

  /** The next record. */
  record(each: Message, ack: number): Bytes {
    return this.at(this.#next++, plaintextOf(each, ack));
  }

  /** A record of any number. */
  at(sequence: number, plaintext: Bytes, faults?: RecordFaults): Bytes {
    return recordOf(this.#suite, this.#secret0, sequence, plaintext, faults).wire;
  }
}

// ---- The manifest ----

/** An entry, as the files of vectors have it. */
export interface Entry {
  readonly kind: "file" | "folder";
  readonly mode: number;
  readonly mtime: number;
  readonly size: number;
  readonly path: string;
}

/** The bytes of an entry. */
export function encodeEntry({ kind, mode, mtime, size, path }: Entry): Bytes {
  return join(
    number(kind === "file" ? 0 : 1, 1),
    number(mode, 2),
    number(mtime, 8),
    number(size, 8),
    vector16(text(path)),
  );
}

/** The bytes of entries one after the other, which `manifest_digest` is over. */
export function encodeEntries(entries: readonly Entry[]): Bytes {
  return join(...entries.map(encodeEntry));
}

/** The name of a transfer whose size is known. */
export function transferIdOf(sender: Bytes, receiver: Bytes, blockSize: number, digest: Bytes): Bytes {
  return sha256(text("stx1 transfer"), number(0, 1), sender, receiver, number(blockSize, 4), digest);
}

// ---- Bodies ----

/** What OFFER says. */
export interface Offer {
  readonly transferId: Bytes;
  readonly flags: number;
  readonly size: number;
  readonly count: number;
  readonly blockSize: number;
  readonly manifestDigest: Bytes;
}

/** OFFER's body. */
export function offer({ transferId, flags, size, count, blockSize, manifestDigest }: Offer): Bytes {
  return join(
    transferId,
    number(flags, 1),
    number(size, 8),
    number(count, 4),
    number(blockSize, 4),
    manifestDigest,
  );
}

/** ACCEPT's body. */
export function accept(offset: number, hash: Bytes): Bytes {
  return join(number(offset, 8), hash);
}

/** REJECT's body. */
export function reject(reason: number, words: Bytes): Bytes {
  return join(number(reason, 1), vector16(words));
}

/** DATA's body. */
export function data(index: number, block: Bytes): Bytes {
  return join(number(index, 8), block);
}

/** END's body. */
export function end(size: number, blocks: number, crc: number): Bytes {
  return join(number(size, 8), number(blocks, 8), number(crc, 4));
}

/** What DONE says. */
export interface Done {
  readonly time: number;
  readonly size: number;
  readonly sessionId: Bytes;
  readonly withDigests: number;
  readonly signature: Bytes;
}

/** DONE's body. */
export function done({ time, size, sessionId, withDigests, signature }: Done): Bytes {
  return join(number(time, 8), number(size, 8), sessionId, number(withDigests, 1), vector16(signature));
}

/** What is signed for a change of identity. */
export function rotationContent(oldKey: Bytes, newKey: Bytes, time: number): Bytes {
  const words = text("STX/1 identity rotation");
  return join(new Uint8Array(64).fill(0x20), words, number(0, 1), oldKey, newKey, number(time, 8));
}

/** A statement that the key of one seed follows that of another. */
export function rotation(oldSeed: Bytes, newSeed: Bytes, time: number): Bytes {
  const [oldKey, newKey] = [ed25519Public(oldSeed), ed25519Public(newSeed)];
  const content = rotationContent(oldKey, newKey, time);
  return join(
    oldKey,
    newKey,
    number(time, 8),
    ed25519Sign(oldSeed, content),
    ed25519Sign(newSeed, content),
  );
}

// ---- The receipt and OpenSSH's formats ----

/** A string of SSH: its length in four bytes before it. */
export function sshString(value: Uint8Array | string): Bytes {
  const bytes = typeof value === "string" ? text(value) : value;
  return join(number(bytes.length, 4), bytes);
}

function publicKeyBlob(publicKey: Bytes): Bytes {
  return join(sshString("ssh-ed25519"), sshString(publicKey));
}

/** A public key as its file has it, without a comment. */
export function publicKeyLine(publicKey: Bytes): string {
  return `ssh-ed25519 ${Buffer.from(publicKeyBlob(publicKey)).toString("base64")}`;
}

/** As `ssh-keygen -lf` prints it. */
export function fingerprint(publicKey: Bytes): string {
  return `SHA256:${Buffer.from(sha256(publicKeyBlob(publicKey))).toString("base64").replace("=", "")}`;
}

/** What a receipt is about. */
export interface Facts {
  readonly sender: Bytes;
  readonly receiver: Bytes;
  readonly transferId: Bytes;
  readonly manifestDigest: Bytes;
  readonly sessionId: Bytes;
  readonly size: number;
  readonly entries: readonly Entry[];
  readonly time: number;
  /** SHA-256 of each file. */
  readonly digests: readonly Bytes[] | undefined;
}

/** What a receipt says. */
export function receiptText(facts: Facts): string {
  const files = facts.entries.filter(({ kind }) => kind === "file");
  return [
    "stx receipt 1",
    `sender: ${publicKeyLine(facts.sender)}`,
    `receiver: ${publicKeyLine(facts.receiver)}`,
    `transfer: ${hex(facts.transferId)}`,
    `manifest: ${hex(facts.manifestDigest)}`,
    `session: ${hex(facts.sessionId)}`,
    `entries: ${facts.entries.length}`,
    `bytes: ${facts.size}`,
    `finished: ${new Date(facts.time).toISOString()}`,
    ...(facts.digests ?? []).map((digest, i) => `${hex(digest)}  ${files[i]!.path}`),
    "",
  ].join("\n");
}

/** Where a signature departs from what a receipt has. */
export interface SignatureFaults {
  readonly namespace?: string;
  /** Stands in the blob in place of the one that is signed. */
  readonly namedNamespace?: string;
  readonly version?: number;
  readonly reserved?: string;
  readonly hash?: "sha256" | "sha512";
  /** Stands in the blob in place of the signer's. */
  readonly publicKey?: Bytes;
}

/** What an SSHSIG signs (PROTOCOL.sshsig of OpenSSH). */
export function sshsigContent(namespace: string, hash: "sha256" | "sha512", content: Bytes): Bytes {
  const digest = hash === "sha512" ? sha512(content) : sha256(content);
  return join(text("SSHSIG"), sshString(namespace), sshString(""), sshString(hash), sshString(digest));
}

/** A binary SSHSIG. */
export function sshsig(seed: Bytes, content: Bytes, faults: SignatureFaults = {}): Bytes {
  const { namespace = "receipt@stx1", hash = "sha512", reserved = "" } = faults;
  const signature = ed25519Sign(seed, sshsigContent(namespace, hash, content));
  return join(
    text("SSHSIG"),
    number(faults.version ?? 1, 4),
    sshString(publicKeyBlob(faults.publicKey ?? ed25519Public(seed))),
    sshString(faults.namedNamespace ?? namespace),
    sshString(reserved),
    sshString(hash),
    sshString(join(sshString("ssh-ed25519"), sshString(signature))),
  );
}

/** The same as the text of a file. */
export function armor(blob: Bytes): string {
  const lines = Buffer.from(blob).toString("base64").match(/.{1,70}/g) ?? [];
  return ["-----BEGIN SSH SIGNATURE-----", ...lines, "-----END SSH SIGNATURE-----", ""].join("\n");
}

/** The body of the DONE that carries the receipt of these facts. */
export function doneOf(seed: Bytes, facts: Facts): Bytes {
  return done({
    time: facts.time,
    size: facts.size,
    sessionId: facts.sessionId,
    withDigests: facts.digests === undefined ? 0 : 1,
    signature: sshsig(seed, text(receiptText(facts))),
  });
}
