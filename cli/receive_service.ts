/**
 * Serves senders: many at once, each by itself, so that one's failure is nobody else's.
 * @module
 */
import { type Bytes, equal } from "../lib/bytes/bytes.ts";
import { codeOf, StxError } from "../lib/errors.ts";
import { HelloGuard } from "../lib/handshake/hello_guard.ts";
import type { SharedKey } from "../lib/handshake/key_schedule.ts";
import { fingerprint } from "../lib/identity/public_key.ts";
import type { Suite } from "../lib/crypto/suite.ts";
import {
  CONNECTIONS_MAX,
  CONNECTIONS_PER_SENDER_MAX,
  WINDOW_RECORDS,
  WINDOW_SIZE_BYTES,
} from "../lib/limits.ts";
import { Admission } from "../lib/net/admission.ts";
import type { Channel } from "../lib/net/channel.ts";
import { accept } from "../lib/net/server.ts";
import { turnAway } from "../lib/net/turn_away.ts";
import { connDuplex, systemClock, systemRandom } from "../lib/net/tcp.ts";
import type {
  ConflictPolicy,
  Duplex,
  Identity,
  NonceStore,
  ReceivingFolder,
  TransferStore,
} from "../lib/ports.ts";
import { ActiveTransfers } from "../lib/transfer/active_transfers.ts";
import { pruneFinished } from "../lib/transfer/pruning.ts";
import { dropUnfinished } from "../lib/transfer/recovery.ts";
import { receiveTransfer } from "../lib/transfer/receiver.ts";
import type { ReceivedTransfer } from "../lib/transfer/receiver_options.ts";
import type { AuthMode } from "../lib/wire/handshake_messages.ts";
import { acceptLoop, closeQuietly } from "./accept_loop.ts";
import { Progress } from "./progress.ts";
import { ReceivingReport } from "./receiving_report.ts";
import type { SenderTrust } from "./sender_trust.ts";
import type { Output } from "./terminal.ts";
import { formatAddress } from "./values.ts";

/** What the service works with. */
export interface ReceiveServiceOptions {
  readonly listener: Deno.TcpListener;
  readonly identity: Identity;
  readonly suites: readonly Suite[];
  readonly trust: SenderTrust;
  /** The statement to announce, if there is one; read for every connection. */
  readonly readRotation: () => Bytes | undefined;
  readonly authModes: readonly AuthMode[];
  /** Read for every connection, so that adding and removing a key counts at once. */
  readonly readSharedKeys: () => readonly SharedKey[];
  readonly store: TransferStore;
  readonly nonces: NonceStore;
  readonly folder: ReceivingFolder;
  readonly folderPath: string;
  readonly conflict: ConflictPolicy;
  readonly maxSizeBytes: number;
  readonly allowDotfiles: boolean;
  /** Whether to end after one finished transfer. */
  readonly once: boolean;
  readonly output: Output;
}

/** How long a sender that has lost its answer may take to ask for it again: its longest pause. */
const ASK_AGAIN_MS = 30_000;

/** A flood of strangers is spoken of this often. */
const FLOOD_TOLD_EVERY_MS = 60_000;
/** So many of those who fail before they have proved who they are get a line of their own in that time. */
const FAILURES_TOLD_MAX = 60;

/** The journal is tidied at the start, and again after so many more transfers or so much time. */
const FINISHED_UNTIL_TIDY = 1_000;
const TIDY_EVERY_MS = 24 * 3600 * 1000;

/** Evicted ones that may hold a socket until they are told. */
const LEAVING_MAX = 16;

/** A handshake that had to make room for another. */
class Evicted extends Error {}

/** See the module's text. */
export class ReceiveService {
  readonly #options: ReceiveServiceOptions;
  readonly #active = new ActiveTransfers();
  readonly #progress: Progress;
  readonly #channels = new Set<Channel>();
  /** Those whose transfer has arrived and is being put in place. */
  readonly #finishing = new Set<Channel>();
  /** Connections that have not proved anything yet. */
  readonly #strangers = new Set<Duplex>();
  /** Evicted ones whose socket is still open. */
  readonly #leaving = new Set<Promise<void>>();
  readonly #guard = new HelloGuard();
  readonly #admission = new Admission(systemRandom);
  #evictedCount = 0;
  #evictionTold = -Infinity;
  #failureCount = 0;
  #failuresSince = -Infinity;
  #untoldCount = 0;
  #stopping = false;
  /** Transfers since it was tidied last, and when that was. */
  #finishedCount = 0;
  #tidiedMs = 0;
  readonly #ended = Promise.withResolvers<void>();

  constructor(options: ReceiveServiceOptions) {
    this.#options = options;
    this.#progress = new Progress(options.output);
  }

  /** Serves until {@link stop}, or with `once` until a transfer is finished. */
  async run(): Promise<void> {
    const { listener, output } = this.#options;
    const tidied = this.#tidy();
    await acceptLoop({
      listener,
      output,
      serve: (conn) => this.#serve(conn),
      isStopping: () => this.#stopping,
      // Accepting is quicker than hanging up, and would pile up sockets.
      hasRoom: async () => {
        while (this.#leaving.size >= LEAVING_MAX) await Promise.race(this.#leaving);
      },
    });
    await tidied;
  }

  /**
   * Forgets finished transfers that are too old or too many, and unfinished ones that nobody has continued; a journal
   * that cannot be tidied is still of use.
   */
  async #tidy(): Promise<void> {
    this.#finishedCount = 0;
    this.#tidiedMs = systemClock.nowMs();
    const { store, folder, folderPath, identity } = this.#options;
    try {
      await pruneFinished(store, systemClock);
      const left = { store, folder, folderPath, identity: identity.publicKey, clock: systemClock };
      const [failure] = dropUnfinished(left);
      if (failure !== undefined) throw failure;
    } catch (error) {
      this.#options.output.error(error, { continues: true });
    }
  }

  #tidyAgain(): void {
    const sinceMs = Math.abs(systemClock.nowMs() - this.#tidiedMs);
    if (this.#finishedCount >= FINISHED_UNTIL_TIDY || sinceMs >= TIDY_EVERY_MS) void this.#tidy();
  }

  /**
   * Takes no more connections and ends those under way; what has arrived is kept. Whoever has sent everything is still
   * told that it is in place.
   */
  stop(): void {
    this.#stopListening();
    for (const channel of this.#channels) if (!this.#finishing.has(channel)) void channel.abort("closing");
    for (const duplex of this.#strangers) duplex.close();
  }

  /** Ends the service, unless a sender that has not heard the answer may still ask for it again. */
  #endAfter(delayMs: number): void {
    const cancel = systemClock.after(delayMs, () => this.stop());
    // A signal may be quicker.
    this.#ended.promise.then(cancel);
  }

  #stopListening(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#ended.resolve();
    this.#options.listener.close();
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    const { output } = this.#options;
    const remote = conn.remoteAddr;
    const address = formatAddress(remote.hostname, remote.port);
    let channel: Channel | undefined;
    let report: ReceivingReport | undefined;
    try {
      conn.setNoDelay(true);
      conn.setKeepAlive(true);
      channel = await this.#handshake(conn, remote.hostname);
      this.#channels.add(channel);
      if (this.#stopping) throw new StxError("cancelled", "The receiver is stopping");
      const peer = fingerprint(channel.peerIdentity);
      output.verbose(`Connected: ${peer} from ${address}`);
      output.event("connected", { peer, address });
      this.#options.trust.opened(channel.peerIdentity);
      report = new ReceivingReport(output, this.#progress, peer);
      const result = await this.#receive(channel, report);
      await report.finish(result);
      this.#finishedCount += 1;
      this.#tidyAgain();
      const wasHeard = await channel.peerClosed();
      await channel.close();
      if (this.#options.once) this.#endAfter(wasHeard ? 0 : ASK_AGAIN_MS);
    } catch (error) {
      if (error instanceof Evicted) return this.#reportEviction();
      // A stranger's connection ends here too: closed, told nothing precise, and no concern of the others.
      await channel?.closeFor(error);
      if (report !== undefined) return report.fail(error, address, this.#stopping);
      if (this.#stopping && codeOf(error) === "cancelled") return;
      if (channel === undefined && !this.#mayTell(error, address)) return;
      const peer = channel === undefined ? {} : { peer: fingerprint(channel.peerIdentity) };
      output.error(named(error, address), { continues: true, ...peer });
    } finally {
      if (channel === undefined) closeQuietly(conn);
      else {
        this.#channels.delete(channel);
        this.#finishing.delete(channel);
      }
    }
  }

  async #handshake(conn: Deno.TcpConn, address: string): Promise<Channel> {
    const { identity, suites, authModes, trust, readRotation, readSharedKeys, nonces } = this.#options;
    // Whatever cannot be read is an error before a place is taken, which nobody would give back.
    const sharedKeys = readSharedKeys();
    const duplex = connDuplex(conn);
    this.#strangers.add(duplex);
    let isEvicted = false;
    const leave = this.#admission.enter(address, () => {
      isEvicted = true;
      const leaving = turnAway(duplex).finally(() => this.#leaving.delete(leaving));
      this.#leaving.add(leaving);
    });
    return await accept(
      duplex,
      {
        identity,
        random: systemRandom,
        suites,
        authModes,
        sharedKeys,
        guard: this.#guard,
        nonces,
        limits: { windowRecords: WINDOW_RECORDS, windowSizeBytes: WINDOW_SIZE_BYTES },
        authorize: (client, _intent, authMode) => {
          trust.check(client, address, authMode);
          this.#refuseIfFull(client);
        },
        rotation: readRotation(),
        onPeerRotation: (rotation) => trust.announced(rotation),
      },
      systemClock,
    ).catch((error) => {
      throw isEvicted ? new Evicted() : error;
    }).finally(() => {
      this.#strangers.delete(duplex);
      leave();
    });
  }

  /** One sender alone must not take every place. */
  #refuseIfFull(client: Bytes): void {
    const own = [...this.#channels].filter((channel) => equal(channel.peerIdentity, client)).length;
    if (this.#channels.size < CONNECTIONS_MAX && own < CONNECTIONS_PER_SENDER_MAX) return;
    throw new StxError("busy", `Cannot serve ${fingerprint(client)} now: there are too many sessions`);
  }

  /** A flood of strangers must not become a flood of lines. */
  #reportEviction(): void {
    this.#evictedCount += 1;
    const nowMs = performance.now();
    if (nowMs - this.#evictionTold < FLOOD_TOLD_EVERY_MS) return;
    this.#evictionTold = nowMs;
    this.#options.output.warn(
      `many connections at once: ${this.#evictedCount} that had not finished their handshake made room so far`,
    );
  }

  /** Whether a connection that failed before anything was proved has a line of its own, for the same reason. */
  #mayTell(error: unknown, address: string): boolean {
    const { output } = this.#options;
    const nowMs = performance.now();
    if (nowMs - this.#failuresSince >= FLOOD_TOLD_EVERY_MS) {
      this.#failuresSince = nowMs;
      this.#failureCount = 0;
    }
    this.#failureCount += 1;
    if (this.#failureCount <= FAILURES_TOLD_MAX) return true;
    this.#untoldCount += 1;
    if (this.#failureCount === FAILURES_TOLD_MAX + 1) {
      output.warn(
        `many connections fail before they have proved who they are: ${this.#untoldCount} not shown so far`,
      );
    }
    output.verbose(`${address}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }

  async #receive(channel: Channel, report: ReceivingReport): Promise<ReceivedTransfer> {
    const { identity, store, folder, folderPath, conflict, maxSizeBytes, allowDotfiles } = this.#options;
    return await receiveTransfer(channel, {
      identity,
      clock: systemClock,
      store,
      folder,
      folderPath,
      conflict,
      maxSizeBytes,
      allowDotfiles,
      manifests: this.#active.manifests,
      claim: (id) =>
        this.#active.claim(
          channel.peerIdentity,
          id,
          channel.helloNumber,
          () => void channel.abort("superseded"),
        ),
      onEvent: (event) => {
        if (event.kind === "finishing") this.#finishing.add(channel);
        report.report(event);
      },
    });
  }
}

/** Puts the remote address into an error of a connection. */
function named(error: unknown, address: string): unknown {
  if (!(error instanceof StxError)) return error;
  return new StxError(error.code, `${address}: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error.cause,
  });
}
