/**
 * Tables made of what the sources say: numbers with their descriptions, transitions, limits.
 * @module
 */
import * as LIMITS from "../lib/limits.ts";
import { descriptionsIn, membersOf } from "./descriptions.ts";
import { markdownTable } from "./marked_regions.ts";
import { PROJECT_FOLDER } from "./project.ts";

type Numbers = Readonly<Record<string, number>>;

/** A file of the sources. */
function read(path: string): string {
  return Deno.readTextFileSync(`${PROJECT_FOLDER}/${path}`);
}

/** The descriptions of an object of numbers; each must have one. */
export function describe(path: string, name: string, numbers: Numbers): (member: string) => string {
  const texts = descriptionsIn(membersOf(read(path), name));
  if (texts.size !== Object.keys(numbers).length) throw new Error(`${name} is not read as it is written`);
  return (member) => texts.get(member)!;
}

/** Number, name and description of each member. */
export function namesTable(head: string, path: string, name: string, numbers: Numbers): string {
  const text = describe(path, name, numbers);
  return markdownTable(
    ["number", head, "meaning"],
    Object.entries(numbers).map(([member, number]) => [`${number}`, `\`${member}\``, text(member)]),
  );
}

/** A transition: from, what comes, what goes, to. `[*]` is where a state machine begins. */
export type StateRow = readonly [string, string, string, string];

/** A table of transitions and their diagram. */
export function statesOf(rows: readonly StateRow[]): string {
  const named = rows.map((
    [state, comes, goes, next],
  ) => [state, constantCase(comes), constantCase(goes), next]);
  const table = markdownTable(
    ["state", "gets", "sends", "next"],
    named.map(([state, ...rest]) => [state === "[*]" ? "(start)" : state!, ...rest]),
  );
  const arrows = named.map(([state, comes, goes, next]) => {
    const label = [comes, goes === "" ? "" : `sends ${goes}`].filter((part) => part !== "").join(", ");
    return `    ${state} --> ${next}${label === "" ? "" : `: ${label}`}`;
  });
  return [table, "", "```mermaid", "stateDiagram-v2", ...arrows, "```"].join("\n");
}

/** The words that a limit's description may begin with: what is counted. */
const UNITS =
  /^(?:Answers|Bits|Bytes|Clients|Digits|Entries|Epochs|Handshakes|Keys|Milliseconds|NAKs|Nonces|Numbers|Parts|Records|Seals|Senders) /;

/** The parts of lib/limits.ts, in their order; the last one is about the rounds protocol. */
export function limitParts(): readonly string[] {
  return read("lib/limits.ts").split(/^\/\/ ---- .* ----$/m).slice(1);
}

/** The limits in one part of lib/limits.ts. */
export function limitsTable(part: string): string {
  const values = LIMITS as Numbers;
  return markdownTable(
    ["limit", "value", "what it counts, and why"],
    [...descriptionsIn(part)].map(([name, text]) => {
      if (!UNITS.test(text)) throw new Error(`The description of ${name} does not begin with a unit`);
      return [`\`${name}\``, formatValue(values[name]!, text), text];
    }),
  );
}

function formatValue(value: number, text: string): string {
  const digits = value.toLocaleString("en-US");
  const rounder = text.startsWith("Bytes")
    ? inUnits(value, [[2 ** 20, "MiB"], [2 ** 10, "KiB"]])
    : text.startsWith("Milliseconds")
    ? inUnits(value, [[86_400_000, "days"], [60_000, "min"], [1000, "s"]])
    : undefined;
  return rounder === undefined ? digits : `${digits} (${rounder})`;
}

/** `value` in the largest unit of which it is a whole multiple. */
function inUnits(value: number, units: readonly (readonly [number, string])[]): string | undefined {
  const unit = units.find(([size]) => value >= size && value % size === 0);
  return unit === undefined ? undefined : `${(value / unit[0]).toLocaleString("en-US")} ${unit[1]}`;
}

/** `wantManifest` as WANT_MANIFEST. */
export function constantCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** `accessDenied` as access denied. */
export function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
