/**
 * What a receiver tells of one sender and its transfer: progress, events, and the line at its end, good or bad.
 * @module
 */
import { StxError } from "../lib/errors.ts";
import { systemClock } from "../lib/net/tcp.ts";
import type { Entry } from "../lib/ports.ts";
import { breathe } from "../lib/transfer/breathe.ts";
import type { ReceivedTransfer, ReceiverEvent } from "../lib/transfer/receiver_options.ts";
import { FileCount } from "./file_count.ts";
import type { Progress, ProgressHandle } from "./progress.ts";
import type { Output } from "./terminal.ts";
import { formatBytes } from "./values.ts";

const NAMES_SHOWN_MAX = 100;
/** Progress events at most this often. */
const PROGRESS_EVERY_MS = 100;
/** So long other senders may wait while files are told. */
const TURN_MS = 20;

/** See the module's text. */
export class ReceivingReport {
  readonly #output: Output;
  readonly #all: Progress;
  readonly #peer: string;
  readonly #startMs = performance.now();
  #progress: ProgressHandle | undefined;
  #files = new FileCount([]);
  #totalBytes: number | null = null;
  #eventMs = 0;
  /** How much of the stream is here. */
  #bytes = 0;
  /** The transfer's id in hexadecimal, once it is known. */
  #id: string | undefined;
  /** What people call the transfer. */
  #label = "";

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
        this.#bytes = event.offset;
        this.#output.info(`Continuing ${this.#label} ${this.#place()}, from ${this.#peer}`);
        this.#output.event("resumed", { transfer: this.#id!, offsetBytes: event.offset });
        this.#progress?.resumeAt(event.offset);
        break;
      case "received":
        this.#bytes = event.bytes;
        this.#moved("receiving", false);
        break;
      case "finishing":
        this.#moved("finishing", true);
    }
  }

  #offered(id: string, entries: readonly Entry[], totalBytes: number | null): void {
    this.#id = id;
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
    const more = names.length === 1 ? "" : ` and ${names.length - 1} more`;
    this.#label = `"${names[0]}"${more}`;
    this.#progress = this.#all.start(`${names[0]}${more}`);
    this.#progress.update({
      phase: "receiving",
      totalBytes: totalBytes ?? undefined,
      totalFiles: this.#files.total,
    });
  }

  #moved(phase: "receiving" | "finishing", isNews: boolean): void {
    const bytes = this.#bytes;
    const files = this.#files.at(bytes);
    this.#progress?.update({ phase, bytes, files });
    const nowMs = performance.now();
    if (!isNews && nowMs - this.#eventMs < PROGRESS_EVERY_MS) return;
    this.#eventMs = nowMs;
    this.#output.event("progress", {
      transfer: this.#id!,
      phase,
      bytes,
      totalBytes: this.#totalBytes,
      files,
      totalFiles: this.#files.total,
    });
  }

  /**
   * Tells of the end. Resolves when all is told: a million files are as many events, and whoever reads them may be slow,
   * so that the other senders have their turns in between.
   */
  async finish(result: ReceivedTransfer): Promise<void> {
    const wasHere = result.receivedBytes === 0 && result.sizeBytes > 0;
    if (wasHere) this.#progress?.resumeAt(result.sizeBytes);
    this.#progress?.update({ bytes: result.sizeBytes, files: this.#files.total });
    this.#progress?.finish();
    let turnMs = performance.now();
    for (const entry of result.entries) {
      if (entry.kind !== "file") continue;
      if (performance.now() - turnMs > TURN_MS) {
        await breathe(systemClock);
        turnMs = performance.now();
      }
      const [top, ...rest] = entry.path.split("/");
      this.#output.event("file", {
        transfer: this.#id!,
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
      transfer: this.#id!,
      bytes: result.sizeBytes,
      files: this.#files.total,
      seconds: (performance.now() - this.#startMs) / 1000,
      receipt: null,
    });
  }

  /**
   * Tells of an end without a result: who, what, and how far it has come.
   * @param address where the sender has called from
   * @param isStopping whether the receiver has been told to stop, which ends all transfers
   */
  fail(error: unknown, address: string, isStopping: boolean): void {
    this.#progress?.stop();
    const transfer = this.#id === undefined ? {} : { transfer: this.#id };
    this.#output.error(this.#named(error, address, isStopping), {
      continues: true,
      peer: this.#peer,
      ...transfer,
    });
  }

  #named(error: unknown, address: string, isStopping: boolean): unknown {
    if (!(error instanceof StxError)) return error;
    const { code, cause } = error;
    const who = this.#id === undefined ? this.#peer : `${this.#label} from ${this.#peer}`;
    let { message, hint } = error;
    if (code === "cancelled") {
      message = isStopping ? "Stopped" : "Left to a newer connection of the same sender";
    }
    if (this.#id !== undefined && (code === "connection_lost" || code === "cancelled" && isStopping)) {
      message += `, ${this.#place()}`;
      hint ??= this.#totalBytes === null
        ? "what comes from standard input begins anew"
        : "the sender can continue";
    }
    return new StxError(code, `${who} (${address}): ${message}`, {
      ...(hint === undefined ? {} : { hint }),
      cause,
    });
  }

  /** How far it has come, in words. */
  #place(): string {
    const total = this.#totalBytes === null ? "" : ` of ${formatBytes(this.#totalBytes)}`;
    return `at ${formatBytes(this.#bytes)}${total}`;
  }
}

function topNames(entries: readonly Entry[]): readonly string[] {
  const names = new Set<string>();
  for (const entry of entries) names.add(entry.path.split("/", 1)[0]!);
  return [...names];
}
