/**
 * Whether a receiver is the one that the user means: named by `--peer`, or remembered, or asked about.
 * @module
 */
import { join } from "node:path";
import { codeOf, StxError } from "../lib/errors.ts";
import { checkReceiver, type ReceiverEntry } from "../lib/identity/known_receivers.ts";
import { matchesPin, type PeerPin } from "../lib/identity/peer_pin.ts";
import { fingerprint } from "../lib/identity/public_key.ts";
import type { Identity } from "../lib/ports.ts";
import { configFolder } from "./paths.ts";
import type { Output } from "./terminal.ts";
import { readKnownReceivers, readPeer, rememberReceiver } from "./trust_files.ts";
import { type Address, formatAddress } from "./values.ts";

type PublicKey = Identity["publicKey"];

/** What is known of one receiver. */
export class ReceiverTrust {
  readonly #address: Address;
  readonly #pin: PeerPin | undefined;
  readonly #path: string;
  readonly #onFirstSight: "ask" | "remember";
  readonly #output: Output;
  #entries: readonly ReceiverEntry[];
  #unknown: PublicKey | undefined;

  /**
   * @param peerOption the value of `--peer`; with it the remembered receivers are not even read
   * @param onFirstSight "remember" where a shared key has proved the receiver already
   */
  constructor(
    address: Address,
    peerOption: string | undefined,
    onFirstSight: "ask" | "remember",
    output: Output,
  ) {
    this.#address = address;
    this.#onFirstSight = onFirstSight;
    this.#output = output;
    this.#pin = peerOption === undefined ? undefined : readPeer(peerOption);
    this.#path = this.#pin === undefined ? join(configFolder("--peer"), "known_receivers") : "";
    this.#entries = this.#pin === undefined ? readKnownReceivers(this.#path) : [];
  }

  /** Returns if `key` is trusted; throws `unknown_receiver` or `receiver_changed`. */
  check(key: PublicKey): void {
    const { host, port } = this.#address;
    const where = formatAddress(host, port);
    const shown = fingerprint(key);
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
    switch (checkReceiver(this.#entries, host, port, key)) {
      case "known":
        return;
      case "unknown":
        if (this.#onFirstSight === "remember") {
          this.#rememberIfPossible(key);
          return;
        }
        this.#unknown = key;
        throw new StxError("unknown_receiver", `The receiver at ${where} is not known; its key is ${shown}`, {
          hint: `if that is the fingerprint which the receiver printed, give --peer ${shown}`,
        });
      case "revoked":
        throw new StxError(
          "receiver_changed",
          `The key ${shown} of the receiver at ${where} is revoked in ${this.#path}`,
          {
            hint: "nothing was sent",
          },
        );
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
    this.#entries = readKnownReceivers(this.#path);
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
