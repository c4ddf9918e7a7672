/**
 * Every defence by its name: what it is, and the one place in the code that holds it. A control switches some of them
 * off by `lib/attacks/weak/`; a mutation deletes the place itself.
 * @module
 */
import { HANDSHAKE_DEFENCES } from "./defences/handshake.ts";
import { MACHINE_DEFENCES } from "./defences/machine.ts";
import { LINE_DEFENCES } from "./defences/lines.ts";
import { RECORD_DEFENCES } from "./defences/records.ts";
import { ROUNDS_DEFENCES } from "./defences/rounds.ts";
import { TRANSFER_DEFENCES } from "./defences/transfer.ts";

/** One defence. */
export interface DefenceText {
  /** What it does, in one sentence for somebody who learns. */
  readonly text: string;
  /** The file that holds it. */
  readonly file: string;
  /** The class, or `""` for a function of the module, and the method that is the defence and nothing else. */
  readonly member: readonly [string, string];
  /** What deleting it leaves of the method's body, where that is not nothing at all. */
  readonly deleted?: string;
  /** What has to go with it so that two honest ends still understand each other, in the same file. */
  readonly with?: Pick<DefenceText, "member" | "deleted">;
}

/** All of them. */
export const DEFENCES = {
  ...HANDSHAKE_DEFENCES,
  ...RECORD_DEFENCES,
  ...LINE_DEFENCES,
  ...TRANSFER_DEFENCES,
  ...MACHINE_DEFENCES,
  ...ROUNDS_DEFENCES,
} as const satisfies Readonly<Record<string, DefenceText>>;

/** A defence's name. */
export type Defence = keyof typeof DEFENCES;

/** Defences that are switched off. */
export type Off = ReadonlySet<Defence>;
