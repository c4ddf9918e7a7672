/**
 * Progress of transfers on a terminal: one line at the bottom that is drawn again as data moves, and that stays
 * when its transfer is finished. Nothing without a terminal or under `--quiet`.
 * @module
 */
import type { Phase } from "./events.ts";
import { type ProgressFields, progressLine } from "./progress_line.ts";
import { Rate } from "./rate.ts";
import type { Output } from "./terminal.ts";

/** Shortest time between two drawings of the line. */
const REDRAW_EVERY_MS = 100;

/** What is known of a transfer. Bytes and files are those done in the present phase. */
export interface TransferProgress {
  readonly phase: Phase;
  readonly bytes: number;
  readonly totalBytes: number | undefined;
  readonly files: number;
  readonly totalFiles: number;
}

/** The progress of one transfer. */
export interface ProgressHandle {
  /** Tells what has changed; nothing else does, so it is to be called often, at every block for example. */
  update(change: Partial<TransferProgress>): void;
  /** Says that data moves on from `bytes`; those before it were not moved now and do not count into the rate. */
  resumeAt(bytes: number): void;
  /** Ends it as done: a line with the total time and average rate stays. */
  finish(): void;
  /** Ends it as not done: its last state stays. Does nothing after `finish`. */
  stop(): void;
}

/** The progress of all transfers of a run. With several under way the line shows their sum. */
export class Progress {
  readonly #output: Output;
  readonly #nowMs: () => number;
  readonly #active = new Set<Transfer>();
  #drawnMs = -Infinity;

  /** `nowMs` is a clock that only goes forward. */
  constructor(output: Output, nowMs: () => number = () => performance.now()) {
    this.#output = output;
    this.#nowMs = nowMs;
  }

  /** Begins a transfer; `label` is what the line calls it, a file name for example. */
  start(label: string): ProgressHandle {
    const transfer = new Transfer(this.#output.safe(label), this.#nowMs());
    this.#active.add(transfer);
    return {
      update: (change) => {
        if (!this.#active.has(transfer)) return;
        // A phase may last with nothing more to tell, so it is drawn at once; phases change seldom.
        const phaseChanged = change.phase !== undefined && change.phase !== transfer.state.phase;
        transfer.update(change, this.#nowMs());
        this.#draw(phaseChanged);
      },
      resumeAt: (bytes) => transfer.resumeAt(bytes, this.#nowMs()),
      finish: () => this.#end(transfer, () => transfer.finalFields(this.#nowMs())),
      stop: () => this.#end(transfer, () => transfer.fields()),
    };
  }

  #end(transfer: Transfer, fields: () => ProgressFields): void {
    if (!this.#active.delete(transfer)) return;
    const columns = this.#output.progressColumns();
    if (columns !== undefined) this.#output.keepLine(progressLine(fields(), columns));
    if (this.#active.size > 0) this.#draw(true);
  }

  #draw(now: boolean): void {
    const nowMs = this.#nowMs();
    if (!now && nowMs - this.#drawnMs < REDRAW_EVERY_MS) return;
    const columns = this.#output.progressColumns();
    if (columns === undefined) return;
    this.#drawnMs = nowMs;
    const all = [...this.#active].map((transfer) => transfer.fields());
    this.#output.drawLine(progressLine(all.length === 1 ? all[0]! : sumOf(all), columns));
  }
}

class Transfer {
  state: TransferProgress = { phase: "connecting", bytes: 0, totalBytes: undefined, files: 0, totalFiles: 1 };
  readonly #label: string;
  readonly #startMs: number;
  #rate: Rate;
  /** Bytes that went over the wire in this run. */
  #movedBytes = 0;
  /** The place in the transfer up to which they are counted. */
  #movedTo = 0;

  constructor(label: string, nowMs: number) {
    this.#label = label;
    this.#startMs = nowMs;
    this.#rate = new Rate(nowMs, 0);
  }

  update(change: Partial<TransferProgress>, nowMs: number): void {
    const before = this.state;
    this.state = { ...before, ...change };
    const moves = this.#movesData();
    if (this.state.phase !== before.phase) {
      // The bytes of another phase, hashing for example, say nothing about how much has been moved.
      const bytes = change.bytes ?? (this.state.phase === "hashing" ? 0 : this.#movedTo);
      this.state = { ...this.state, bytes };
      this.#rate = new Rate(nowMs, moves ? this.#movedTo : this.state.bytes);
    }
    this.#rate.add(nowMs, this.state.bytes);
    if (!moves) return;
    this.#movedBytes += Math.max(this.state.bytes - this.#movedTo, 0);
    this.#movedTo = this.state.bytes;
  }

  resumeAt(bytes: number, nowMs: number): void {
    this.state = { ...this.state, bytes };
    this.#movedTo = bytes;
    this.#rate = new Rate(nowMs, bytes);
  }

  fields(): ProgressFields {
    const { phase, bytes, totalBytes, files, totalFiles } = this.state;
    const bytesPerSecond = this.#rate.perSecond();
    return {
      label: this.#label,
      phase: this.#movesData() ? undefined : phase,
      bytes,
      totalBytes,
      bytesPerSecond,
      time: timeLeft(bytes, totalBytes, bytesPerSecond),
      files,
      totalFiles,
    };
  }

  finalFields(nowMs: number): ProgressFields {
    const takenMs = nowMs - this.#startMs;
    return {
      ...this.fields(),
      phase: undefined,
      bytesPerSecond: takenMs > 0 ? this.#movedBytes * 1000 / takenMs : undefined,
      time: { ms: takenMs, meaning: "taken" },
    };
  }

  #movesData(): boolean {
    return this.state.phase === "sending" || this.state.phase === "receiving";
  }
}

function timeLeft(bytes: number, totalBytes: number | undefined, bytesPerSecond: number | undefined) {
  if (totalBytes === undefined || !bytesPerSecond) return undefined;
  return { ms: Math.max(totalBytes - bytes, 0) * 1000 / bytesPerSecond, meaning: "left" } as const;
}

function sumOf(all: readonly ProgressFields[]): ProgressFields {
  const sum = (amount: (fields: ProgressFields) => number) =>
    all.reduce((total, one) => total + amount(one), 0);
  const bytes = sum((one) => one.bytes);
  const totalBytes = all.some((one) => one.totalBytes === undefined)
    ? undefined
    : sum((one) => one.totalBytes!);
  const bytesPerSecond = sum((one) => one.bytesPerSecond ?? 0);
  return {
    label: `${all.length} transfers`,
    phase: undefined,
    bytes,
    totalBytes,
    bytesPerSecond,
    time: timeLeft(bytes, totalBytes, bytesPerSecond),
    files: sum((one) => one.files),
    totalFiles: sum((one) => one.totalFiles),
  };
}
