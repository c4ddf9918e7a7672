/**
 * What an attack is: somebody who wants something, does something, and does not get it, because of defences that have
 * a name each. The same play with those defences off is its control.
 * @module
 */
import type { ErrorCode } from "../../lib/errors.ts";
import type { Defence, Off } from "../../lib/attacks/defences.ts";
import type { Protocol, Step } from "../../lib/attacks/middle.ts";
import type { Seeded } from "../../lib/attacks/seeded.ts";
import type { Attacker, End } from "../../lib/attacks/wire.ts";
import type { Network } from "./network.ts";

/** Who attacks: see docs/threat-model.md. `line` is nobody: what lines do by themselves. */
export type Role = "path" | "stranger" | "sender" | "receiver" | "thief" | "line";

/** What an attack must come to. */
export type Expected =
  /** An end notices, by this error, in whose text `during` stands: the message or record at which it noticed. */
  | { readonly kind: "stopped"; readonly at: End; readonly code: ErrorCode; readonly during: string }
  /** Nobody fails: the attacker gets nothing, and what was to arrive arrives intact. */
  | { readonly kind: "survived" }
  /** What it may take is measured, and within its bounds; an honest user is served meanwhile. */
  | { readonly kind: "bounded" };

/** One thing that was measured. */
export interface Bound {
  /** What, with its unit: "connections held at once". */
  readonly what: string;
  readonly measured: number;
  /** What it may be at most. */
  readonly most: number;
}

/** Why an end failed. */
export interface EndError {
  /** `internal` where it is none of the project's own errors: never right. */
  readonly code: ErrorCode | "internal";
  readonly message: string;
}

/** What became of a play. */
export interface Played {
  /** Whether the attacker has got what it wanted. */
  readonly hasSucceeded: boolean;
  /** What shows it, in one sentence: "the file in place differs from the one that was sent". */
  readonly evidence: string;
  /** What each end has said, where it failed. */
  readonly errors: { readonly [E in End]?: EndError };
  /** Whether what was to arrive has arrived, exactly. */
  readonly isIntact: boolean;
  /** All that passed, for the sequence diagram. */
  readonly steps: readonly Step[];
  /** Whether it broke off by a fault of its own, so that it shows nothing. */
  readonly isBrokenOff?: true;
  /** Where the verdict is "bounded". */
  readonly bounds?: readonly Bound[];
}

/** Where an attack is played. */
export interface Stage {
  /** The attacker's choices. */
  readonly seeded: Seeded;
  /** An empty folder of this play's own. */
  readonly folder: string;
  /** The defences that are switched off. */
  readonly off: Off;
  /** Where the connections are, if not on the loopback interface. */
  readonly network?: Network;
}

/** One attack. */
export interface Attack {
  /** As the command line spells it; unique within its protocol. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly by: Role;
  /** The end in whose place the attacker is, where `by` does not say it: an impostor's. */
  readonly plays?: End;
  /** What the attacker wants, as a sentence: "A block of the file is replaced by another one." */
  readonly goal: string;
  /** What it does, in words that a student follows. */
  readonly does: string;
  /** Why it fails, in the same words. */
  readonly why: string;
  /** The promises of docs/threat-model.md that it tries, by their headings. */
  readonly promises: readonly string[];
  readonly expected: Expected;
  /** The smallest set of defences without which it succeeds; empty where the verdict is "bounded". */
  readonly defences: readonly Defence[];
  /** Runs it on real connections of the loopback interface. */
  play(stage: Stage): Promise<Played>;
  /**
   * The attacker on the path, where it is one without keys: the man in the middle between a user's own ends runs the
   * same. Called once for a run; gives an attacker for each connection.
   */
  readonly onPath?: (seeded: Seeded) => (connection: number) => Attacker;
}

/** The same attack on the protocol as its source document has it, and whether that falls for it. */
export interface SeedPlay {
  readonly succeeds: boolean;
  play(stage: Stage): Promise<Played>;
}
