/**
 * What a run is about, as plain data that its seed determines: who sends what to whom over which line, and what goes wrong.
 * @module
 */
import type { ConflictPolicy } from "../../lib/ports.ts";
import type { JournalKind } from "./disk.ts";
import type { LineFault, LineProfile } from "./line.ts";
import type { Step } from "./process.ts";

/** A file or a folder to begin with. */
export interface Item {
  /** Relative; a folder comes before what it holds. */
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly sizeBytes: number;
  readonly mode: number;
  readonly mtimeMs: number;
  /** Which content it has. */
  readonly content: number;
}

/** One sender. */
export interface SenderPlan {
  readonly items: readonly Item[];
  readonly startMs: number;
  readonly withDigests: boolean;
  /** The only item comes as standard input: its size is not known before its end, and it is read once. */
  readonly isStream: boolean;
}

/** What somebody does to a file that is being sent. */
export type SourceChange = "append" | "shorten" | "rewrite" | "replace" | "touch" | "remove";

/** What can go wrong in any simulation, whoever takes part in it. */
export type CommonFault =
  | { readonly kind: "line"; readonly connection: number; readonly fault: LineFault }
  /** A process dies at its `nth` step of a kind, before or after it has had its effect. */
  | {
    readonly kind: "crash";
    readonly who: string;
    readonly step: Step | "any";
    readonly nth: number;
    readonly when: "before" | "after";
    readonly isPowerLoss: boolean;
    readonly downMs: number;
  }
  /** A process dies while it waits. */
  | {
    readonly kind: "crashAt";
    readonly who: string;
    readonly atMs: number;
    readonly isPowerLoss: boolean;
    readonly downMs: number;
  }
  /** The receiver or the server is asked to stop, and started again. */
  | { readonly kind: "stop"; readonly atMs: number; readonly downMs: number }
  /** A machine's clock is set. */
  | { readonly kind: "clock"; readonly who: string; readonly atMs: number; readonly byMs: number };

/** One thing that goes wrong. Senders go by the names "sender0" and so on, the receiver by "receiver". */
export type Fault =
  | CommonFault
  /** Steps of the receiver fail. */
  | {
    readonly kind: "error";
    /** The receiver, if nobody else. */
    readonly who?: string;
    /** Whether it has happened all the same. */
    readonly when?: "before" | "after";
    readonly step: Step;
    readonly nth: number;
    readonly times: number;
    readonly code: "EIO" | "ENOSPC" | "EACCES";
  }
  /** Writes of the receiver take less than they were given. */
  | { readonly kind: "shortWrite"; readonly nth: number; readonly times: number }
  /** From its `nth` write on, so much fits on the receiver's disk. */
  | { readonly kind: "full"; readonly nth: number; readonly roomBytes: number }
  /** Steps of the receiver take their time. */
  | { readonly kind: "slow"; readonly step: Step; readonly ms: number }
  /** Something is done to a sender's file when it reads for the `nth` time. */
  | {
    readonly kind: "source";
    readonly sender: number;
    readonly nth: number;
    readonly item: number;
    readonly change: SourceChange;
  }
  /** A sender is started a second time, while the first one is at work. */
  | { readonly kind: "again"; readonly sender: number; readonly atMs: number }
  /** Before a connection is made, or the receiver starts for the nth time, its user does something to what has arrived, or to what is on its way. */
  | {
    readonly kind: "meddle";
    readonly before: "connection" | "start";
    readonly nth: number;
    readonly item: number;
    readonly how: "remove" | "append" | "shorten" | "partial";
  }
  /** The receiver's user makes a file in the folder. */
  | { readonly kind: "appear"; readonly atMs: number; readonly name: string };

/** See the module's text. */
export interface Plan {
  readonly seed: number;
  readonly conflict: ConflictPolicy;
  readonly journal: JournalKind;
  readonly line: LineProfile;
  /** What a sync takes at the receiver. */
  readonly syncMs: number;
  /** What is in the receiving folder before. */
  readonly inbox: readonly Item[];
  readonly senders: readonly SenderPlan[];
  readonly faults: readonly Fault[];
}
