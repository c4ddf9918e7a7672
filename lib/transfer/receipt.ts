/**
 * The receipt: a text that says what arrived, signed by the receiver in the SSHSIG format under the namespace
 * `receipt@stx1`, so that `ssh-keygen -Y verify` can check it years later. Both ends write the same text from
 * what each knows by itself; only the signature travels.
 * @module
 */
import { type Bytes, toHex, utf8 } from "../bytes/bytes.ts";
import { formatPublicKeyLine } from "../identity/public_key.ts";
import { signSshsigBlob } from "../identity/sshsig.ts";
import type { Entry, Identity } from "../ports.ts";
import { encodeDone } from "../wire/message.ts";

/** The namespace of a receipt's signature. */
export const RECEIPT_NAMESPACE = "receipt@stx1";
/** Milliseconds from 1970 of the latest time in a receipt: later years are not written in four digits. */
export const RECEIPT_TIME_MS_MAX: number = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** What a receipt says. */
export interface ReceiptFacts {
  /** The sender's public key. */
  readonly sender: Bytes;
  /** The receiver's public key. */
  readonly receiver: Bytes;
  /** The name of the transfer, 32 bytes. */
  readonly transferId: Bytes;
  /** SHA-256 over all entries. */
  readonly manifestDigest: Bytes;
  /** The session that finished it, 16 bytes. */
  readonly sessionId: Bytes;
  /** Bytes of all contents. */
  readonly sizeBytes: number;
  /** What was sent, in order. */
  readonly entries: readonly Entry[];
  /** When it was put in place, in milliseconds since 1970. */
  readonly finishedMs: number;
  /** SHA-256 of each file in entry order, where the sender asked for it. */
  readonly digests: readonly Bytes[] | undefined;
}

/**
 * The receipt's text: one `name: value` a line, then `<sha256>  <path>` a file, as sha256sum writes it.
 *
 * @example What a receipt says, and how it is checked
 * ```ts
 * import assert from "node:assert/strict";
 * import { generateSeed, identityFromSeed, RECEIPT_NAMESPACE, receiptText, systemRandom } from "@stx/stx";
 * import { armorSshsig, type SentReceipt, verifySshsig } from "@stx/stx";
 *
 * // The two texts that `stx send --receipt FILE` keeps; `ssh-keygen -Y verify` takes them too.
 * function texts({ facts, signature }: SentReceipt) {
 *   return { receipt: receiptText(facts), signature: armorSshsig(signature) };
 * }
 *
 * const [alice, bob] = await Promise.all([1, 2].map(() => identityFromSeed(generateSeed(systemRandom))));
 * const { receipt, signature } = texts({
 *   facts: {
 *     sender: alice!.publicKey,
 *     receiver: bob!.publicKey,
 *     transferId: new Uint8Array(32),
 *     manifestDigest: new Uint8Array(32),
 *     sessionId: new Uint8Array(16),
 *     sizeBytes: 8,
 *     entries: [{ path: "letter.txt", kind: "file", sizeBytes: 8, mtimeMs: 0, mode: 0o644 }],
 *     finishedMs: Date.UTC(2031, 0),
 *     digests: undefined,
 *   },
 *   signature: new Uint8Array(83),
 * });
 * assert.match(receipt, /^bytes: 8$/m);
 * assert.match(receipt, /^finished: 2031-01-01T00:00:00.000Z$/m);
 * // Nobody has signed this one.
 * const text = new TextEncoder().encode(receipt);
 * assert.equal(await verifySshsig(signature, RECEIPT_NAMESPACE, text, bob!.publicKey), false);
 * ```
 */
export function receiptText(facts: ReceiptFacts): string {
  const lines = [
    "stx receipt 1",
    `sender: ${formatPublicKeyLine(facts.sender, "")}`,
    `receiver: ${formatPublicKeyLine(facts.receiver, "")}`,
    `transfer: ${toHex(facts.transferId)}`,
    `manifest: ${toHex(facts.manifestDigest)}`,
    `session: ${toHex(facts.sessionId)}`,
    `entries: ${facts.entries.length}`,
    `bytes: ${facts.sizeBytes}`,
    `finished: ${new Date(facts.finishedMs).toISOString()}`,
  ];
  if (facts.digests !== undefined) {
    const files = facts.entries.filter((entry) => entry.kind === "file");
    files.forEach((file, i) => lines.push(`${toHex(facts.digests![i]!)}  ${file.path}`));
  }
  return lines.join("\n") + "\n";
}

/** What is signed: the text in UTF-8. */
export function receiptMessage(facts: ReceiptFacts): Bytes {
  return utf8(receiptText(facts));
}

/** Signs a receipt; resolves to the body of the DONE that carries it. */
export async function signReceipt(identity: Identity, facts: ReceiptFacts): Promise<Bytes> {
  const { finishedMs, sizeBytes, sessionId, digests } = facts;
  const signature = await signSshsigBlob(identity, RECEIPT_NAMESPACE, receiptMessage(facts));
  return encodeDone({ finishedMs, sizeBytes, sessionId, withDigests: digests !== undefined, signature });
}
