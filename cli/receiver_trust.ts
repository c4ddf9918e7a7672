/**
 * Whether a receiver is the one that the user means: named by `--peer`, or remembered, or asked about.
 * @module
 */
import { join } from "node:path";
import { equal } from "../lib/bytes/bytes.ts";
import { codeOf, StxError } from "../lib/errors.ts";
import {
  checkReceiver,
  formatReceiverLine,
  linesFor,
  type ReceiverEntry,
} from "../lib/identity/known_receivers.ts";
import { matchesPin, type PeerPin } from "../lib/identity/peer_pin.ts";
import { fingerprint } from "../lib/identity/public_key.ts";
import { followReceiver, type ReceiverLearning, receiverUsed } from "../lib/identity/receiver_rotations.ts";
import type { RevokedKeys } from "../lib/identity/revoked_keys.ts";
import { type PeerRotation, ROTATION_CHAIN_MAX } from "../lib/identity/rotation.ts";
import { systemClock } from "../lib/net/tcp.ts";
import type { Identity } from "../lib/ports.ts";
import type { AuthMode } from "../lib/wire/handshake_messages.ts";
import { rereading } from "./key_files.ts";
import { configFolder } from "./paths.ts";
import type { Output } from "./terminal.ts";
import { readKnownReceivers, readPeer, rememberReceiver, rewrite } from "./trust_files.ts";
import { type Address, formatAddress } from "./values.ts";

type PublicKey = Identity["publicKey"];

/** What is known of one receiver. */
export class ReceiverTrust {
  readonly #address: Address;
  readonly #pin: PeerPin | undefined;
  readonly #path: string;
  readonly #output: Output;
  readonly #readRevoked: () => RevokedKeys;
  readonly #readEntries: () => readonly ReceiverEntry[];
  #unknown: PublicKey | undefined;
  #warned = "";

  /**
   * @param peerOption the value of `--peer`; with it the remembered receivers are not even read
   * @param readRevoked asked for every connection; what it throws ends it
   */
  constructor(
    address: Address,
    peerOption: string | undefined,
    readRevoked: () => RevokedKeys,
    output: Output,
  ) {
    this.#address = address;
    this.#output = output;
    this.#readRevoked = readRevoked;
    this.#pin = peerOption === undefined ? undefined : readPeer(peerOption);
    this.#path = this.#pin === undefined ? join(configFolder("--peer"), "known_receivers") : "";
    // Read for every connection: another stx, or the user, may change it while this one waits for a receiver.
    this.#readEntries = rereading(this.#path, () => readKnownReceivers(this.#path));
    // Once now, so that a file which cannot be used is an error at once.
    if (this.#pin === undefined) this.#readEntries();
  }

  /**
   * Returns if `key` is trusted; throws `unknown_receiver` or `receiver_changed`. In the mode `psk` the shared key
   * has proved the receiver already, so one that is not known yet is remembered without a question.
   */
  check(key: PublicKey, authMode: AuthMode): void {
    const { host, port } = this.#address;
    const where = formatAddress(host, port);
    const shown = fingerprint(key);
    const revoked = this.#readRevoked();
    if (revoked.has(key)) throw this.#revoked(shown, "among the revoked keys");
    if (this.#pin !== undefined) {
      if (matchesPin(this.#pin, key)) return;
      throw new StxError(
        "receiver_changed",
        `The receiver at ${where} has the key ${shown}, not the one that --peer names`,
        {
          hint: "nothing was sent; compare with the fingerprint that the receiver printed when it started",
        },
      );
    }
    switch (checkReceiver(this.#readEntries(), host, port, key, revoked)) {
      case "known":
        return;
      case "unknown":
        if (authMode === "psk") {
          this.#rememberIfPossible(key);
          return;
        }
        this.#unknown = key;
        throw new StxError("unknown_receiver", `The receiver at ${where} is not known; its key is ${shown}`, {
          hint: `if that is the fingerprint which the receiver printed, give --peer ${shown}`,
        });
      case "revoked":
        throw this.#revoked(shown, `in ${this.#path}, or one that it has followed is revoked`);
      default:
        throw new StxError(
          "receiver_changed",
          `THE KEY OF THE RECEIVER AT ${where} HAS CHANGED: it is now ${shown}. Somebody may be listening in, or the receiver has a new key`,
          {
            hint: `nothing was sent; if the change is known to be right, remove its line from ${this.#path}`,
          },
        );
    }
  }

  #revoked(shown: string, where: string): StxError {
    const address = formatAddress(this.#address.host, this.#address.port);
    return new StxError(
      "receiver_changed",
      `The key ${shown} of the receiver at ${address} is revoked ${where}`,
      {
        hint: "nothing was sent; stx keys list shows what is revoked",
      },
    );
  }

  /**
   * Takes note that the receiver has opened a session with its key, which {@link check} has let through: those that it
   * has followed are known no longer, whether it announces that or not.
   */
  opened(key: PublicKey): void {
    if (this.#pin !== undefined) return;
    const { host, port } = this.#address;
    const own = linesFor(this.#readEntries(), host, port).find((line) => equal(line.publicKey, key));
    const before = own?.follows?.fingerprints[0];
    if (before === undefined) return;
    const after = fingerprint(key);
    try {
      if (!rewrite(this.#path, "the known receivers", (text) => receiverUsed(text, key))) return;
    } catch (error) {
      this.#cannotChange(before, after, `take the lines of ${before} out of it`, error);
      return;
    }
    this.#tell("completed", { before, after, peer: after });
  }

  /**
   * Takes what the receiver has announced in a session, so after {@link check} has let its key through: rewrites the
   * known receivers, or says what to change by hand.
   */
  announced(rotation: PeerRotation): void {
    const { oldKey, newKey, shownBy } = rotation;
    const [before, after] = [fingerprint(oldKey), fingerprint(newKey)];
    if (this.#pin !== undefined) {
      if (shownBy === "new") return;
      this.#output.warn(`the receiver is going to change its key: from then on give --peer ${after}`);
      return;
    }
    const result: { outcome: ReceiverLearning } = { outcome: "known" };
    try {
      const revoked = this.#readRevoked();
      rewrite(this.#path, "the known receivers", (text) => {
        const rewritten = followReceiver(text, rotation, revoked, systemClock.nowMs());
        result.outcome = rewritten.outcome;
        return rewritten.text;
      });
    } catch (error) {
      const { host, port } = this.#address;
      const toDo = result.outcome === "completed"
        ? `take the lines of ${before} out of it`
        : `put this line into it: ${formatReceiverLine(host, port, newKey)}`;
      this.#cannotChange(before, after, toDo, error);
      return;
    }
    this.#tell(result.outcome, { before, after, peer: shownBy === "old" ? before : after });
  }

  /** Says what to change by hand, once. */
  #cannotChange(before: string, after: string, toDo: string, error: unknown): void {
    if (codeOf(error) === undefined) throw error;
    const text =
      `the receiver changes its key from ${before} to ${after}, and ${this.#path} cannot be changed: ` +
      `${toDo} (${(error as Error).message})`;
    if (text === this.#warned) return;
    this.#warned = text;
    this.#output.warn(text);
  }

  #tell(outcome: ReceiverLearning, keys: { before: string; after: string; peer: string }): void {
    const { before, after, peer } = keys;
    switch (outcome) {
      case "known":
        return;
      case "learned":
        this.#output.info(
          `The receiver is going to change its key to ${after}: remembered in ${this.#path}.`,
        );
        break;
      case "completed":
        this.#output.info(
          `The receiver has changed its key to ${after}: ${before} was taken out of ${this.#path}.`,
        );
        break;
      default:
        this.#output.warn(
          `the receiver says that ${after} follows its key, which is not accepted: ${REASONS[outcome]}`,
        );
        return;
    }
    this.#output.event("rotation", {
      peer,
      oldKey: before,
      newKey: after,
      complete: outcome === "completed",
    });
  }

  /** Asks about the receiver that {@link check} did not know; remembers it if the answer is yes. */
  async ask(): Promise<boolean> {
    const key = this.#unknown;
    if (key === undefined) return false;
    const { host, port } = this.#address;
    const isTrusted = await this.#output.confirm(
      `The receiver at ${formatAddress(host, port)} is not known. Its key fingerprint is ${
        fingerprint(key)
      }. ` +
        "Send to it and remember it",
    );
    if (!isTrusted) return false;
    this.#remember(key);
    return true;
  }

  #remember(key: PublicKey): void {
    rememberReceiver(this.#path, this.#address.host, this.#address.port, key);
    this.#output.info(`Remembered in ${this.#path}.`);
  }

  /** The shared key is enough for this transfer; only a change of the receiver's key would go unnoticed later. */
  #rememberIfPossible(key: PublicKey): void {
    try {
      this.#remember(key);
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      this.#output.warn(`cannot remember the receiver's key: ${(error as Error).message}`);
    }
  }
}

/** Why a change is not accepted. */
const REASONS = {
  outdated: "it has named another key that was made later; ask the receiver which of them is its own",
  revoked: "that key is revoked",
  future: "it is dated in the future; the receiver's clock may have been wrong when the key was made",
  too_long:
    `its line has borne ${ROTATION_CHAIN_MAX} changes; ask the receiver for its fingerprint, and trust it anew`,
} as const;
