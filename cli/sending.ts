/**
 * One transfer from the sender's side, over as many connections as it takes.
 * @module
 */
import { type Bytes, toHex } from "../lib/bytes/bytes.ts";
import type { Suite } from "../lib/crypto/suite.ts";
import { codeOf, StxError } from "../lib/errors.ts";
import type { SharedKey } from "../lib/handshake/key_schedule.ts";
import { fingerprint } from "../lib/identity/public_key.ts";
import { BLOCK_SIZE } from "../lib/limits.ts";
import type { Channel } from "../lib/net/channel.ts";
import { connect } from "../lib/net/client.ts";
import { dial, systemClock, systemRandom } from "../lib/net/tcp.ts";
import type { Identity, Source } from "../lib/ports.ts";
import type { Manifest } from "../lib/transfer/manifest.ts";
import { RetryPolicy } from "../lib/transfer/retry.ts";
import { type SenderEvent, sendTransfer, type SentReceipt } from "../lib/transfer/sender.ts";
import type { Phase } from "./events.ts";
import type { AuthMode } from "../lib/wire/handshake_messages.ts";
import { FileCount } from "./file_count.ts";
import { finalError, whenAgain } from "./final_error.ts";
import { Progress, type ProgressHandle } from "./progress.ts";
import type { ReceiverTrust } from "./receiver_trust.ts";
import type { ErrorContext, Output } from "./terminal.ts";
import { type Address, formatAddress, formatBytes } from "./values.ts";

/** What it works with. */
export interface SendingOptions {
  readonly address: Address;
  readonly identity: Identity;
  readonly trust: ReceiverTrust;
  /** The statement to announce, if there is one. */
  readonly readRotation: () => Bytes | undefined;
  readonly suites: readonly Suite[];
  readonly authModes: readonly AuthMode[];
  readonly sharedKey: SharedKey | undefined;
  readonly source: Source;
  readonly manifest: Manifest;
  readonly withDigests: boolean;
  readonly retryForMs: number;
  /** Whether the very first connection is tried again too. */
  readonly retryFirst: boolean;
  /** Ends everything; its reason is what {@link Sending.run} rejects with. */
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** Progress events at most this often. */
const PROGRESS_EVERY_MS = 100;
const NAMES_SHOWN_MAX = 100;

/** See the module's text. */
export class Sending {
  readonly #options: SendingOptions;
  readonly #retry: RetryPolicy;
  readonly #startMs = performance.now();
  readonly #files: FileCount;
  readonly #allProgress: Progress;
  /** Begins with the first connection: the time before, a question included, says nothing about speed. */
  #progress: ProgressHandle | undefined;
  #wasConnected = false;
  #transferId: string | undefined;
  #peer: string | undefined;
  #sizeBytes = 0;
  #eventMs = 0;
  #hasSentAll = false;
  /** How much of the stream this connection's session has taken; up to a window of it is under way. */
  #takenBytes = 0;
  /** How much of it has arrived, at least. */
  #arrivedBytes = 0;
  /** Whether everything is taken, and nobody has been told that it has arrived. */
  #isFinishing = false;
  /** The furthest that was sent over any connection, so that only going beyond it counts as progress. */
  #sentBytes = 0;
  /** How far the receiver is known to be, for the same reason. */
  #keptBytes = 0;
  /** Until when this connection's time does not count as time without progress. */
  #excusedMs = 0;

  constructor(options: SendingOptions) {
    this.#options = options;
    this.#retry = new RetryPolicy(options.retryForMs, systemRandom, performance.now());
    const { entries, sizeBytes } = options.manifest;
    this.#files = new FileCount(entries);
    this.#sizeBytes = sizeBytes ?? 0;
    this.#allProgress = new Progress(options.output);
  }

  /** Sends until the receiver has signed for everything; rejects with the error that ended it. */
  async run(): Promise<SentReceipt> {
    try {
      for (;;) {
        try {
          const receipt = await this.#attempt();
          this.#progress?.update({ bytes: this.#sizeBytes, files: this.#files.total });
          this.#progress?.finish();
          return receipt;
        } catch (error) {
          this.#options.signal.throwIfAborted();
          await this.#recover(error);
        }
      }
    } finally {
      this.#progress?.stop();
    }
  }

  /** What an error that ends it has to do with. */
  get errorContext(): ErrorContext {
    return {
      ...(this.#transferId === undefined ? {} : { transfer: this.#transferId }),
      ...(this.#peer === undefined ? {} : { peer: this.#peer }),
    };
  }

  /** Reports the end, once the receipt has been kept too. */
  reportDone(receiptPath: string | null): void {
    const { output, manifest } = this.#options;
    for (const entry of manifest.entries) {
      if (entry.kind !== "file") continue;
      output.event("file", { transfer: this.#transferId!, path: entry.path, sizeBytes: entry.sizeBytes });
    }
    output.event("done", {
      transfer: this.#transferId!,
      bytes: this.#sizeBytes,
      files: this.#files.total,
      seconds: (performance.now() - this.#startMs) / 1000,
      receipt: receiptPath,
    });
  }

  /** Returns when it is time for another attempt; throws `error` where there will be none. */
  async #recover(error: unknown): Promise<void> {
    const { output, trust, manifest, retryFirst, signal } = this.#options;
    if (codeOf(error) === "unknown_receiver" && await unlessAborted(trust.ask(), signal)) return;
    const isFirst = !this.#wasConnected && !retryFirst && codeOf(error) === "connection_lost";
    const delayMs = isFirst ? undefined : this.#retry.delayAfter(error, performance.now());
    if (delayMs === undefined) {
      throw finalError(error, {
        publicKey: this.#options.identity.publicKey,
        triedForMs: isFirst ? 0 : this.#options.retryForMs,
        keptBytes: this.#keptBytes,
        sizeBytes: manifest.sizeBytes,
      });
    }
    const { code, message } = error as StxError;
    if (manifest.sizeBytes === null && this.#sentBytes > 0) {
      throw new StxError(code, `${message}; standard input cannot be sent twice`, {
        hint: "send it again from its source, or as a file, which can be continued",
        cause: error,
      });
    }
    output.info(`${message}. Trying again ${whenAgain(delayMs)}.`);
    output.event("retry", { attempt: this.#retry.attempt, delayMs, code, message });
    this.#progress?.update({ phase: "connecting" });
    await pause(delayMs, signal);
  }

  async #attempt(): Promise<SentReceipt> {
    const { address, identity, trust, suites, authModes, sharedKey, signal, output, manifest, source } =
      this.#options;
    const duplex = await dial(address.host, address.port, signal);
    const stopDialog = () => duplex.close();
    signal.addEventListener("abort", stopDialog);
    let channel: Channel;
    try {
      channel = await connect(
        duplex,
        {
          identity,
          random: systemRandom,
          suites,
          authModes,
          sharedKey,
          intent: "send",
          checkServer: (key, mode) => trust.check(key, mode),
          rotation: this.#options.readRotation(),
          onPeerRotation: (rotation) => trust.announced(rotation),
        },
        systemClock,
      );
    } finally {
      signal.removeEventListener("abort", stopDialog);
    }
    const onAbort = () => void channel.abort("closing");
    signal.addEventListener("abort", onAbort);
    const stopWatching = this.#watch(channel);
    try {
      signal.throwIfAborted();
      this.#wasConnected = true;
      trust.opened(channel.peerIdentity);
      this.#beginProgress();
      const peer = fingerprint(channel.peerIdentity);
      this.#peer = peer;
      output.verbose(`Connected to ${peer}`);
      output.event("connected", { peer, address: formatAddress(address.host, address.port) });
      const receipt = await sendTransfer(channel, {
        identity: identity.publicKey,
        manifest,
        source,
        blockSizeBytes: BLOCK_SIZE,
        withDigests: this.#options.withDigests,
        isRepeated: this.#hasSentAll,
        random: systemRandom,
        clock: systemClock,
        onEvent: (event) => this.#report(event, peer, channel),
      });
      this.#finishing();
      await channel.close();
      this.#sizeBytes = receipt.facts.sizeBytes;
      return receipt;
    } catch (error) {
      await channel.closeFor(error);
      throw error;
    } finally {
      stopWatching();
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** What is under way arrives without anything to tell of it: so it is looked at. */
  #watch(channel: Channel): () => void {
    // What an earlier connection had under way is lost with it.
    this.#takenBytes = this.#arrivedBytes;
    this.#isFinishing = false;
    let cancel: () => void;
    const look = () => {
      this.#tell(channel);
      cancel = systemClock.after(PROGRESS_EVERY_MS, look);
    };
    cancel = systemClock.after(PROGRESS_EVERY_MS, look);
    return () => cancel();
  }

  /** Tells how much of the stream has arrived. */
  #tell(channel: Channel): void {
    if (this.#takenBytes === this.#arrivedBytes && !this.#isFinishing) return;
    const waiting = channel.unacknowledgedSizeBytes;
    if (this.#isFinishing && waiting === 0) return this.#finishing();
    // Records hold more than the stream's bytes, so that this may seem to go back a little.
    this.#arrivedBytes = Math.max(this.#arrivedBytes, this.#takenBytes - waiting);
    this.#moved("sending", this.#arrivedBytes);
  }

  /** Everything has arrived: the receiver puts it in place. */
  #finishing(): void {
    if (!this.#isFinishing) return;
    this.#isFinishing = false;
    // What has arrived since it was last looked at was moved too, before the phase ends in which it counts.
    this.#arrivedBytes = this.#takenBytes;
    this.#progress?.update({ bytes: this.#takenBytes });
    this.#moved("finishing", this.#takenBytes, true);
  }

  #beginProgress(): void {
    if (this.#progress !== undefined) return;
    const { manifest } = this.#options;
    this.#progress = this.#allProgress.start(labelOf(topNames(manifest)));
    this.#progress.update({
      phase: "sending",
      totalBytes: manifest.sizeBytes ?? undefined,
      totalFiles: this.#files.total,
    });
  }

  #report(event: SenderEvent, peer: string, channel: Channel): void {
    const { output, manifest } = this.#options;
    switch (event.kind) {
      case "offered":
        this.#transferId = toHex(event.transferId);
        this.#excusedMs = performance.now();
        output.event("offer", {
          transfer: this.#transferId,
          peer,
          names: topNames(manifest).slice(0, NAMES_SHOWN_MAX),
          totalBytes: manifest.sizeBytes,
          totalFiles: this.#files.total,
        });
        break;
      case "comparing":
        this.#excuse();
        this.#moved("resuming", event.bytes);
        break;
      case "started":
        this.#started(event.offset, event.wanted);
        break;
      case "sent":
        this.#takenBytes = event.bytes;
        this.#tell(channel);
        if (event.bytes > this.#sentBytes) {
          this.#sentBytes = event.bytes;
          this.#retry.progress(performance.now());
        }
        break;
      case "durable":
        output.verbose(`The receiver has ${formatBytes(event.bytes)} safe on its disk`);
        this.#keep(event.bytes);
        break;
      case "finishing":
        this.#hasSentAll = true;
        this.#isFinishing = true;
        if (channel.unacknowledgedSizeBytes === 0) this.#finishing();
    }
  }

  #started(offset: number, wanted: number): void {
    const { output } = this.#options;
    this.#excuse();
    this.#keep(offset);
    // What the receiver says that it has lost, it has to get once more.
    this.#keptBytes = offset;
    if (wanted > 0 && offset === 0) {
      output.warn("what the receiver has does not fit the source any more: sending everything again");
    }
    if (offset > 0) {
      output.info(
        offset === this.#sizeBytes
          ? "The receiver has all of it already."
          : `Continuing at ${formatBytes(offset)} of ${formatBytes(this.#sizeBytes)}`,
      );
      output.event("resumed", { transfer: this.#transferId!, offsetBytes: offset });
    }
    this.#arrivedBytes = this.#takenBytes = offset;
    this.#isFinishing = false;
    this.#progress?.resumeAt(offset);
    this.#progress?.update({ phase: "sending", bytes: offset, files: this.#files.at(offset) });
  }

  /** Until sending begins, both ends may have to read what is there already, which takes its time. */
  #excuse(): void {
    const nowMs = performance.now();
    this.#retry.busy(this.#excusedMs, nowMs);
    this.#excusedMs = nowMs;
  }

  #keep(bytes: number): void {
    if (bytes <= this.#keptBytes) return;
    this.#keptBytes = bytes;
    this.#retry.progress(performance.now());
  }

  #moved(phase: Phase, bytes: number, isNews = false): void {
    const files = this.#files.at(bytes);
    this.#progress?.update({ phase, bytes, files });
    const nowMs = performance.now();
    if (!isNews && nowMs - this.#eventMs < PROGRESS_EVERY_MS) return;
    this.#eventMs = nowMs;
    this.#options.output.event("progress", {
      transfer: this.#transferId ?? null,
      phase,
      bytes,
      totalBytes: this.#options.manifest.sizeBytes,
      files,
      totalFiles: this.#files.total,
    });
  }
}

function topNames(manifest: Manifest): readonly string[] {
  const names = new Set<string>();
  for (const entry of manifest.entries) names.add(entry.path.split("/", 1)[0]!);
  return [...names];
}

function labelOf(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names[0]} and ${names.length - 1} more`;
}

/** Waits for `answer`, but no longer than until `signal`, whose reason is then thrown. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  return Promise.race([answer, aborted.promise]).finally(() => signal.removeEventListener("abort", onAbort));
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = systemClock.after(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
