/**
 * A receiver's process: what `stx recv` does with a folder, a state and connections.
 * @module
 */
import { StxError } from "../../lib/errors.ts";
import { type DiskFolder, openReceivingFolder } from "../../lib/files/receiving_folder.ts";
import { HelloGuard } from "../../lib/handshake/hello_guard.ts";
import type { Channel } from "../../lib/net/channel.ts";
import { accept } from "../../lib/net/server.ts";
import { receive } from "../../lib/net/transfers.ts";
import type { ConflictPolicy, Duplex, Identity, NonceStore, TransferStore } from "../../lib/ports.ts";
import { ActiveTransfers } from "../../lib/transfer/active_transfers.ts";
import { recoverTransfers } from "../../lib/transfer/recovery.ts";
import type { Dice } from "./dice.ts";
import type { Process } from "./process.ts";

/** Where transfers arrive. */
export const INBOX = "/inbox";

/** What a receiver works with. */
export interface ReceiverOptions {
  readonly process: Process;
  readonly identity: Identity;
  readonly senders: readonly Identity[];
  readonly conflict: ConflictPolicy;
  readonly store: TransferStore;
  readonly nonces: NonceStore;
  readonly dice: Dice;
  /** Is told what a connection, or a transfer that was to be finished, came to. */
  readonly onError: (error: unknown) => void;
}

/** See the module's text. */
export class ReceiverRun {
  readonly #options: ReceiverOptions;
  readonly #active = new ActiveTransfers();
  readonly #guard = new HelloGuard();
  readonly #folder: DiskFolder;
  readonly #channels = new Set<Channel>();
  readonly #strangers = new Set<Duplex>();
  readonly #serving = new Set<Promise<void>>();
  #isStopping = false;
  isListening = false;

  /** Throws where the folder cannot be used. */
  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#folder = openReceivingFolder(`${options.process.mount}${INBOX}`);
  }

  get process(): Process {
    return this.#options.process;
  }

  /** Finishes what an earlier process left, then listens. */
  async start(): Promise<void> {
    const { process, identity, store, onError } = this.#options;
    const failures = await recoverTransfers({
      identity: identity.publicKey,
      store,
      folder: this.#folder,
      // The folder's name is the same to every process, whatever path leads there.
      folderPath: INBOX,
      clock: process.clock,
    });
    for (const failure of failures) onError(failure);
    this.isListening = true;
  }

  /** Takes a connection. */
  take(duplex: Duplex): void {
    const serving = this.#serve(duplex).finally(() => this.#serving.delete(serving));
    this.#serving.add(serving);
  }

  /** Ends every connection; resolves when they are closed. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.isListening = false;
    for (const channel of this.#channels) channel.abort("closing");
    for (const duplex of this.#strangers) duplex.close();
    await Promise.all(this.#serving);
  }

  /** Resolves when nobody is connected. */
  async idle(): Promise<void> {
    while (this.#serving.size > 0) await Promise.all(this.#serving);
  }

  async #serve(duplex: Duplex): Promise<void> {
    const { process, identity, senders, nonces, store, conflict, dice, onError } = this.#options;
    this.#strangers.add(duplex);
    let channel: Channel;
    try {
      channel = await accept(duplex, {
        identity,
        random: dice,
        suites: ["aes-256-gcm"],
        guard: this.#guard,
        nonces,
        authorize(key) {
          if (senders.every((each) => each.publicKey.toHex() !== key.toHex())) {
            throw new StxError("unauthorized", "Not one of the senders");
          }
        },
      }, process.clock);
    } catch (error) {
      onError(error);
      return;
    } finally {
      this.#strangers.delete(duplex);
    }
    this.#channels.add(channel);
    try {
      if (this.#isStopping) channel.abort("closing");
      await receive(channel, {
        active: this.#active,
        identity,
        clock: process.clock,
        store,
        folder: this.#folder,
        folderPath: INBOX,
        conflict,
      });
    } catch (error) {
      onError(error);
    } finally {
      this.#channels.delete(channel);
    }
  }
}
