/**
 * A sender, a receiver and a man in the middle on the loopback interface, speaking STX/1 over real sockets with real
 * files: the ends as users run them, or with some of their defences off.
 * @module
 */
import type { Off } from "../../lib/attacks/defences.ts";
import { makeWeakServer, startWeakClient } from "../../lib/attacks/weak/handshake.ts";
import { makeWeakSession } from "../../lib/attacks/weak/records.ts";
import { makeWeakReceiver, makeWeakSender } from "../../lib/attacks/weak/transfer.ts";
import type { Attacker, End } from "../../lib/attacks/wire.ts";
import { type Bytes, equal } from "../../lib/bytes/bytes.ts";
import { StxError } from "../../lib/errors.ts";
import { openSource } from "../../lib/files/disk_source.ts";
import { openReceivingFolder } from "../../lib/files/receiving_folder.ts";
import { ClientHandshake, type ClientOptions } from "../../lib/handshake/client.ts";
import { HelloGuard } from "../../lib/handshake/hello_guard.ts";
import { ServerHandshake, type ServerOptions } from "../../lib/handshake/server.ts";
import { identityFromSeed } from "../../lib/identity/identity.ts";
import { BLOCK_SIZE_MIN, WINDOW_RECORDS, WINDOW_SIZE_BYTES } from "../../lib/limits.ts";
import type { Admission } from "../../lib/net/admission.ts";
import { type Channel, openChannel } from "../../lib/net/channel.ts";
import type { MakeSession } from "../../lib/net/connection.ts";
import { systemClock, systemRandom } from "../../lib/net/tcp.ts";
import { turnAway } from "../../lib/net/turn_away.ts";
import type { Clock, Duplex, Identity } from "../../lib/ports.ts";
import { Session } from "../../lib/records/session.ts";
import { MemoryNonceStore } from "../../lib/store/memory_nonce_store.ts";
import { MemoryTransferStore } from "../../lib/store/memory_transfer_store.ts";
import { ActiveTransfers } from "../../lib/transfer/active_transfers.ts";
import { makeManifest } from "../../lib/transfer/manifest.ts";
import { receiveTransfer } from "../../lib/transfer/receiver.ts";
import type { ReceivedTransfer, ReceiverOptions } from "../../lib/transfer/receiver_options.ts";
import { type SenderOptions, sendTransfer, type SentReceipt } from "../../lib/transfer/sender.ts";
import type { Played, Stage } from "./attack.ts";
import { openWeakFolder } from "./weak_files.ts";
import { type Between, Wires, withWorld } from "./wires.ts";

/** How the ends of a world differ from the usual. Whatever is left out is as `stx send` and `stx recv` have it. */
export interface StxWorldOptions {
  /** The man in the middle of the n-th connection, from 0; nobody by default. */
  readonly attacker?: (connection: number) => Attacker;
  readonly client?: Partial<ClientOptions>;
  readonly server?: Partial<ServerOptions>;
  readonly sender?: Partial<SenderOptions>;
  readonly receiver?: Partial<ReceiverOptions>;
  /** Makes the client's machine: for one that lies. */
  readonly startClient?: (options: ClientOptions, nowMs: number) => Promise<ClientHandshake>;
  /** Makes the server's machine: for one that lies. */
  readonly makeServer?: (options: ServerOptions, nowMs: number) => ServerHandshake;
  /** What the client does over its channel: for one that lies. */
  readonly send?: (channel: Channel, options: SenderOptions) => Promise<SentReceipt>;
  /** What the server does over its channel: for one that lies. */
  readonly receive?: (channel: Channel, options: ReceiverOptions) => Promise<ReceivedTransfer>;
  readonly clock?: Clock;
  /** The client's, where it differs from the receiver's. */
  readonly clientClock?: Clock;
  /** Who may have a place for a handshake; without it everybody may. */
  readonly admission?: Pick<Admission, "enter">;
  /** Who stands between the two in place of the man in the middle: one who has keys. */
  readonly between?: Between;
  /** The two ends' identities, where others must know them beforehand. */
  readonly identities?: Readonly<Record<"sender" | "receiver", Identity>>;
  /** Makes an end's sessions in place of `make`, which makes them as they are or without some defences. */
  readonly makeSession?: (end: End, make: MakeSession) => MakeSession;
  /** Blocks of 16 KiB in the file that is sent. */
  readonly blockCount?: number;
}

/** The name under which the file is sent. */
export const FILE_NAME = "letter.bin";

/** See the module's text. Made by {@link withStxWorld}. */
export class StxWorld {
  readonly sender: Identity;
  readonly receiver: Identity;
  /** What is sent. */
  readonly content: Bytes;
  /** Where the sender's file is. */
  readonly outbox: string;
  /** Where it arrives. */
  readonly inbox: string;
  /** What the receiver remembers across its connections; {@link StxWorld.restartReceiver} forgets the first of them. */
  guard = new HelloGuard();
  readonly nonces = new MemoryNonceStore();
  readonly store = new MemoryTransferStore();
  /** Transfers that the receiver has finished, over all connections. */
  readonly received: ReceivedTransfer[] = [];
  /** What ended the last {@link StxWorld.send}, if it failed. */
  sendError: unknown;
  /** Sessions that the receiver has opened. */
  sessionCount = 0;
  readonly #active = new ActiveTransfers();
  readonly #off: Off;
  readonly #options: StxWorldOptions;
  readonly #clock: Clock;
  readonly #clientClock: Clock;
  /** Its connections, their steps, and how each end has failed. */
  readonly wires: Wires;

  constructor(stage: Stage, options: StxWorldOptions, sender: Identity, receiver: Identity) {
    this.#off = stage.off;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#clientClock = options.clientClock ?? this.#clock;
    this.sender = sender;
    this.receiver = receiver;
    this.outbox = `${stage.folder}/outbox`;
    this.inbox = `${stage.folder}/inbox`;
    this.content = stage.seeded.bytes((options.blockCount ?? 5) * BLOCK_SIZE_MIN - 100);
    Deno.mkdirSync(this.outbox);
    Deno.mkdirSync(this.inbox);
    Deno.writeFileSync(`${this.outbox}/${FILE_NAME}`, this.content);
    this.wires = new Wires(stage, {
      protocol: "stx",
      serve: (duplex) => this.serve(duplex),
      attacker: options.attacker,
      between: options.between,
    });
  }

  /** Sends the file over one connection through the middle; the error of a failure is in {@link Wires.errors}. */
  async send(options: Partial<SenderOptions> = {}): Promise<SentReceipt | undefined> {
    const source = openSource([`${this.outbox}/${FILE_NAME}`], { followLinks: false, onWarning: () => {} });
    let channel: Channel | undefined;
    try {
      channel = await this.#connect();
      const all: SenderOptions = {
        identity: this.sender.publicKey,
        manifest: makeManifest(source.entries, true),
        source,
        blockSizeBytes: BLOCK_SIZE_MIN,
        withDigests: false,
        random: systemRandom,
        clock: this.#clientClock,
        onEvent: () => {},
        ...this.#options.sender,
        ...options,
      };
      const receipt = await this.#sendOver(channel, all);
      await channel.close();
      return receipt;
    } catch (error) {
      await channel?.closeFor(error);
      this.wires.note("client", error);
      this.sendError = error;
      return undefined;
    } finally {
      source.close();
    }
  }

  async #sendOver(channel: Channel, options: SenderOptions): Promise<SentReceipt> {
    if (this.#options.send !== undefined) return await this.#options.send(channel, options);
    if (this.#off.size === 0) return await sendTransfer(channel, options);
    return await makeWeakSender(this.#off, channel, options).run();
  }

  /** A client's channel through the middle. */
  async #connect(): Promise<Channel> {
    const duplex = await this.wires.dial();
    const options: ClientOptions = {
      identity: this.sender,
      random: systemRandom,
      suites: ["aes-256-gcm"],
      authModes: ["identity"],
      sharedKey: undefined,
      intent: "send",
      checkServer: (key) => {
        if (equal(key, this.receiver.publicKey)) return;
        throw new StxError("receiver_changed", "The receiver shows another key than the one that is meant");
      },
      ...this.#options.client,
    };
    const nowMs = this.#clientClock.nowMs();
    const handshake = await this.#startClient(options, nowMs);
    return await openChannel(duplex, handshake, this.#clientClock, {}, this.#sessions("client"));
  }

  async #startClient(options: ClientOptions, nowMs: number): Promise<ClientHandshake> {
    if (this.#options.startClient !== undefined) return await this.#options.startClient(options, nowMs);
    if (this.#off.size === 0) return await ClientHandshake.start(options, nowMs);
    return await startWeakClient(this.#off, options, nowMs);
  }

  /** What makes an end's sessions. */
  #sessions(end: End): MakeSession {
    const make: MakeSession = this.#off.size === 0
      ? (options, nowMs) => new Session(options, nowMs)
      : makeWeakSession(this.#off, end);
    return this.#options.makeSession?.(end, make) ?? make;
  }

  /** Waits until every connection has come to its end at both ends and in the middle. */
  async settle(): Promise<void> {
    await this.wires.settle();
  }

  /** The receiver begins anew, with what it keeps on disk alone. */
  restartReceiver(): void {
    this.guard = new HelloGuard();
  }

  /** Says whether the file is in place, and exactly as it was sent. */
  get isIntact(): boolean {
    try {
      return equal(Deno.readFileSync(`${this.inbox}/${FILE_NAME}`), this.content);
    } catch {
      return false;
    }
  }

  /** Says whether a file is in place that is not the one that was sent. */
  get isForged(): boolean {
    try {
      return !equal(Deno.readFileSync(`${this.inbox}/${FILE_NAME}`), this.content);
    } catch {
      return false;
    }
  }

  /** What became of it. */
  played(hasSucceeded: boolean, evidence: string): Played {
    const { errors, steps } = this.wires;
    return { hasSucceeded, evidence, errors, isIntact: this.isIntact, steps };
  }

  /** Serves a connection from `address` to its end, as the receiver does with each; never rejects. */
  async serve(duplex: Duplex, address = "127.0.0.1"): Promise<void> {
    let channel: Channel | undefined;
    try {
      channel = await this.#admit(duplex, address);
      this.sessionCount += 1;
      const { peerIdentity, helloNumber } = channel;
      const open = channel;
      const options: ReceiverOptions = {
        identity: this.receiver,
        clock: this.#clock,
        store: this.store,
        folder: this.#off.size === 0
          ? openReceivingFolder(this.inbox)
          : openWeakFolder(this.#off, this.inbox),
        folderPath: this.inbox,
        conflict: "refuse",
        maxSizeBytes: Infinity,
        allowDotfiles: false,
        claim: (id) => this.#active.claim(peerIdentity, id, helloNumber, () => void open.abort("superseded")),
        onEvent: () => {},
        ...this.#options.receiver,
      };
      this.received.push(await this.#receiveOver(channel, options));
      await channel.peerClosed();
      await channel.close();
    } catch (error) {
      this.wires.note("server", error);
      await channel?.closeFor(error);
    }
  }

  async #receiveOver(channel: Channel, options: ReceiverOptions): Promise<ReceivedTransfer> {
    if (this.#options.receive !== undefined) return await this.#options.receive(channel, options);
    if (this.#off.size === 0) return await receiveTransfer(channel, options);
    return await makeWeakReceiver(this.#off, channel, options).receive();
  }

  async #admit(duplex: Duplex, address: string): Promise<Channel> {
    const leave = this.#options.admission?.enter(address, () => void turnAway(duplex));
    try {
      return await this.#acceptChannel(duplex);
    } finally {
      leave?.();
    }
  }

  async #acceptChannel(duplex: Duplex): Promise<Channel> {
    const options: ServerOptions = {
      identity: this.receiver,
      random: systemRandom,
      suites: ["aes-256-gcm"],
      authModes: ["identity"],
      sharedKeys: [],
      guard: this.guard,
      nonces: this.nonces,
      limits: { windowRecords: WINDOW_RECORDS, windowSizeBytes: WINDOW_SIZE_BYTES },
      authorize: (key) => {
        if (equal(key, this.sender.publicKey)) return;
        throw new StxError("unauthorized", "The sender's key is not among the authorized keys");
      },
      ...this.#options.server,
    };
    const nowMs = this.#clock.nowMs();
    const handshake = this.#makeServer(options, nowMs);
    return await openChannel(duplex, handshake, this.#clock, {}, this.#sessions("server"));
  }

  #makeServer(options: ServerOptions, nowMs: number): ServerHandshake {
    if (this.#options.makeServer !== undefined) return this.#options.makeServer(options, nowMs);
    if (this.#off.size === 0) return new ServerHandshake(options, nowMs);
    return makeWeakServer(this.#off, options, nowMs);
  }

  /** A connection to the receiver, past the middle: a stranger's. */
  dialServer(): Promise<Duplex> {
    return this.wires.dialServer();
  }

  /** Ends everything. */
  close(): Promise<void> {
    return this.wires.close();
  }
}

/** Plays in a fresh world, which is gone afterwards. Throws if it hangs. */
export async function withStxWorld(
  stage: Stage,
  options: StxWorldOptions,
  play: (world: StxWorld) => Promise<Played>,
): Promise<Played> {
  const { sender, receiver } = options.identities ?? await newIdentities(stage);
  return await withWorld(new StxWorld(stage, options, sender, receiver), play);
}

/** Two of them, one for each end. */
export async function newIdentities(
  stage: Stage,
): Promise<Readonly<Record<"sender" | "receiver", Identity>>> {
  const [sender, receiver] = [await newIdentity(stage), await newIdentity(stage)];
  return { sender, receiver };
}

/** A key pair that the play has not seen before; of the seed, since errors name its fingerprint. */
export async function newIdentity({ seeded }: Pick<Stage, "seeded">): Promise<Identity> {
  return await identityFromSeed(seeded.bytes(32));
}
