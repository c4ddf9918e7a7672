/**
 * What a sender makes of its receivers' changes of identity: its list of known receivers, rewritten.
 *
 * A key that a receiver in use has named as its successor gets a line beside each line of the old one. Once the
 * receiver has used it, the lines of the old one go. There is one successor at a time, so the list does not grow.
 * @module
 */
import { type Bytes, equal } from "../bytes/bytes.ts";
import {
  type Follows,
  formatReceiverLine,
  linesFor,
  parseKnownReceivers,
  type ReceiverEntry,
  type TrustedReceiver,
} from "./known_receivers.ts";
import { fingerprint } from "./public_key.ts";
import type { RevokedKeys } from "./revoked_keys.ts";
import { isDatedAhead, type PeerRotation, ROTATION_CHAIN_MAX } from "./rotation.ts";
import { entryLines } from "./ssh_encoding.ts";

/**
 * What came of an announcement. "learned": the new key has a line. "completed": the old one has none any more.
 * "known": nothing is to be done. "outdated": the old key has named another that was made later. "revoked", "future":
 * the new key is revoked, or dated in the future. "too_long": more changes than {@link ROTATION_CHAIN_MAX} since
 * somebody has looked at a key of this receiver.
 */
export type ReceiverLearning =
  | "learned"
  | "completed"
  | "known"
  | "outdated"
  | "revoked"
  | "future"
  | "too_long";

/** A list, and what has happened to it. */
export interface RewrittenReceivers {
  /** The whole file, perhaps as it was. */
  readonly text: string;
  readonly outcome: ReceiverLearning;
}

/**
 * Takes what a receiver has announced in a session for which this list has trusted it. Throws `bad_trust_file` if the
 * list cannot be read.
 * @param text the file as it stands
 * @param nowMs the time, in milliseconds since 1970
 */
export function followReceiver(
  text: string,
  rotation: PeerRotation,
  revoked: RevokedKeys,
  nowMs: number,
): RewrittenReceivers {
  const lines = readLines(text);
  const { shownBy, oldKey, newKey } = rotation;
  const settled = shownBy === "old" ? settle(lines, oldKey) : settle(lines, newKey, oldKey);
  const outcome = settled.length < lines.length ? "completed" : "known";
  if (shownBy === "new") return { text: join(settled), outcome };
  const followed = follow(settled, rotation, revoked, nowMs);
  return { text: join(followed.lines), outcome: followed.outcome === "known" ? outcome : followed.outcome };
}

/**
 * Takes note that a receiver has used its key, announced or not: the lines of the keys that it has followed go. Throws
 * `bad_trust_file` if the list cannot be read.
 * @param text the file as it stands
 * @returns the file, perhaps as it was
 */
export function receiverUsed(text: string, publicKey: Bytes): string {
  return join(settle(readLines(text), publicKey));
}

/** A line of the file, and what it says if it says anything. */
interface Line {
  readonly raw: string;
  readonly entry: ReceiverEntry | undefined;
}

function readLines(text: string): readonly Line[] {
  const entries = parseKnownReceivers(text);
  const numbers = entryLines(text).map(({ number }) => number);
  return text.split("\n").map((raw, index) => ({ raw, entry: entries[numbers.indexOf(index + 1)] }));
}

function join(lines: readonly Line[]): string {
  return lines.map(({ raw }) => raw).join("\n");
}

function entriesOf(lines: readonly Line[]): readonly ReceiverEntry[] {
  return lines.flatMap(({ entry }) => entry ?? []);
}

function trusts(entry: ReceiverEntry | undefined): entry is TrustedReceiver {
  return entry?.kind === "trusted";
}

/**
 * The receiver uses its key, so for its names those that came before that, and other successors of them, go.
 * @param before a key that came before it by the receiver's word, beside those that the list knows
 */
function settle(lines: readonly Line[], used: Bytes, before?: Bytes): readonly Line[] {
  const entries = entriesOf(lines);
  return lines.filter(({ entry }) => {
    if (!trusts(entry) || equal(entry.publicKey, used)) return true;
    const own = linesFor(entries, entry.host, entry.port).filter((line) => equal(line.publicKey, used));
    if (own.length === 0) return true;
    const names = own.flatMap(({ follows }) => follows?.fingerprints.slice(0, 1) ?? []);
    if (before !== undefined) names.push(fingerprint(before));
    return !names.includes(fingerprint(entry.publicKey)) &&
      !names.includes(entry.follows?.fingerprints[0] ?? "");
  });
}

/** Puts the new key beside the old one. */
function follow(
  lines: readonly Line[],
  rotation: PeerRotation,
  revoked: RevokedKeys,
  nowMs: number,
): { lines: readonly Line[]; outcome: ReceiverLearning } {
  const { oldKey, newKey, timeMs } = rotation;
  const entries = entriesOf(lines);
  const oldName = fingerprint(oldKey);
  const newName = fingerprint(newKey);
  const isLater = ({ follows }: TrustedReceiver) =>
    follows?.fingerprints[0] === oldName && follows.timeMs >= timeMs;
  const open = entries.filter(trusts).filter((entry) =>
    equal(entry.publicKey, oldKey) && entry.follows?.fingerprints.includes(newName) !== true &&
    !linesFor(entries, entry.host, entry.port).some((line) => equal(line.publicKey, newKey))
  );
  const old = open.filter((entry) => !linesFor(entries, entry.host, entry.port).some(isLater));
  const stop = (outcome: ReceiverLearning) => ({ lines, outcome });
  if (old.length === 0) return stop(open.length === 0 ? "known" : "outdated");
  const isRevoked = entries.some((entry) => entry.kind === "revoked" && equal(entry.publicKey, newKey));
  if (isRevoked || revoked.has(newKey)) return stop("revoked");
  if (isDatedAhead(rotation, nowMs)) return stop("future");
  if (old.some(({ follows }) => (follows?.fingerprints.length ?? 0) >= ROTATION_CHAIN_MAX)) {
    return stop("too_long");
  }
  const names = new Set(old.map(nameOf));
  const rewritten = lines.flatMap((line): readonly Line[] => {
    const { entry } = line;
    if (!trusts(entry) || !names.has(nameOf(entry))) return [line];
    // An earlier successor gives way to the later one.
    if (entry.follows?.fingerprints[0] === oldName) return [];
    if (!old.includes(entry)) return [line];
    const follows: Follows = { fingerprints: [oldName, ...(entry.follows?.fingerprints ?? [])], timeMs };
    const raw = formatReceiverLine(entry.host, entry.port, newKey, follows);
    return [line, { raw, entry: undefined }];
  });
  return { lines: rewritten, outcome: "learned" };
}

function nameOf({ host, port }: TrustedReceiver): string {
  return `[${host}]:${port}`;
}
