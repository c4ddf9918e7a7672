/**
 * What a receiver makes of its senders' changes of identity: whom they let in, and whom no longer.
 *
 * The list of authorized keys stays as its owner wrote it. A key that an authorized one has named as its successor is
 * let in under the same options; once it has been used, the one before counts no longer. Whatever is stored leads back
 * to a line of the list, in so few steps that a sender cannot make the store grow.
 * @module
 */
import { type Bytes, equal, toHex } from "../bytes/bytes.ts";
import { StxError } from "../errors.ts";
import type { KnownRotation, RotationStore } from "../ports.ts";
import { decodeRotation } from "../wire/message.ts";
import { type Authorization, type AuthorizedKey, findAuthorized } from "./authorized_keys.ts";
import type { RevokedKeys } from "./revoked_keys.ts";
import { isDatedAhead, type PeerRotation, ROTATION_CHAIN_MAX, verifyRotation } from "./rotation.ts";

/** Verified statements that are remembered as such, so that they are not verified for each connection. */
const VERIFIED_MAX = 4096;

/** What a receiver's files say. */
export interface SenderLists {
  /** The lines of authorized_keys. */
  readonly keys: readonly AuthorizedKey[];
  readonly revoked: RevokedKeys;
}

/** What is said about a sender; "replaced": another key has followed this one. */
export type SenderVerdict = Authorization | "revoked" | "replaced";

/**
 * What came of an announcement. "learned": the new key is let in from now on. "completed": the old one no longer.
 * "known": nothing new. "unrelated": no line of authorized_keys leads to the old key. "outdated": another key has
 * followed it, or one that was made later. "future": it is dated in the future. "circular": the new key came before
 * the old one. "too_long": more changes than {@link ROTATION_CHAIN_MAX}. "revoked": one of the two keys is.
 */
export type LearningResult =
  | "learned"
  | "completed"
  | "known"
  | "unrelated"
  | "outdated"
  | "future"
  | "circular"
  | "too_long"
  | "revoked";

/** A key that another has followed, in so many steps. */
interface Ancestor {
  readonly key: Bytes;
  readonly steps: number;
}

/** See the module's text. */
export class SenderRotations {
  readonly #store: RotationStore;
  readonly #verified = new Set<string>();

  constructor(store: RotationStore) {
    this.#store = store;
  }

  /**
   * Says whether a sender is let in: by a line for its own key, or for one that it has followed, whose options then
   * hold. If no line lets it in, the one that is nearest names the reason.
   * @param address the sender's IP address, without a port
   * @param nowMs the time, in milliseconds since 1970
   */
  judge(lists: SenderLists, publicKey: Bytes, address: string, nowMs: number): SenderVerdict {
    const refusal = this.refusal(lists.revoked, publicKey);
    if (refusal !== undefined) return refusal;
    const { ancestors, isBroken } = this.#lineage(publicKey, lists.revoked);
    const verdicts = ancestors.map(({ key }) => findAuthorized(lists.keys, key, address, nowMs));
    if (verdicts.includes("authorized")) return "authorized";
    return verdicts.find((verdict) => verdict !== "unknown") ?? (isBroken ? "revoked" : "unknown");
  }

  /** Why a key is refused whatever the list of authorized keys says; `undefined` if it is not. */
  refusal(revoked: RevokedKeys, publicKey: Bytes): "revoked" | "replaced" | undefined {
    if (revoked.has(publicKey)) return "revoked";
    const after = this.#rows().find((row) => equal(row.oldKey, publicKey));
    return after?.isComplete === true && this.#isGenuine(after) ? "replaced" : undefined;
  }

  /**
   * To be called once a sender's session is open: the keys that its own has followed count no longer. Returns those of
   * which this is news.
   */
  used(publicKey: Bytes): readonly Bytes[] {
    const before = this.#rows().filter((row) =>
      !row.isComplete && equal(row.newKey, publicKey) && this.#isGenuine(row)
    );
    for (const row of before) this.#store.save({ ...row, isComplete: true });
    return before.map(({ oldKey }) => oldKey);
  }

  /**
   * Takes what a sender has announced in its session.
   * @param nowMs the time, in milliseconds since 1970
   */
  learn(lists: SenderLists, rotation: PeerRotation, nowMs: number): LearningResult {
    const { oldKey, newKey, timeMs, shownBy } = rotation;
    const { keys, revoked } = lists;
    if (revoked.has(oldKey) || revoked.has(newKey)) return "revoked";
    const { ancestors } = this.#lineage(oldKey, revoked);
    const listed = ancestors.find(({ key }) => keys.some((line) => equal(line.publicKey, key)));
    if (listed === undefined) return "unrelated";
    if (ancestors.some(({ key }) => equal(key, newKey))) return "circular";
    if (listed.steps >= ROTATION_CHAIN_MAX) return "too_long";
    if (isDatedAhead(rotation, nowMs)) return "future";
    const known = this.#rows().find((row) => equal(row.oldKey, oldKey) && this.#isGenuine(row));
    const isSame = known !== undefined && equal(known.newKey, newKey);
    const isComplete = shownBy === "new";
    if (isSame && (known.isComplete || !isComplete)) return "known";
    if (known !== undefined && !isSame && (known.isComplete || timeOf(known) >= timeMs)) return "outdated";
    this.#store.save({ oldKey, newKey, statement: rotation.statement, isComplete });
    // The old key has signed, so it was in use. Where a shared key lets in every identity, no session under it need have
    // said so, and the key before it could name others for ever, each with a change behind it that nothing leads to.
    if (isComplete) this.used(oldKey);
    return isComplete ? "completed" : "learned";
  }

  /** A key and those that it has followed, the nearest first; past a revoked one there is nothing. */
  #lineage(publicKey: Bytes, revoked: RevokedKeys): { ancestors: readonly Ancestor[]; isBroken: boolean } {
    const rows = this.#rows();
    const ancestors: Ancestor[] = [{ key: publicKey, steps: 0 }];
    let isBroken = false;
    // It grows while it is walked.
    for (const { key, steps } of ancestors) {
      for (const { oldKey } of rows.filter((row) => equal(row.newKey, key) && this.#isGenuine(row))) {
        if (revoked.has(oldKey)) isBroken = true;
        // Every key is visited once, so circles end.
        else if (!ancestors.some((each) => equal(each.key, oldKey))) {
          ancestors.push({ key: oldKey, steps: steps + 1 });
        }
      }
    }
    return { ancestors, isBroken };
  }

  #rows(): readonly KnownRotation[] {
    return this.#store.list();
  }

  /** Whoever can write the store must not be able to let somebody in: both signatures are verified once more. */
  #isGenuine(row: KnownRotation): boolean {
    const name = toHex(row.statement) + toHex(row.oldKey) + toHex(row.newKey);
    if (this.#verified.has(name)) return true;
    try {
      const { oldKey, newKey } = verifyRotation(row.statement);
      if (!equal(oldKey, row.oldKey) || !equal(newKey, row.newKey)) return false;
    } catch (error) {
      if (!(error instanceof StxError)) throw error;
      return false;
    }
    if (this.#verified.size >= VERIFIED_MAX) this.#verified.clear();
    this.#verified.add(name);
    return true;
  }
}

function timeOf(row: KnownRotation): number {
  return decodeRotation(row.statement).timeMs;
}
