/**
 * What a run of the rounds protocol is about, as plain data that its seed determines: who takes part over which lines,
 * how rounds are held, and what goes wrong.
 * @module
 */
import type { JournalKind } from "../disk.ts";
import type { LineProfile } from "../line.ts";
import type { CommonFault } from "../plan.ts";
import type { Step } from "../process.ts";

/** One client, by its number "client0" and so on. */
export interface ClientPlan {
  readonly startMs: number;
  /** What it takes to have the next value, at most. */
  readonly thinkMs: number;
  /** Rounds that it wants, while things go wrong. */
  readonly rounds: number;
}

/** How a client's program is wrong that has the right key: what it says instead in its first DATA. */
export type Deviance = "challenge" | "round" | "direction" | "epoch";

/** One thing that goes wrong. `who` is "server", "admin", or a client. */
export type RoundsFault =
  | CommonFault
  /** Steps fail: of a client with its key file, of the server with its database, there before or after the change. */
  | {
    readonly kind: "error";
    readonly who: string;
    readonly step: Step;
    readonly nth: number;
    readonly when: "before" | "after";
    readonly code: "EIO" | "ENOSPC" | "EACCES";
  }
  /** Writes of a client's key file take less than they were given. */
  | { readonly kind: "shortWrite"; readonly who: string; readonly nth: number }
  /** The server's database takes its time. */
  | { readonly kind: "slow"; readonly ms: number }
  /** A process stands still for a while. */
  | { readonly kind: "pause"; readonly who: string; readonly atMs: number; readonly ms: number }
  /** A client is started a second time with the same key file, while the first one is at work. */
  | { readonly kind: "again"; readonly client: number; readonly atMs: number }
  /** A client's key file is put back to what it was a while before. */
  | { readonly kind: "restore"; readonly client: number; readonly copiedAtMs: number; readonly atMs: number }
  | { readonly kind: "enroll"; readonly client: number; readonly atMs: number }
  | { readonly kind: "revoke"; readonly client: number; readonly atMs: number }
  /** A stranger sends what was recorded on a connection, whole. */
  | { readonly kind: "replay"; readonly connection: number; readonly atMs: number }
  | { readonly kind: "deviant"; readonly client: number; readonly atMs: number; readonly how: Deviance };

/** See the module's text. */
export interface RoundsPlan {
  readonly seed: number;
  readonly journal: JournalKind;
  readonly line: LineProfile;
  readonly minClients: number;
  readonly deadlineMs: number;
  /** A server process stops after so many rounds, if it is to. */
  readonly roundsMax: number | undefined;
  /** When everything goes well again, at the latest. */
  readonly healMs: number;
  readonly clients: readonly ClientPlan[];
  readonly faults: readonly RoundsFault[];
}
