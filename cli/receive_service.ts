/**
 * Serves senders: many at once, each by itself, so that one's failure is nobody else's.
 * @module
 */
import { codeOf, StxError } from "../lib/errors.ts";
import { type AuthorizedKey, findAuthorized } from "../lib/identity/authorized_keys.ts";
import { fingerprint } from "../lib/identity/public_key.ts";
import type { Suite } from "../lib/crypto/suite.ts";
import { CONNECTIONS_MAX, WINDOW_RECORDS, WINDOW_SIZE_BYTES } from "../lib/limits.ts";
import type { Channel } from "../lib/net/channel.ts";
import { accept } from "../lib/net/server.ts";
import { connDuplex, systemClock, systemRandom } from "../lib/net/tcp.ts";
import type {
  ConflictPolicy,
  Duplex,
  Entry,
  Identity,
  ReceivingFolder,
  TransferStore,
} from "../lib/ports.ts";
import { ActiveTransfers } from "../lib/transfer/active_transfers.ts";
import { receiveTransfer } from "../lib/transfer/receiver.ts";
import type { ReceivedTransfer, ReceiverEvent } from "../lib/transfer/receiver_options.ts";
import { FileCount } from "./file_count.ts";
import { Progress, type ProgressHandle } from "./progress.ts";
import type { Output } from "./terminal.ts";
import { formatAddress, formatBytes } from "./values.ts";

/** What the service works with. */
export interface ReceiveServiceOptions {
  readonly listener: Deno.TcpListener;
  readonly identity: Identity;
  readonly suites: readonly Suite[];
  /** Read for every connection, so that adding and removing a key counts at once. */
  readonly readKeys: () => readonly AuthorizedKey[];
  readonly store: TransferStore;
  readonly folder: ReceivingFolder;
  readonly folderPath: string;
  readonly conflict: ConflictPolicy;
  readonly maxSizeBytes: number;
  readonly allowDotfiles: boolean;
  /** Whether to end after one finished transfer. */
  readonly once: boolean;
  readonly output: Output;
}

/** How long to wait when the system has no file descriptor left for another connection. */
const ACCEPT_PAUSE_MS = 100;
const NAMES_SHOWN_MAX = 100;
/** How long a sender that has lost its answer may take to ask for it again: its longest pause. */
const ASK_AGAIN_MS = 30_000;

/** See the module's text. */
export class ReceiveService {
  readonly #options: ReceiveServiceOptions;
  readonly #active = new ActiveTransfers();
  readonly #progress: Progress;
  readonly #connections = new Set<Promise<void>>();
  readonly #channels = new Set<Channel>();
  /** Connections that have not proved anything yet. */
  readonly #strangers = new Set<Duplex>();
  #stopping = false;
  readonly #ended = Promise.withResolvers<void>();

  constructor(options: ReceiveServiceOptions) {
    this.#options = options;
    this.#progress = new Progress(options.output);
  }

  /** Serves until {@link stop}, or with `once` until a transfer is finished. */
  async run(): Promise<void> {
    const { listener } = this.#options;
    while (!this.#stopping) {
      let conn: Deno.TcpConn;
      try {
        conn = await listener.accept();
      } catch (error) {
        if (this.#stopping) break;
        this.#options.output.verbose(`Cannot accept a connection now: ${error}`);
        await new Promise<void>((resolve) => systemClock.after(ACCEPT_PAUSE_MS, resolve));
        continue;
      }
      if (this.#connections.size >= CONNECTIONS_MAX) {
        conn.close();
        continue;
      }
      const serving = this.#serve(conn).finally(() => this.#connections.delete(serving));
      this.#connections.add(serving);
    }
    await Promise.all(this.#connections);
  }

  /** Takes no more connections and ends those under way; what has arrived is kept. */
  stop(): void {
    this.#stopListening();
    for (const channel of this.#channels) channel.abort("closing");
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
    let transfer: Transfer | undefined;
    try {
      conn.setNoDelay(true);
      conn.setKeepAlive(true);
      channel = await this.#handshake(conn, remote.hostname);
      this.#channels.add(channel);
      if (this.#stopping) throw new StxError("cancelled", "The receiver is stopping");
      const peer = fingerprint(channel.peerIdentity);
      output.verbose(`Connected: ${peer} from ${address}`);
      output.event("connected", { peer, address });
      transfer = new Transfer(output, this.#progress, peer);
      const result = await this.#receive(channel, transfer);
      transfer.finish(result);
      const wasHeard = await channel.peerClosed();
      await channel.close();
      if (this.#options.once) this.#endAfter(wasHeard ? 0 : ASK_AGAIN_MS);
    } catch (error) {
      // A stranger's connection ends here too: closed, told nothing precise, and no concern of the others.
      await channel?.closeFor(error);
      transfer?.stop();
      if (!this.#stopping || codeOf(error) !== "cancelled") {
        const peer = channel === undefined ? {} : { peer: fingerprint(channel.peerIdentity) };
        const id = transfer?.id === undefined ? {} : { transfer: transfer.id };
        output.error(named(error, address), { continues: true, ...peer, ...id });
      }
    } finally {
      if (channel === undefined) closeQuietly(conn);
      else this.#channels.delete(channel);
    }
  }

  async #handshake(conn: Deno.TcpConn, address: string): Promise<Channel> {
    const { identity, suites, readKeys } = this.#options;
    const duplex = connDuplex(conn);
    this.#strangers.add(duplex);
    return await accept(
      duplex,
      {
        identity,
        random: systemRandom,
        suites,
        limits: { windowRecords: WINDOW_RECORDS, windowSizeBytes: WINDOW_SIZE_BYTES },
        authorize(client) {
          const verdict = findAuthorized(readKeys(), client, address, systemClock.nowMs());
          if (verdict === "authorized") return;
          const why = {
            unknown: "is not in authorized_keys",
            expired: "has expired in authorized_keys",
            wrong_address: "may not come from this address",
          }[verdict];
          throw new StxError("unauthorized", `Refused a sender: its key ${fingerprint(client)} ${why}`, {
            hint: "to accept it, add its public key to the authorized keys",
          });
        },
      },
      systemClock,
    ).finally(() => this.#strangers.delete(duplex));
  }

  async #receive(channel: Channel, transfer: Transfer): Promise<ReceivedTransfer> {
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
      claim: (transferId) =>
        this.#active.claim(channel.peerIdentity, transferId, () => void channel.abort("superseded")),
      onEvent: (event) => transfer.report(event),
    });
  }
}

/** The handshake closes what it fails on; before it, nobody has. */
function closeQuietly(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It is closed already.
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

/** What is told of one transfer. */
class Transfer {
  readonly #output: Output;
  readonly #all: Progress;
  readonly #peer: string;
  readonly #startMs = performance.now();
  #progress: ProgressHandle | undefined;
  #files = new FileCount([]);
  #totalBytes: number | null = null;
  #eventMs = 0;
  /** The transfer's id in hexadecimal, once it is known. */
  id: string | undefined;

  constructor(output: Output, all: Progress, peer: string) {
    this.#output = output;
    this.#all = all;
    this.#peer = peer;
  }

  report(event: ReceiverEvent): void {
    switch (event.kind) {
      case "offered":
        this.#offered(event.transferId.toHex(), event.entries, event.sizeBytes);
        break;
      case "resumed":
        this.#output.info(`Continuing at ${formatBytes(event.offset)}`);
        this.#output.event("resumed", { transfer: this.id!, offsetBytes: event.offset });
        this.#progress?.resumeAt(event.offset);
        break;
      case "received":
        this.#moved("receiving", event.bytes, false);
        break;
      case "finishing":
        this.#moved("finishing", this.#totalBytes ?? 0, true);
    }
  }

  #offered(id: string, entries: readonly Entry[], totalBytes: number | null): void {
    this.id = id;
    this.#files = new FileCount(entries);
    this.#totalBytes = totalBytes;
    const names = topNames(entries);
    this.#output.event("offer", {
      transfer: id,
      peer: this.#peer,
      names: names.slice(0, NAMES_SHOWN_MAX),
      totalBytes,
      totalFiles: this.#files.total,
    });
    const label = names.length === 1 ? names[0]! : `${names[0]} and ${names.length - 1} more`;
    this.#progress = this.#all.start(label);
    this.#progress.update({
      phase: "receiving",
      totalBytes: totalBytes ?? undefined,
      totalFiles: this.#files.total,
    });
  }

  #moved(phase: "receiving" | "finishing", bytes: number, isNews: boolean): void {
    const files = this.#files.at(bytes);
    this.#progress?.update({ phase, bytes, files });
    const nowMs = performance.now();
    if (!isNews && nowMs - this.#eventMs < PROGRESS_EVERY_MS) return;
    this.#eventMs = nowMs;
    this.#output.event("progress", {
      transfer: this.id!,
      phase,
      bytes,
      totalBytes: this.#totalBytes,
      files,
      totalFiles: this.#files.total,
    });
  }

  finish(result: ReceivedTransfer): void {
    const wasHere = result.receivedBytes === 0 && result.sizeBytes > 0;
    if (wasHere) this.#progress?.resumeAt(result.sizeBytes);
    this.#progress?.update({ bytes: result.sizeBytes, files: this.#files.total });
    this.#progress?.finish();
    for (const entry of result.entries) {
      if (entry.kind !== "file") continue;
      const [top, ...rest] = entry.path.split("/");
      this.#output.event("file", {
        transfer: this.id!,
        path: [result.topNames[top!] ?? top!, ...rest].join("/"),
        sizeBytes: entry.sizeBytes,
      });
    }
    const names = Object.values(result.topNames);
    this.#output.info(
      `${wasHere ? "Already had" : "Received"} ${names.slice(0, 3).join(", ")}${
        names.length > 3 ? ` and ${names.length - 3} more` : ""
      }: ` +
        `${formatBytes(result.sizeBytes)} in ${this.#files.total} ${
          this.#files.total === 1 ? "file" : "files"
        } from ${this.#peer}`,
    );
    this.#output.event("done", {
      transfer: this.id!,
      bytes: result.sizeBytes,
      files: this.#files.total,
      seconds: (performance.now() - this.#startMs) / 1000,
      receipt: null,
    });
  }

  stop(): void {
    this.#progress?.stop();
  }
}

/** Progress events at most this often. */
const PROGRESS_EVERY_MS = 100;

function topNames(entries: readonly Entry[]): readonly string[] {
  const names = new Set<string>();
  for (const entry of entries) names.add(entry.path.split("/", 1)[0]!);
  return [...names];
}
