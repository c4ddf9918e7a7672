/**
 * Whether a sender is one that this receiver takes: by the lists, the revocations, and what senders have announced of
 * changes of their keys.
 * @module
 */
import { StxError } from "../lib/errors.ts";
import type { AuthorizedKey } from "../lib/identity/authorized_keys.ts";
import { fingerprint } from "../lib/identity/public_key.ts";
import type { RevokedKeys } from "../lib/identity/revoked_keys.ts";
import { type PeerRotation, ROTATION_CHAIN_MAX } from "../lib/identity/rotation.ts";
import type { SenderLists, SenderRotations, SenderVerdict } from "../lib/identity/sender_rotations.ts";
import { systemClock } from "../lib/net/tcp.ts";
import type { Identity } from "../lib/ports.ts";
import type { AuthMode } from "../lib/wire/handshake_messages.ts";
import type { Output } from "./terminal.ts";

type PublicKey = Identity["publicKey"];

/** Where it looks. */
export interface SenderTrustOptions {
  /** Read for every connection, so that adding and removing a key counts at once. */
  readonly readKeys: () => readonly AuthorizedKey[];
  /** Read for every connection, for the same reason. What it throws refuses everybody. */
  readonly readRevoked: () => RevokedKeys;
  readonly rotations: SenderRotations;
  readonly output: Output;
}

const REFUSALS: Readonly<Record<Exclude<SenderVerdict, "authorized">, string>> = {
  unknown: "is not in authorized_keys",
  expired: "has expired in authorized_keys",
  wrong_address: "may not come from this address",
  revoked: "is revoked, or one that it has followed is",
  replaced: "was replaced by another key of this sender",
};

const HINTS: Readonly<Record<Exclude<SenderVerdict, "authorized">, string>> = {
  unknown: "to accept it, add its public key to the authorized keys",
  expired: "to accept it again, change the expiry-time of its line",
  wrong_address: "to accept it from there, change the from of its line",
  revoked: "stx keys list shows what is revoked, and which key follows which",
  replaced: "if that sender did not do so, revoke the new key, which stx keys list shows",
};

/** See the module's text. */
export class SenderTrust {
  readonly #options: SenderTrustOptions;

  constructor(options: SenderTrustOptions) {
    this.#options = options;
  }

  /**
   * Returns if a sender is let in; throws `unauthorized`. Where a shared key is enough, only a revoked or replaced key
   * is refused.
   * @param address the sender's IP address, without a port
   */
  check(key: PublicKey, address: string, authMode: AuthMode): void {
    const { rotations, readRevoked } = this.#options;
    const verdict = authMode === "psk"
      ? rotations.refusal(readRevoked(), key) ?? "authorized"
      : rotations.judge(this.#lists(), key, address, systemClock.nowMs());
    if (verdict === "authorized") return;
    throw new StxError("unauthorized", `Refused a sender: its key ${fingerprint(key)} ${REFUSALS[verdict]}`, {
      hint: HINTS[verdict],
    });
  }

  /** Takes note that a sender has opened a session with its key. */
  opened(key: PublicKey): void {
    for (const oldKey of this.#options.rotations.used(key)) this.#tell(key, oldKey, key, true);
  }

  /** Takes note of what a sender has announced. */
  announced(rotation: PeerRotation): void {
    const { rotations, output } = this.#options;
    const { oldKey, newKey, shownBy } = rotation;
    const result = rotations.learn(this.#lists(), rotation, systemClock.nowMs());
    switch (result) {
      case "learned":
      case "completed":
        this.#tell(shownBy === "old" ? oldKey : newKey, oldKey, newKey, result === "completed");
        return;
      case "known":
        return;
      case "unrelated":
        // As with every sender that a shared key lets in; nothing rests on its own key.
        output.verbose(`The sender changes its key to ${fingerprint(newKey)}, which needs no entry here`);
        return;
      default:
        output.warn(
          `the sender ${fingerprint(oldKey)} says that ${
            fingerprint(newKey)
          } follows its key, which is not ` +
            `accepted: ${REASONS[result]}`,
        );
    }
  }

  #lists(): SenderLists {
    return { keys: this.#options.readKeys(), revoked: this.#options.readRevoked() };
  }

  #tell(peer: PublicKey, oldKey: PublicKey, newKey: PublicKey, isComplete: boolean): void {
    const [before, after] = [fingerprint(oldKey), fingerprint(newKey)];
    const { output } = this.#options;
    output.info(
      isComplete
        ? `The sender ${before} has changed its key to ${after}: the old one is let in no longer.`
        : `The sender ${before} is going to change its key to ${after}, which is let in from now on.`,
    );
    output.event("rotation", {
      peer: fingerprint(peer),
      oldKey: before,
      newKey: after,
      complete: isComplete,
    });
  }
}

/** Why a change is not accepted. */
const REASONS = {
  outdated: "another key has followed it already",
  future: "it is dated in the future; the sender's clock may have been wrong when the key was made",
  circular: "that key came before it",
  too_long: `its line in authorized_keys has borne ${ROTATION_CHAIN_MAX} changes; put the key in use there`,
  revoked: "one of the two is revoked",
} as const;
