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

/** The sender's public key. */
export const SENDER = ed25519Public(CLIENT_SEED);
/** The receiver's. */
export const RECEIVER = ed25519Public(SERVER_SEED);
/** The session that every transfer runs in. */
export const SESSION_ID = pseudorandom("session_id of a transfer", 16);
/** Bytes of a block. */
export const BLOCK_SIZE = 16_384;
/** A session before that. */
export const EARLIER_SESSION_ID = pseudorandom("session_id of an earlier session", 16);
/** When the receiver puts things in place, in milliseconds. */
export const TIME_MS = TIME * 1000 + 123;

/** A file of a manifest. */
export function file(path: string, size: number): m.Entry {
  return { kind: "file", mode: 0o644, mtime: 1_799_999_000_000, size, path };
}

/** A folder of a manifest. */
export function folder(path: string): m.Entry {
  return { kind: "folder", mode: 0o755, mtime: 1_799_999_000_000, size: 0, path };
}

/** What is sent. */
export interface Cargo {
  readonly entries: readonly m.Entry[];
  readonly content: Bytes;
}

/** One small file. */
export const HELLO: Cargo = { entries: [file("hello.txt", 6)], content: text("hello\n") };
/** Two whole blocks and 100 bytes, in two files and an empty one. */
export const THREE_BLOCKS: Cargo = {
  entries: [folder("d"), file("d/one", BLOCK_SIZE + 50), file("d/empty", 0), file("d/two", BLOCK_SIZE + 50)],
  content: pseudorandom("content", 2 * BLOCK_SIZE + 100),
};

/** `manifest_digest` */
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

/** OFFER of a cargo, save what is given. */
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

/** MANIFEST, whole. */
export function manifestOf({ entries }: Cargo): m.Message {
  return m.message("manifest", m.encodeEntries(entries));
}

/** ACCEPT of this beginning of a stream. */
export function acceptOf(content: Bytes): m.Message {
  return m.message("accept", m.accept(content.length, sha256(content)));
}

/** START there. */
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

/** END of a cargo. */
export function endOf({ content }: Cargo): m.Message {
  return m.message("end", m.end(content.length, Math.ceil(content.length / BLOCK_SIZE), crc32(content)));
}

/** What the receipt for a cargo says, save what is given. */
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

/** DONE for a cargo. */
export function doneOf(cargo: Cargo, given: Partial<m.Facts> = {}): m.Message {
  return m.message("done", m.doneOf(SERVER_SEED, factsOf(cargo, given)));
}

/** WANT_MANIFEST */
export const WANT_MANIFEST = m.message("wantManifest");
/** ACCEPT of a receiver that has nothing yet. */
export const ACCEPT_NOTHING = acceptOf(NOTHING);

/** Messages come, one after the other. */
export function hears(...messages: readonly m.Message[]): readonly Step[] {
  return messages.map((each) => ({ in_message: printed(each) }));
}

/** Messages go, one after the other. */
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
  /** What came in an earlier session with the same sender, up to its end. */
  readonly earlier: { readonly session_id: string; readonly messages: readonly PrintedMessage[] } | null;
}

/** See {@link ReceiverSetup}. */
export interface SenderSetup {
  readonly with_digests: boolean;
  /** Whether this run has sent all of it before. */
  readonly repeated: boolean;
  /** The random transfer_id of a transfer whose size is not known; `null` where it is known. */
  readonly random_transfer_id: string | null;
}

/** What came in an earlier session. */
export function earlier(...messages: readonly m.Message[]): Partial<ReceiverSetup> {
  return { earlier: { session_id: hex(EARLIER_SESSION_ID), messages: messages.map(printed) } };
}

/** The error's code and the alert's number. */
export type Ending = readonly [error: string | null, alert: number | null];

/** A case about a receiver. */
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
      earlier: null,
      ...setup,
    },
    steps,
    error,
    alert: alert === null ? null : inSession(alert),
  };
}

/** A case about a sender of `cargo`. */
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
