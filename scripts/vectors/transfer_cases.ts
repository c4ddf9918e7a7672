/**
 * The transfer that the cases of either of its ends start from.
 * @module
 */
import { type Case, inSession, printed, type PrintedMessage, type Step } from "./cases.ts";
import { CLIENT_SEED, SERVER_SEED, TIME } from "./handshake_cases.ts";
import * as m from "./messages.ts";
import {
  type Bytes,
  crc32,
  ed25519Public,
  hex,
  NOTHING,
  number,
  pseudorandom,
  sha256,
  text,
} from "./primitives.ts";

export const SENDER = ed25519Public(CLIENT_SEED);
export const RECEIVER = ed25519Public(SERVER_SEED);
export const SESSION_ID = pseudorandom("session_id of a transfer", 16);
export const BLOCK_SIZE = 16_384;
/** When the receiver puts things in place, in milliseconds. */
export const TIME_MS = TIME * 1000 + 123;

export function file(path: string, size: number): m.Entry {
  return { kind: "file", mode: 0o644, mtime: 1_799_999_000_000, size, path };
}

export function folder(path: string): m.Entry {
  return { kind: "folder", mode: 0o755, mtime: 1_799_999_000_000, size: 0, path };
}

/** What is sent. */
export interface Cargo {
  readonly entries: readonly m.Entry[];
  readonly content: Bytes;
}

export const HELLO: Cargo = { entries: [file("hello.txt", 6)], content: text("hello\n") };
/** Two whole blocks and 100 bytes, in two files and an empty one. */
export const THREE_BLOCKS: Cargo = {
  entries: [folder("d"), file("d/one", BLOCK_SIZE + 50), file("d/empty", 0), file("d/two", BLOCK_SIZE + 50)],
  content: pseudorandom("content", 2 * BLOCK_SIZE + 100),
};

export function digestOf({ entries }: Cargo): Bytes {
  return sha256(m.encodeEntries(entries));
}

/** SHA-256 of each file. */
export function fileDigests({ entries, content }: Cargo): readonly Bytes[] {
  let at = 0;
  return entries.filter(({ kind }) => kind === "file").map(({ size }) => {
    at += size;
    return sha256(content.slice(at - size, at));
  });
}

export function offerOf(cargo: Cargo, given: Partial<m.Offer> = {}): m.Message {
  const blockSize = given.blockSize ?? BLOCK_SIZE;
  const manifestDigest = given.manifestDigest ?? digestOf(cargo);
  return m.message(
    "offer",
    m.offer({
      transferId: m.transferIdOf(SENDER, RECEIVER, blockSize, manifestDigest),
      flags: 0,
      size: cargo.content.length,
      count: cargo.entries.length,
      blockSize,
      manifestDigest,
      ...given,
    }),
  );
}

export function manifestOf({ entries }: Cargo): m.Message {
  return m.message("manifest", m.encodeEntries(entries));
}

export function acceptOf(content: Bytes): m.Message {
  return m.message("accept", m.accept(content.length, sha256(content)));
}

export function startOf(offset: number): m.Message {
  return m.message("start", number(offset, 8));
}

/** The DATA messages from a block on. */
export function dataOf({ content }: Cargo, from = 0): readonly m.Message[] {
  const count = Math.ceil(content.length / BLOCK_SIZE);
  return Array.from({ length: count - from }, (_, i) => {
    const at = (from + i) * BLOCK_SIZE;
    return m.message("data", m.data(from + i, content.slice(at, at + BLOCK_SIZE)));
  });
}

export function endOf({ content }: Cargo): m.Message {
  return m.message("end", m.end(content.length, Math.ceil(content.length / BLOCK_SIZE), crc32(content)));
}

export function factsOf(cargo: Cargo, given: Partial<m.Facts> = {}): m.Facts {
  const manifestDigest = digestOf(cargo);
  return {
    sender: SENDER,
    receiver: RECEIVER,
    transferId: m.transferIdOf(SENDER, RECEIVER, BLOCK_SIZE, manifestDigest),
    manifestDigest,
    sessionId: SESSION_ID,
    size: cargo.content.length,
    entries: cargo.entries,
    time: TIME_MS,
    digests: undefined,
    ...given,
  };
}

export function doneOf(cargo: Cargo, given: Partial<m.Facts> = {}): m.Message {
  return m.message("done", m.doneOf(SERVER_SEED, factsOf(cargo, given)));
}

export const WANT_MANIFEST = m.message("wantManifest");
export const ACCEPT_NOTHING = acceptOf(NOTHING);

/** A message that comes, and one that goes. */
export function hears(...messages: readonly m.Message[]): readonly Step[] {
  return messages.map((each) => ({ in_message: printed(each) }));
}

export function says(...messages: readonly m.Message[]): readonly Step[] {
  return messages.map((each) => ({ out_message: printed(each) }));
}

/** REJECT with this reason, whatever its text. */
export function rejects(reason: number): readonly Step[] {
  const out: PrintedMessage = { type: m.MESSAGES.reject, reason };
  return [{ out_message: out }];
}

/** What makes an end's setup beside its peer. */
export interface ReceiverSetup {
  readonly max_size: number | null;
  readonly allow_dotfiles: boolean;
  /** Names of files that stand in the receiving folder, where nothing is ever replaced. */
  readonly existing: readonly string[];
}

export interface SenderSetup {
  readonly with_digests: boolean;
  /** Whether this run has sent all of it before. */
  readonly repeated: boolean;
  /** The random transfer_id of a transfer whose size is not known; `null` where it is known. */
  readonly random_transfer_id: string | null;
}

/** Code, alert, and with it what the error is. */
export type Ending = readonly [error: string | null, alert: number | null];

export function receiverCase(
  name: string,
  [error, alert]: Ending,
  steps: readonly Step[],
  setup: Partial<ReceiverSetup> = {},
): Case {
  return {
    name,
    end: "receiver",
    setup: {
      identity_seed: hex(SERVER_SEED),
      sender: hex(SENDER),
      session_id: hex(SESSION_ID),
      time_ms: TIME_MS,
      max_size: null,
      allow_dotfiles: false,
      existing: [],
      ...setup,
    },
    steps,
    error,
    alert: alert === null ? null : inSession(alert),
  };
}

export function senderCase(
  name: string,
  [error, alert]: Ending,
  cargo: Cargo,
  steps: readonly Step[],
  setup: Partial<SenderSetup> = {},
): Case {
  return {
    name,
    end: "sender",
    setup: {
      sender: hex(SENDER),
      receiver: hex(RECEIVER),
      session_id: hex(SESSION_ID),
      entries: cargo.entries,
      content: hex(cargo.content),
      block_size: BLOCK_SIZE,
      with_digests: false,
      repeated: false,
      random_transfer_id: null,
      ...setup,
    },
    steps,
    error,
    alert: alert === null ? null : inSession(alert),
  };
}
