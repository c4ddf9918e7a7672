/**
 * Makes the rows of a sequence diagram out of everything that passed: who sent what to whom, what the attacker did with
 * it, and long stretches without it folded into one row.
 * @module
 */
import type { Step } from "../../../lib/attacks/middle.ts";
import { PEER } from "../../../lib/attacks/wire.ts";
import { number } from "./words.ts";

/** Somebody with a line in the diagram. */
export type Party = Step["from"];

/** One row, from the top. */
export type Row =
  | {
    readonly kind: "arrow";
    readonly from: Party;
    readonly to: Party;
    readonly name: string;
    readonly sizeBytes: number;
  }
  /** What somebody did, in a box on its line. */
  | { readonly kind: "act"; readonly at: Party; readonly name: string; readonly note: string }
  /** Several rows in one. */
  | { readonly kind: "fold"; readonly text: string };

/** Rows that stay together, made of one step or of two. */
interface Group {
  readonly rows: readonly Row[];
  readonly names: readonly string[];
  /** Whether the attacker had a hand in it. */
  readonly isTouched: boolean;
}

/** A diagram is folded until it has no more groups than this, where the attacker leaves it at that. */
export const GROUPS_MAX = 14;
/** So many groups are shown around the attacker's doings, if there is room. */
const CONTEXTS = [3, 2, 1, 0];
/** Of an attacker that does much: so many of its doings at the beginning, and so many at the end. */
const FIRST_DOINGS = 5;
const LAST_DOINGS = 2;
/** Of a play that the attacker leaves alone: so many groups at the beginning, the handshake among them. */
const FIRST_UNTOUCHED = 8;

/** See the module's text. */
export function rowsOf(steps: readonly Step[]): readonly Row[] {
  return folded(groupsOf(steps)).flatMap((group) => group.rows);
}

/** Those who have a line in a diagram of these rows, from the left. */
export function partiesOf(rows: readonly Row[]): readonly Party[] {
  const seen = new Set<Party>();
  for (const row of rows) {
    if (row.kind === "arrow") seen.add(row.from).add(row.to);
    if (row.kind === "act") seen.add(row.at);
  }
  return (["client", "attacker", "server"] as const).filter((party) => seen.has(party));
}

function groupsOf(steps: readonly Step[]): Group[] {
  const groups: Group[] = [];
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    const next = steps[i + 1];
    if (next !== undefined && isHandedOn(step, next)) {
      groups.push(groupOf({ ...step, to: next.to }, undefined));
      i += 1;
    } else {
      groups.push(groupOf(asItCame(step), steps[i - 1]));
    }
  }
  return groups;
}

/** The end of a direction that the attacker lets happen is the peer's. */
function asItCame(step: Step): Step {
  const { from, to, name, note } = step;
  if (from !== "attacker" || to === "attacker" || name !== "end" || note !== "") return step;
  return { from: PEER[to], to, name, sizeBytes: 0 };
}

/** Whether the attacker lets something go on as it came, beside which it does more. */
function isHandedOn(step: Step, next: Step): boolean {
  return step.to === "attacker" && next.from === "attacker" && next.note === undefined &&
    step.from !== "attacker" && next.to !== "attacker" && next.to !== step.from &&
    next.name === step.name && next.sizeBytes === step.sizeBytes;
}

function groupOf(step: Step, before: Step | undefined): Group {
  const { from, to, name, sizeBytes, note = "" } = step;
  const rows: Row[] = [];
  if (from === to) {
    // What the row above has named needs no name here.
    const isNamed = before?.to === from && before.from !== from && before.name === name;
    rows.push({ kind: "act", at: from, name: isNamed ? "" : name, note });
  } else {
    // Of several that are treated alike, the first says how.
    const isSaid = before?.from === from && before.to === to && before.note === note;
    if (note !== "" && !isSaid) rows.push({ kind: "act", at: from, name: "", note });
    rows.push({ kind: "arrow", from, to, name, sizeBytes });
  }
  return { rows, names: [name], isTouched: from === "attacker" || to === "attacker" || note !== "" };
}

function folded(groups: readonly Group[]): readonly Group[] {
  if (!groups.some(isTouched)) {
    return groups.length <= GROUPS_MAX ? groups : foldWhere(groups, (i) => i >= FIRST_UNTOUCHED);
  }
  let result = groups;
  for (const context of CONTEXTS) {
    if (result.length <= GROUPS_MAX) return result;
    result = foldWhere(
      groups,
      (i) => !groups.slice(Math.max(0, i - context), i + context + 1).some(isTouched),
    );
  }
  if (result.length <= GROUPS_MAX) return result;
  const doings = groups.flatMap((group, i) => group.isTouched ? [i] : []);
  const kept = new Set([...doings.slice(0, FIRST_DOINGS), ...doings.slice(-LAST_DOINGS)]);
  return foldWhere(groups, (i) => !kept.has(i));
}

function isTouched(group: Group): boolean {
  return group.isTouched;
}

/**
 * Makes one group of each run of those that `isAway` names; a run of one stays as it is, and so does the very last,
 * with which an end says what it has noticed.
 */
function foldWhere(groups: readonly Group[], isAway: (index: number) => boolean): readonly Group[] {
  const result: Group[] = [];
  let run: Group[] = [];
  const flush = () => {
    if (run.length > 1) result.push(foldOf(run, result.length > 0));
    else result.push(...run);
    run = [];
  };
  groups.forEach((group, i) => {
    if (i < groups.length - 1 && isAway(i)) {
      run.push(group);
    } else {
      flush();
      result.push(group);
    }
  });
  flush();
  return result;
}

function foldOf(run: readonly Group[], isLater: boolean): Group {
  const names = run.flatMap((group) => group.names);
  const text = run.some(isTouched) ? `${number(run.length)} more like these` : describe(names, isLater);
  return { rows: [{ kind: "fold", text }], names, isTouched: false };
}

/** What is folded: `HELLO, WELCOME, VERIFY, READY`, `4 more records`, `2 more DATA, 3 more AGGREGATE`. */
function describe(names: readonly string[], isLater: boolean): string {
  const more = isLater ? " more" : "";
  const counts = new Map<string, number>();
  for (const name of names) {
    if (!isRecord(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const recordCount = names.filter(isRecord).length;
  const parts = [...counts].map(([name, times]) => times === 1 ? name : `${number(times)}${more} ${name}`);
  if (recordCount === 1) parts.push(isLater ? "one more record" : "one record");
  if (recordCount > 1) parts.push(`${number(recordCount)}${more}\u00a0records`);
  return parts.length > 5 ? `${number(names.length)}${more} messages` : parts.join(", ");
}

function isRecord(name: string): boolean {
  return /^record \d+$/.test(name);
}
